import { extractAnswer, stripPython } from "../format/answer-text";

/**
 * What a response gives as its answer, for verifiers of short answers: the first closed `<answer>` block or else the whole
 * text, and inside that the last `\boxed{..}`, if there is one.
 *
 * Linear in the text: boxes are found from the end, and braces are counted once.
 *
 * @example finalAnswer("<think>\n..\n</think>\n<answer>\n\\boxed{B}\n</answer>") // "B"
 */
export function finalAnswer(response: string): string {
  const text = extractAnswer(response) ?? stripPython(response);
  const start = text.lastIndexOf("\\boxed{");
  if (start === -1) return text;
  const inside = start + "\\boxed{".length;
  let depth = 1;
  for (let at = inside; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === 123) depth++;
    else if (character === 125 && --depth === 0) return stripPython(text.slice(inside, at));
  }
  return text;
}

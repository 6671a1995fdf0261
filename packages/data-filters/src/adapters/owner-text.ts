/** Brings answers and questions as owners write them into the form of a sample. */

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/**
 * The text of a choice that the owner gives by its letter.
 *
 * @param letter `B`, `(b)` or `B.`
 * @returns the choice, or the letter itself if the choices have no text for it
 */
export function choiceText(letter: string, options: readonly string[] | null | undefined): string {
  const match = /^\(?([A-Za-z])[).:]?$/.exec(letter.trim());
  const text = match?.[1] === undefined ? undefined : options?.[LETTERS.indexOf(match[1].toUpperCase())];
  return text === undefined || text.trim() === "" ? letter.trim() : text.trim();
}

/**
 * An answer without the dollar signs around it, if all of it is one formula. `\\sqrt 2` becomes `\\sqrt{2}`, which is
 * the same in TeX: with V-Triune's settings Math-Verify 0.9 reads only the form with braces, and would judge every
 * answer to such a gold answer wrong.
 *
 * ```ts
 * bareFormula("$3\\sqrt{2}$") // "3\\sqrt{2}"
 * bareFormula("6 \\sqrt 2") // "6 \\sqrt{2}"
 * bareFormula("$a$ or $b$") // "$a$ or $b$"
 * ```
 */
export function bareFormula(answer: string): string {
  const text = answer.trim().replace(/\\sqrt\s*([0-9a-z])(?![0-9a-z])/gi, "\\sqrt{$1}");
  const match = /^(\${1,2})([^$]+)\1$/.exec(text);
  return match?.[2] === undefined ? text : match[2].trim();
}

/**
 * Contents of every `\boxed{..}` with balanced braces, in order.
 *
 * ```ts
 * boxedContents("so \\boxed{1} and \\boxed{\\frac{1}{2}}") // ["1", "\\frac{1}{2}"]
 * ```
 */
export function boxedContents(text: string): string[] {
  const contents: string[] = [];
  const mark = "\\boxed{";
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) {
    let depth = 1;
    for (let i = at + mark.length; i < text.length; i++) {
      if (text[i] === "\\") i++;
      else if (text[i] === "{") depth++;
      else if (text[i] === "}" && --depth === 0) {
        contents.push(text.slice(at + mark.length, i).trim());
        break;
      }
    }
  }
  return contents;
}

/**
 * A question without its picture marks (`<image>`, `<image 1>`, `<image1>` at the start). A sample gets new ones when
 * it is written.
 */
export function withoutImageMarks(question: string): string {
  return question
    .replace(/<image>\s?/g, "")
    .replace(/^(\s*<image ?\d+>\s*)+/, "")
    .trim();
}

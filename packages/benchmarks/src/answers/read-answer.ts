/** What several benchmarks read from an answer: its final part, a letter, a number, and how near two texts are. */

/**
 * What stands in the last \boxed{}, <answer></answer> or behind the last "answer is" or "answer:"; the whole text
 * otherwise.
 */
export function finalAnswer(response: string): string {
  const boxed = lastBoxed(response);
  if (boxed !== undefined) return boxed.replace(/^\\text\s*\{(.*)\}$/, "$1").trim();
  const tagged = [...response.matchAll(/<answer>([\s\S]*?)(?:<\/answer>|$)/gi)].at(-1)?.[1];
  if (tagged !== undefined && tagged.trim() !== "") return tagged.trim();
  const said = [...response.matchAll(/\banswer(?:\s+is)?\s*[:：]?\s*(?:\*\*)?\s*(?=\S)([^\n]+)/gi)]
    .filter(([whole]) => /answer\s+is|answer\s*[:：]|answer\s*\*\*/i.test(whole))
    .at(-1)?.[1];
  return (said ?? response).trim().replace(/[.。*\s]+$/, "");
}

function lastBoxed(text: string): string | undefined {
  const start = text.lastIndexOf("\\boxed{");
  if (start < 0) return undefined;
  let depth = 0;
  for (let at = start + 6; at < text.length; at += 1) {
    if (text[at] === "{") depth += 1;
    else if (text[at] === "}" && --depth === 0) return text.slice(start + 7, at);
  }
  return undefined;
}

/** Edits (insert, delete, replace) between two texts. */
export function editDistance(a: string, b: string): number {
  const [short, long] = a.length <= b.length ? [[...a], [...b]] : [[...b], [...a]];
  let row = Array.from({ length: short.length + 1 }, (_, index) => index);
  for (const [i, character] of long.entries()) {
    const next = [i + 1];
    for (const [j, other] of short.entries())
      next.push(character === other ? row[j]! : 1 + Math.min(row[j]!, row[j + 1]!, next[j]!));
    row = next;
  }
  return row.at(-1)!;
}

/** 1 - edits / length of the longer text; 1 for two empty ones. */
export function similarity(a: string, b: string): number {
  const length = Math.max([...a].length, [...b].length);
  return length === 0 ? 1 : 1 - editDistance(a, b) / length;
}

const NUMBER_WORDS = [
  "zero",
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
  "eleven",
  "twelve",
  "thirteen",
  "fourteen",
  "fifteen",
  "sixteen",
  "seventeen",
  "eighteen",
  "nineteen",
  "twenty",
];

/**
 * The last number of a text, thousands' commas taken out; words up to twenty count as numbers where there are no
 * digits.
 */
export function lastNumber(text: string): number | undefined {
  const digits = [...text.replaceAll(/(\d),(?=\d{3}(?!\d))/g, "$1").matchAll(/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g)].at(
    -1,
  )?.[0];
  if (digits !== undefined) return Number(digits);
  const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
  const index = NUMBER_WORDS.indexOf(words.findLast((word) => NUMBER_WORDS.includes(word)) ?? "");
  return index < 0 ? undefined : index;
}

/**
 * The option that an answer chooses, as MMMU's rule reads it: `(B)`, then `B` by itself, then `B.`; without a letter,
 * in an answer of more than five words, the option whose text occurs in it. Of several the last one counts.
 *
 * @returns its letter; undefined where none can be read (MMMU then draws one at random, which is no measurement)
 */
export function chosenLetter(response: string, options: readonly string[]): string | undefined {
  const letters = options.map((_, index) => String.fromCharCode(65 + index));
  const text = ` ${response.replace(/^[,.!?;:']+|[,.!?;:']+$/g, "")} `;
  const found = (mark: (letter: string) => string) =>
    letters
      .filter((letter) => text.includes(mark(letter)))
      .map((letter) => ({ letter, at: text.lastIndexOf(mark(letter)) }));
  for (const mark of [
    (letter: string) => `(${letter})`,
    (letter: string) => ` ${letter} `,
    (letter: string) => `${letter}.`,
  ]) {
    const last = found(mark)
      .sort((a, b) => a.at - b.at)
      .at(-1);
    if (last) return last.letter;
  }
  if (text.trim().split(/\s+/).length > 5) {
    const lower = text.toLowerCase();
    const named = options
      .map((option, index) => ({ letter: letters[index]!, at: lower.lastIndexOf(option.toLowerCase()) }))
      .filter(({ at }) => at >= 0);
    return named.sort((a, b) => a.at - b.at).at(-1)?.letter;
  }
  return undefined;
}

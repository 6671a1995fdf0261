/**
 * Gold answers for `mathverify` as trainers write them, without a box: `2\pi`, `5\sqrt{2}`, `1, 2, 3`. Math-Verify
 * looks for an answer inside a text and reads a piece of such a gold, 2 of `2\pi`, and skips others, `\pi`. A label is
 * no text to search, it is the answer: here it is put into `\boxed{}`, so that it is read whole. What Math-Verify reads
 * whole by itself stays as it is: a box, math between dollar signs, a plain number.
 */
import type { Verifier } from "@v-triune/verifiers";

/** A gold answer that is read whole, or why it is not. */
export type WholeGold =
  | { readonly gold: string; readonly reason?: undefined }
  | { readonly gold?: undefined; readonly reason: string };

const NUMBER = /^[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?%?$/;
const BOXED = /\\(?:boxed|fbox)\s*\{/;
/** Math between delimiters, and nothing else. */
const DELIMITED = /^(?:\$\$[^$]+\$\$|\$[^$]+\$|\\\((?:(?!\\\)).)+\\\)|\\\[(?:(?!\\\]).)+\\\])\.?$/s;
const ANSWER_BLOCK = /<answer>(.*?)<\/answer>/gis;
const HASHES = /(?:^|\n)\s*####\s*([^\n]+)\s*$/;
const ANNOUNCED = /^\s*(?:\*\*)?(?:the\s+)?(?:final\s+|correct\s+)?answer(?:\s+is)?\s*[:：]?(?:\*\*)?\s*[:：]?\s+/i;
/** Letters that are no command: a word begins the text, or makes up most of it. */
const WORD = /(?<![\\A-Za-z])[A-Za-z]{2,}/g;
const OTHER_LETTERS = /[^\p{ASCII}\p{Script=Greek}]/u;
/** Letters that are functions, units and joints of a formula rather than words. */
const FORMULA_WORDS = new Set(
  "sin cos tan cot sec csc log ln exp sqrt pi max min lim mod and or in mm cm dm km m kg mg g ml cl l s ms min h hr hrs ft in inch inches mi km/h mph kmh rad deg degree degrees percent pct inf infinity cdot times frac".split(
    " ",
  ),
);
/** A text of more words is a solution, in which the answer would have to be searched. */
const MOST_WORDS = 8;

/**
 * A gold answer as `mathverify` reads it whole.
 *
 * @example wholeGold("2\\pi") // { gold: "\\boxed{2\\pi}" }
 * @example wholeGold("red bus") // { gold: "\\boxed{\\text{red bus}}" }
 */
export function wholeGold(written: string): WholeGold {
  const gold = written.trim();
  if (gold === "" || BOXED.test(gold)) return { gold: written };
  const answer = statedAnswer(gold);
  if (answer === "") return { reason: "gold: no answer is left in it" };
  if (BOXED.test(answer) || DELIMITED.test(answer) || NUMBER.test(answer)) return { gold: answer };
  if (answer.split(/\s+/).length > MOST_WORDS && words(answer).length > MOST_WORDS / 2)
    return {
      reason: "gold: it is a solution rather than an answer; mark the answer with \\boxed{}, <answer> tags or ####",
    };
  if (!isBalanced(answer)) return { reason: "gold: its braces do not match" };
  const plain = answer.replaceAll(/^\$+|\$+$/g, "");
  if (plain.includes("$")) return { gold: answer };
  return { gold: isText(plain) ? `\\boxed{\\text{${plain}}}` : `\\boxed{${escapePercent(plain)}}` };
}

/** What stands in the last `<answer>`, after `####`, or after "The answer is"; else all of it. */
function statedAnswer(gold: string): string {
  const block = [...gold.matchAll(ANSWER_BLOCK)].at(-1)?.[1];
  const inside = (block ?? HASHES.exec(gold)?.[1] ?? gold).trim();
  const rest = inside.replace(ANNOUNCED, "").trim();
  return rest === "" ? inside : rest;
}

const words = (text: string): string[] =>
  [...text.matchAll(WORD)].map(([word]) => word.toLowerCase()).filter((word) => !FORMULA_WORDS.has(word));

/** Text, which is compared letter by letter, rather than a formula, whose letters are factors. */
function isText(answer: string): boolean {
  if (OTHER_LETTERS.test(answer)) return true;
  if (answer.includes("\\") || /[=<>^]/.test(answer)) return false;
  return words(answer).length > 0 && !/^[+-]?[\d.]/.test(answer);
}

const escapePercent = (text: string): string => text.replaceAll(/(?<!\\)%/g, "\\%");

function isBalanced(text: string): boolean {
  let depth = 0;
  for (const letter of text.replaceAll(/\\[{}\\]/g, "")) {
    if (letter === "{") depth++;
    else if (letter === "}" && --depth < 0) return false;
  }
  return depth === 0;
}

/** A verifier whose gold answers are read whole, or skipped with the reason. */
export function readingGoldsWhole(verifier: Verifier): Verifier {
  return {
    ...verifier,
    verify(response, sample) {
      if (typeof sample.groundTruth !== "string") return verifier.verify(response, sample);
      const { gold, reason } = wholeGold(sample.groundTruth);
      if (gold === undefined) return { status: "skipped", reason };
      return verifier.verify(response, { ...sample, groundTruth: gold });
    },
  };
}

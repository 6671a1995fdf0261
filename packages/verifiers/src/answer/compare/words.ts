/** Letters of options, and words as words: never as products of their letters. */
import { reactionKey } from "../types/chemistry";
import type { Gold } from "../types/gold";
import { readLabel } from "../types/labels";
import { type Choice, readChoice } from "../types/letters";
import { readMeaning } from "../types/meanings";
import {
  coreOf,
  isCode,
  joinedKey,
  phoneDigits,
  readBased,
  readNumberedNoun,
  withoutNoun,
  wordForms,
  wordKey,
} from "../types/words";
import { type Comparison, type SamePart, verdict } from "./comparison";

/** "Store A", "Vitamin C", but not "Not A". */
const NOUN_BEFORE = /^(?!not|neither|only|except|without|never)[A-Za-z]{3,12} (?=[A-Z]$)/i;

/** What an answer chooses, also behind a noun: "Store A". */
export const chosenLetters = (answer: string): Choice | "hedge" | undefined =>
  readChoice(answer) ?? readChoice(withoutNoun(answer)) ?? readChoice(answer.replace(NOUN_BEFORE, ""));

export function compareChoice({ letters, value }: Choice, answer: string, same: SamePart): Comparison | undefined {
  const choice = chosenLetters(answer);
  if (choice === "hedge") return verdict(false, "choice", "several options are left open");
  if (choice !== undefined) {
    if (choice.letters !== letters) return verdict(false, "choice", `${choice.letters} is not ${letters}`);
    const equal = value === undefined || choice.value === undefined || same(value, choice.value);
    return verdict(equal, "choice", equal ? "the same letter" : "the letter is the same, its text is not");
  }
  if (value === undefined || !same(value, answer)) return undefined;
  return verdict(true, "choice", "the option's text without its letter");
}

export function compareWords(gold: Extract<Gold, { type: "word" | "code" }>, answer: string): Comparison | undefined {
  if (gold.type === "word" && gold.meaning !== undefined) {
    const meaning = readMeaning(answer);
    if (meaning !== undefined) return verdict(meaning === gold.meaning, "word", `the answer means "${meaning}"`);
  }
  const key = wordKey(gold.text);
  if (wordKey(answer) === key) return verdict(true, "word", "the words are the same");
  for (const form of [...wordForms(answer), readLabel(answer).value])
    if (form !== answer && wordKey(form) === key) return verdict(true, "word", "the words are the same");
  const core = coreOf(gold.text);
  if (gold.type === "word" && core !== gold.text && wordKey(core) === wordKey(answer))
    return verdict(true, "word", "the same without the words around it");
  if (gold.type === "word" && isHyphened(gold.text, answer) && joinedKey(gold.text) === joinedKey(answer))
    return verdict(true, "word", "the words are the same but for a hyphen");
  const numbered = readNumberedNoun(gold.text);
  if (numbered !== undefined && numbered === readNumberedNoun(answer))
    return verdict(true, "word", "the same noun with the same number");
  const label = withoutNoun(gold.text);
  if (label !== gold.text && /^(?:[A-Z]|[IVX]+|\d{1,3})$/.test(label) && label === answer)
    return verdict(true, "word", "the label without its noun");
  return compareCodes(gold.text, answer);
}

/** A code without its kind in front, and without what stands between letters and digits. */
const codeKey = (text: string): string =>
  wordKey(
    text.replace(/^(?:ISBN|ISSN|SKU|ID|Model|Flight|Code|Serial|Tel\.?|Phone)(?: (?:number|no\.?))?:? (?=\S*\d)/i, ""),
  )
    .replace(/^v(?=\d+\.)/, "")
    .replace(/(?<=[a-z])[- ](?=\d)|(?<=\d)[- ](?=[a-z])/g, "");

/** Words without digits, of which one has a hyphen. */
const isHyphened = (gold: string, answer: string): boolean =>
  !/\d/.test(gold + answer) && /\p{L}-\p{L}/u.test(`${gold} ${answer}`) && /^[\p{L} '-]+$/u.test(answer);

/** Codes that may be written in several ways: reactions, numbers in another base, telephone numbers. */
function compareCodes(gold: string, answer: string): Comparison | undefined {
  const reaction = reactionKey(gold);
  if (reaction !== undefined && reaction === reactionKey(answer)) return verdict(true, "code", "the same reaction");
  const based = readBased(gold);
  if (based !== undefined) {
    const other = readBased(answer) ?? (/^[\dA-Fa-f]+$/.test(answer) ? { digits: answer.toUpperCase() } : undefined);
    if (other === undefined) return undefined;
    const equal = other.digits === based.digits && (other.base === undefined || other.base === based.base);
    return verdict(equal, "code", "digits and base are compared");
  }
  if (isCode(gold) && /\d/.test(gold) && codeKey(gold) === codeKey(answer))
    return verdict(true, "code", "the same code");
  const phone = phoneDigits(gold);
  const other = phone === undefined ? undefined : phoneDigits(answer);
  return other === undefined ? undefined : verdict(phone === other, "code", "the digits of the number are compared");
}

/**
 * Answers to a question with options: a letter, the text of an option, or both, against a gold answer that is one of
 * these.
 */
import { readGoldChoice } from "../types/letters";
import { wordKey } from "../types/words";
import { type Comparison, type SamePart, verdict } from "./comparison";
import { chosenLetters } from "./words";

/** The letter of the option that a text is, word for word or by its value; undefined for none and for several. */
export function letterOfOption(text: string, options: readonly string[], same: SamePart): string | undefined {
  const key = wordKey(text);
  const written = options.filter((option) => wordKey(option) === key);
  if (written.length > 0) return written.length === 1 ? letterAt(options.indexOf(written[0]!)) : undefined;
  const equal = options.filter((option) => same(option, text));
  return equal.length === 1 ? letterAt(options.indexOf(equal[0]!)) : undefined;
}

/** What a gold answer chooses among the options, as letters in alphabetical order. */
export function goldLetters(text: string, options: readonly string[], same: SamePart): string | undefined {
  const written = options.findIndex((option) => wordKey(option) === wordKey(text));
  if (written !== -1) return letterAt(written);
  const letters =
    readGoldChoice(text)?.letters ?? (/^\(?[a-j][).]?$/.test(text) ? text.replace(/[^a-j]/g, "") : undefined);
  if (letters !== undefined && /^[A-Za-z]+$/.test(letters))
    return [...letters].every((letter) => indexOf(letter) < options.length) ? letters.toUpperCase() : undefined;
  return letterOfOption(text, options, same);
}

/** Compares an answer with the letters of the gold answer. */
export function compareWithOptions(
  gold: string,
  options: readonly string[],
  answer: string,
  same: SamePart,
): Comparison | undefined {
  const written = options.findIndex((option) => wordKey(option) === wordKey(answer));
  if (written !== -1)
    return verdict(letterAt(written) === gold, "option", `it is the text of option ${letterAt(written)}`);
  const choice = chosenLetters(answer);
  if (choice === "hedge") return verdict(false, "choice", "several options are left open");
  if (choice === undefined) {
    const letter = letterOfOption(answer, options, same);
    return letter === undefined ? undefined : verdict(letter === gold, "option", `it is what option ${letter} says`);
  }
  if (choice.letters !== gold) return verdict(false, "choice", `${choice.letters} is not ${gold}`);
  if (choice.value === undefined || gold.length > 1) return verdict(true, "choice", "the same letter");
  const own = options[indexOf(gold)]!;
  const value = letterOfOption(choice.value, options, same);
  const isOther = value !== undefined ? value !== gold : isAmount(choice.value) && isAmount(own);
  if (isOther && !same(own, choice.value)) return verdict(false, "choice", "the letter is the same, its text is not");
  return verdict(true, "choice", "the same letter");
}

const isAmount = (text: string): boolean => /^[-+$€£¥]?\d/.test(text);
const letterAt = (index: number): string => String.fromCharCode(65 + index);
const indexOf = (letter: string): number => letter.toUpperCase().charCodeAt(0) - 65;

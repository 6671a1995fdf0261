/**
 * Stage 4, compare: a typed gold answer against the text of an answer. Each type has its own rule, and an answer may
 * come in another type's form where that says the same: an inequality for an interval, 0.75 for 3:4, 150 min for 2 h 30
 * min.
 */
import { isSameDate, isSameTime, readDate, readTime, readYearMonth } from "../types/calendar";
import { readItems, readMatrix, readSet, readTuple } from "../types/collections";
import { asCompound, compoundDifference, readCompound } from "../types/compound";
import { type Gold, readGold } from "../types/gold";
import { isMath } from "../types/math-text";
import { answerQuantities, readQuantity } from "../types/quantity";
import { readRange, readRatio } from "../types/ratio";
import { formulaKey, wordKey } from "../types/words";
import { compareAlternatives } from "./alternatives";
import { compareList, comparePlusMinus, compareTuple } from "./collections";
import { type Comparison, fromDifference, type SamePart, verdict } from "./comparison";
import { compareEquation, compareSets } from "./equations";
import { approximate } from "./math-engine";
import { compareMatrix } from "./matrices";
import { compareExpression, compareNumber, isValue } from "./numbers";
import { compareWithOptions, goldLetters } from "./options";
import { compareRange, compareRatio } from "./ratios";
import { compareChoice, compareWords } from "./words";

const DEEPEST = 4;
const LONGEST_VALUE = 2000;

/**
 * Compares one answer with the gold.
 *
 * @returns undefined when the answer cannot be read as anything that the gold's type compares with
 */
export function compareAnswer(gold: Gold, answer: string, depth = 0): Comparison | undefined {
  if (answer.trim() === "") return undefined;
  const hasOptions = gold.type === "choice" && gold.options !== undefined;
  if (!hasOptions && isWrittenAlike(gold, answer))
    return { equal: true, read: gold.type, why: "both are written the same" };
  // A value of a page is no value; its words were compared above.
  if (answer.length > LONGEST_VALUE) return undefined;
  const found =
    compareAlternatives(
      gold,
      answer,
      (one) => depth < DEEPEST && compareAnswer(gold, one, depth + 1)?.equal === true,
    ) ?? compareByType(gold, answer, samePartAt(depth));
  if (found !== undefined) return found;
  return gold.type === "word" || gold.type === "code" ? undefined : differentKind(answer);
}

/** Formulas letter for letter; words without case and articles. */
function isWrittenAlike(gold: Gold, answer: string): boolean {
  const isWords = gold.type === "word" || gold.type === "code" || gold.type === "list";
  if (isWords && !gold.text.includes("\\")) return wordKey(gold.text) === wordKey(answer);
  return formulaKey(gold.text) === formulaKey(answer);
}

function compareByType(gold: Gold, answer: string, same: SamePart): Comparison | undefined {
  switch (gold.type) {
    case "number":
      return compareNumber(gold, answer);
    case "expression":
      return compareExpression(gold.latex, answer) ?? comparePlusMinus(gold.text, answer, same);
    case "equation":
      return compareEquation(gold, answer, same);
    case "interval":
      return compareSets(gold.set, answer, same);
    case "list":
      return compareList(gold, answer, same);
    case "tuple":
      return compareTuple(gold, answer, same);
    case "matrix":
      return compareMatrix(gold.rows, answer, same);
    case "choice":
      return gold.options === undefined
        ? compareChoice(gold.choice, answer, same)
        : compareWithOptions(gold.choice.letters, gold.options, answer, same);
    case "date": {
      const date =
        readDate(answer.replace(/ ?\([^()]{1,30}\)$/, "")) ??
        readYearMonth(answer) ??
        readDate(answer.replace(/^[A-Za-z' ]{3,30}, /, ""));
      return date && verdict(isSameDate(gold.date, date), "date", "year, month and day are compared one by one");
    }
    case "time": {
      const time = readTime(answer.replace(/^.{1,40}? = /, ""));
      if (time === undefined) return compareElapsed(gold, answer);
      return time && verdict(isSameTime(gold.time, time), "time", "minutes of the day are compared");
    }
    case "duration":
    case "compound": {
      const quantity = readQuantity(answer);
      const compound = readCompound(answer) ?? (quantity && asCompound(quantity));
      return compound && fromDifference(compoundDifference(gold.compound, compound), gold.type);
    }
    case "ratio":
      return compareRatio(gold.terms, answer, same);
    case "range":
      return compareRange(gold.range, answer, same);
    case "code":
    case "word":
      return compareWords(gold, answer);
  }
}

/** 1:30:00 is an hour and a half as well. */
function compareElapsed(gold: Extract<Gold, { type: "time" }>, answer: string): Comparison | undefined {
  const clock = /^(\d{1,2}):(\d{2}):(\d{2})$/.exec(gold.text);
  if (clock === null) return undefined;
  const seconds = readCompound(`${Number(clock[1])} h ${Number(clock[2])} min ${Number(clock[3])} s`);
  const quantity = readQuantity(answer);
  const compound = readCompound(answer) ?? (quantity && asCompound(quantity));
  return seconds && compound && fromDifference(compoundDifference(seconds, compound), "duration");
}

/** Compares parts one level deeper; parts of parts of parts are compared by how they are written. */
const samePartAt =
  (depth: number): SamePart =>
  (gold, answer) => {
    if (depth > DEEPEST) return formulaKey(gold) === formulaKey(answer);
    const typed = readGold(gold, approximate);
    return typed !== undefined && compareAnswer(typed, answer, depth + 1)?.equal === true;
  };

/** Whether two texts are equal answers, the first read by its form. */
export const sameAnswer: SamePart = samePartAt(0);

/**
 * A gold answer that chooses among options, by letter or by text.
 *
 * @param options texts as normalized
 * @returns undefined where it is neither the letter nor the text of one
 */
export function readGoldOption(text: string, options: readonly string[]): Gold | undefined {
  const letters = goldLetters(text, options, sameAnswer);
  return letters === undefined ? undefined : { type: "choice", text, choice: { letters }, options };
}

/** An answer of a kind that the gold is not: it is wrong, and no further place in the response is looked at. */
export function differentKind(answer: string): Comparison | undefined {
  const kind = kindOf(answer);
  return kind === undefined ? undefined : verdict(false, kind, "the gold answer is of another kind");
}

function kindOf(answer: string): string | undefined {
  if (answerQuantities(answer).length > 0) return "number";
  if (readTime(answer) !== undefined) return "time";
  if (readDate(answer) !== undefined) return "date";
  if (readRange(answer) !== undefined) return "range";
  if (readRatio(answer) !== undefined) return "ratio";
  if (readCompound(answer) !== undefined) return "compound";
  if (readMatrix(answer) !== undefined) return "matrix";
  if (isMath(answer)) return "expression";
  const items = readItems(answer) ?? readTuple(answer)?.items ?? readSet(answer);
  return items?.every(isValue) ? "list" : undefined;
}

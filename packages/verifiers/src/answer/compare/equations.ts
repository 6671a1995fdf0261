/** Equations up to a factor, what a name is equal to, and sets of reals in any notation. */
import type { Gold } from "../types/gold";
import { readLabel, splitRelations } from "../types/labels";
import { isMath, toLatex } from "../types/math-text";
import { readRealSet, type RealSet, realSetDifference } from "../types/real-set";
import { type Comparison, fromDifference, type SamePart, verdict } from "./comparison";
import { approximate, sameEquations } from "./math-engine";
import { isOtherName, isSameFunction } from "./names";
import { isValue } from "./numbers";

export function compareEquation(
  gold: Extract<Gold, { type: "equation" }>,
  answer: string,
  same: SamePart,
): Comparison | undefined {
  const text = answer.replace(/^[A-Za-z ]{2,40}: ?(?=.*=)/, "");
  const { label, value } = readLabel(text);
  const { operators } = splitRelations(text);
  if (operators.length > 0 && operators.every((operator) => operator === "=")) {
    if (gold.label !== undefined && label !== undefined) {
      if (!isOtherName(gold.label, label))
        return verdict(same(gold.value, value), "equation", `what ${gold.label} is equal to is compared`);
      if (isSameFunction(gold.label, label) && isMath(value))
        return verdict(same(gold.value, value), "equation", "what the function is equal to is compared");
    }
    if (!isMath(text)) return undefined;
    const equal = sameEquations(toLatex(gold.text), toLatex(text));
    return verdict(equal, "equation", "both sides are compared, up to a factor");
  }
  if (gold.label === undefined || !isValue(text)) return undefined;
  return verdict(same(gold.value, text), "expression", `what ${gold.label} is equal to is compared`);
}

export function compareSets(gold: RealSet, answer: string, same: SamePart): Comparison | undefined {
  const set = readRealSet(answer, approximate, true);
  return set && fromDifference(realSetDifference(gold, set, same), "interval");
}

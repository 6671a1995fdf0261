/**
 * Types "duration" and "compound": amounts of several units, `2 h 30 min`, `5 ft 6 in`, `30°15'`, `$3 and 50 cents`,
 * `5 apples and 3 pears`. Units of one kind add up, so that 2 h 30 min is 150 min; others are compared one by one.
 */
import { type Exact, isEqual, plus, show, whole } from "./exact";
import { type Quantity, quantityDifference, readQuantity } from "./quantity";
import { inBaseUnits, isSameDimension, type Unit } from "./units";

export interface Compound {
  readonly parts: readonly Quantity[];
  /** The sum in base units, where all parts measure the same. */
  readonly total?: { readonly value: Exact; readonly unit: Unit };
}

const JOINT =
  /(?<=[A-Za-z\u4e00-\u9fff'}.)]|\\circ) *(?:, *(?:and\b)?|and\b|和|又|零|plus\b|\+)? *(?=[$€£¥]? ?\d)|(?<=\d) *(?:and\b|和) *(?=[$€£¥])|, *and +(?=[$€£]?\d)/g;

/** 1h20m: what follows hours is no meters. */
const MINUTES = /((?:\d|\d ?[.,]\d) ?h(?:rs?)?,? ?\d{1,2}) ?m(?![a-zA-Z])/g;

/** Reads a text of two amounts or more, each with its unit. */
export function readCompound(text: string): Compound | undefined {
  if (!/\d/.test(text) || text.length > 200 || !/[A-Za-z\u4e00-\u9fff'°$]|\\circ/.test(text)) return undefined;
  const written = text.replace(/(?<=\d) ?"/g, "''").replace(MINUTES, "$1 min");
  const pieces = written.split(JOINT).map((piece) => piece.trim());
  if (pieces.length < 2 || pieces.length > 12) return undefined;
  const parts: Quantity[] = [];
  for (const piece of pieces) {
    const quantity = readQuantity(piece.replace(/[,.]$/, ""));
    if (quantity === undefined || quantity.isPercent) return undefined;
    if (quantity.unit === undefined && quantity.noun === undefined) return undefined;
    parts.push(quantity);
  }
  return { parts: asFeet(parts), ...totalOf(asFeet(parts)) };
}

const FEET: Unit = { factor: { n: 381n, d: 1250n }, dimensions: { L: 1 } };
const INCHES: Unit = { factor: { n: 127n, d: 5000n }, dimensions: { L: 1 } };

/** 5'6'' without degrees before is five feet six. */
function asFeet(parts: readonly Quantity[]): readonly Quantity[] {
  const [feet, inches] = parts;
  if (parts.length !== 2 || !isMark(feet!, 60n) || !isMark(inches!, 3600n)) return parts;
  return [
    { ...feet!, unit: FEET },
    { ...inches!, unit: INCHES },
  ];
}

const isMark = ({ unit }: Quantity, sixtieths: bigint): boolean =>
  unit !== undefined && unit.dimensions["Degrees"] === 1 && unit.factor.n === 1n && unit.factor.d === sixtieths;

function totalOf(parts: readonly Quantity[]): { total?: { value: Exact; unit: Unit } } {
  const unit = parts[0]?.unit;
  if (unit === undefined || !parts.every((part) => part.unit !== undefined && isSameDimension(part.unit, unit)))
    return {};
  const value = parts.reduce((sum, part) => plus(sum, inBaseUnits(part.value, part.unit!)), whole(0));
  return { total: { value, unit } };
}

/** Whether all parts are times. */
export const isDuration = ({ total }: Compound): boolean =>
  total !== undefined && Object.keys(total.unit.dimensions).every((base) => base === "T" || base === "Months");

/** Why two amounts are not equal; undefined when they are. */
export function compoundDifference(gold: Compound, answer: Compound): string | undefined {
  if (gold.total !== undefined && answer.total !== undefined && isSameDimension(gold.total.unit, answer.total.unit))
    return isEqual(gold.total.value, answer.total.value)
      ? undefined
      : `${show(gold.total.value)} is not ${show(answer.total.value)} in the same unit`;
  if (gold.parts.length !== answer.parts.length) return `${gold.parts.length} amounts are not ${answer.parts.length}`;
  const left = [...answer.parts];
  for (const part of gold.parts) {
    const at = left.findIndex((other) => quantityDifference(part, other) === undefined);
    if (at === -1) return `${show(part.value)} ${part.noun ?? ""} is missing`;
    left.splice(at, 1);
  }
  return undefined;
}

/** One quantity as a compound of one, so that 150 min compares with 2 h 30 min. */
export const asCompound = (quantity: Quantity): Compound => ({ parts: [quantity], ...totalOf([quantity]) });

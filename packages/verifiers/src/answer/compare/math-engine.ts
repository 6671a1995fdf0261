/**
 * The door to the math engine (`../../math`): reads an expression whose typography is gone, and says whether two are
 * equal. Constants are compared exactly, modulo primes or by magnitude (`modular.ts`, `magnitude.ts`), expressions with
 * variables by their values at a few places, and everything else by the engine.
 */
import { type Expression, latexTarget, parse, type ParseOptions, verify } from "../../math";
import { toLatex } from "../types/math-text";
import { fingerprint } from "./modular";
import { relativeDifference, type Scaled, toDouble, valueOf, type Values } from "./magnitude";

/**
 * Steps that one reading or comparison may take: far more than an answer needs, little enough for a verdict in
 * milliseconds.
 */
const FUEL = 150_000;
const LONGEST = 600;

const READING: ParseOptions = {
  targets: [
    latexTarget({
      boxedMatchPriority: 0,
      tryExtractWithoutAnchor: false,
      normalization: { units: false, nits: false, boxed: "last" },
    }),
  ],
  fallbackMode: "noFallback",
  extractionMode: "firstMatch",
  fuel: FUEL,
};

/** How two expressions compare. `undecided`: neither equality nor difference could be shown within the limits. */
export type Sameness = "equal" | "different" | "undecided";

/**
 * Reads LaTeX as one expression.
 *
 * @returns undefined when the engine cannot read all of it
 */
export function readMath(latex: string): Expression | undefined {
  if (latex === "" || latex.length > LONGEST) return undefined;
  const [tree] = parse(`\\boxed{${latex}}`, READING);
  return typeof tree === "string" ? undefined : tree;
}

/**
 * Whether two expressions are equal. Not every pair is decidable; what is not shown equal by any means is not equal.
 */
export function compareMath(gold: Expression, answer: Expression): Sameness {
  const names = [...new Set([...symbolsOf(gold), ...symbolsOf(answer)])];
  if (names.includes("i") && !names.includes("j"))
    return verify(imaginary(gold), imaginary(answer), { fuel: FUEL }) ? "equal" : "different";
  if (names.length > 0) {
    const probed = compareAtPlaces(gold, answer, names);
    return probed ?? (verify(gold, answer, { fuel: FUEL }) ? "equal" : "different");
  }
  const constants = compareConstants(gold, answer);
  if (constants !== undefined) return constants;
  if (verify(gold, answer, { fuel: FUEL })) return "equal";
  return isNumeric(gold) && isNumeric(answer) ? "undecided" : "different";
}

/** Whether a tree is one number, if one that could not be worked out, and no set, relation or matrix. */
const isNumeric = (tree: Expression): boolean => ["number", "add", "mul", "pow", "function"].includes(tree.kind);

/** The tree with `i` as the imaginary unit, which LaTeX writes like a variable. */
function imaginary(tree: Expression): Expression {
  const replaced = (part: unknown): unknown => {
    if (typeof part !== "object" || part === null) return part;
    if (Array.isArray(part)) return part.map(replaced);
    // Whether a name looked real depends on its neighbors, and would keep equal names apart.
    if ((part as Expression).kind === "symbol")
      return (part as { name: string }).name === "i" ? { kind: "constant", name: "I" } : { ...part, real: true };
    return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, replaced(value)]));
  };
  return replaced(tree) as Expression;
}

/** Below this two doubles are the same number; above the next they are not. */
const EQUAL_WITHIN = 1e-11;
const NO_VALUES: Values = () => undefined;

function compareConstants(gold: Expression, answer: Expression): Sameness | undefined {
  const marks = fingerprint(gold);
  const others = marks && fingerprint(answer);
  if (marks && others) return marks.every((mark, i) => mark === others[i]) ? "equal" : "different";
  const value = valueOf(gold, NO_VALUES);
  const other = valueOf(answer, NO_VALUES);
  if (value === undefined || other === undefined) return undefined;
  const difference = relativeDifference(value, other);
  return difference <= EQUAL_WITHIN * precisionLost(value, other) ? "equal" : "different";
}

/** Doubles of huge exponents lose digits to the exponent. */
const precisionLost = (a: Scaled, b: Scaled): number => Math.max(1, Math.abs(a.e) / 1000, Math.abs(b.e) / 1000);

/**
 * Places at which expressions with variables are worked out: no variable is 0, 1 or equal to another, some are
 * negative.
 */
const PLACES = [
  [0.6180339, 1.3247179, 2.2360679, 0.3819661, 1.7724538, 2.6457513, 0.9159655, 1.2020569],
  [2.7320508, 0.4142135, 1.5874011, 3.1463427, 0.2679491, 1.1892071, 4.2426406, 0.7390851],
  [-1.4422495, 2.4494897, -0.6457513, 1.8392867, -2.0800838, 0.5671432, -3.3166247, 1.4513692],
  [-0.3660254, -2.1544346, 1.0905077, -1.6180339, 3.6055512, -0.8346268, 0.4636476, -2.8284271],
  [5.1961524, 3.8729833, -4.1231056, 6.0827625, 2.9240177, -5.3851648, 7.1414284, 4.7958315],
] as const;
const PROBE_WITHIN = 1e-9;

/**
 * Whether two expressions have the same value at every place where both have one; undefined when there are too few of
 * those.
 */
function compareAtPlaces(gold: Expression, answer: Expression, names: readonly string[]): Sameness | undefined {
  if (names.length > PLACES[0].length) return undefined;
  let compared = 0;
  let onlyOne = 0;
  for (const place of PLACES) {
    const values: Values = (name) => place[names.indexOf(name)];
    const value = valueOf(gold, values);
    const other = valueOf(answer, values);
    if (value === undefined || other === undefined) {
      if (value !== other) onlyOne++;
      continue;
    }
    if (relativeDifference(value, other) > PROBE_WITHIN) return "different";
    compared++;
  }
  return compared >= 2 && onlyOne === 0 ? "equal" : undefined;
}

/** Whether two equations have the same solutions: their sides differ by a constant factor, or the engine shows it. */
export function sameEquations(goldLatex: string, answerLatex: string): boolean {
  const [gold, answer] = [readMath(goldLatex), readMath(answerLatex)];
  if (gold === undefined || answer === undefined) return false;
  return isProportional(gold, answer) ?? verify(gold, answer, { fuel: FUEL });
}

/** Whether left - right of one is a constant times that of the other; undefined when that does not decide it. */
function isProportional(gold: Expression, answer: Expression): true | undefined {
  if (gold.kind !== "relation" || answer.kind !== "relation" || gold.operator !== "=" || answer.operator !== "=")
    return undefined;
  const names = [...new Set([...symbolsOf(gold), ...symbolsOf(answer)])];
  if (names.length > PLACES[0].length || names.includes("i")) return undefined;
  let factor: Scaled | undefined;
  let compared = 0;
  for (const place of PLACES) {
    const values: Values = (name) => place[names.indexOf(name)];
    const one = differenceOf(gold, values);
    const other = differenceOf(answer, values);
    if (one === undefined || other === undefined || one.m === 0 || other.m === 0) continue;
    const quotient = { m: one.m / other.m, e: one.e - other.e };
    if (factor !== undefined && relativeDifference(factor, quotient) > PROBE_WITHIN) return undefined;
    factor = quotient;
    compared++;
  }
  return compared >= 3 ? true : undefined;
}

const differenceOf = (relation: Extract<Expression, { kind: "relation" }>, values: Values): Scaled | undefined =>
  valueOf({ kind: "add", args: [relation.left, { kind: "mul", args: [MINUS_ONE, relation.right] }] }, values);
const MINUS_ONE: Expression = { kind: "number", value: { n: -1n, d: 1n }, float: false };

/** The names of the variables of a tree. */
export function symbolsOf(tree: Expression): Set<string> {
  const names = new Set<string>();
  collectSymbols(tree, names);
  return names;
}

function collectSymbols(part: unknown, names: Set<string>): void {
  if (typeof part !== "object" || part === null) return;
  if (Array.isArray(part)) for (const item of part) collectSymbols(item, names);
  else if ((part as Expression).kind === "symbol") names.add((part as Extract<Expression, { kind: "symbol" }>).name);
  else for (const value of Object.values(part)) if (typeof value === "object") collectSymbols(value, names);
}

/** The value of a constant as a double, or undefined. */
export function approximate(text: string): number | undefined {
  const tree = readMath(toLatex(text));
  const value = tree && valueOf(tree, NO_VALUES);
  const double = value && toDouble(value);
  return double !== undefined && Number.isFinite(double) ? double : undefined;
}

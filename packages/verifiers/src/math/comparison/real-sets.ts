/**
 * Sets of real numbers by where they begin and end, for comparing unions, intersections and complements by what they
 * contain, and inequalities in one unknown with the set of their solutions.
 */
import { exactly } from "../evaluation/complex";
import { type Expression, type SymbolNode, isFiniteSet, isInterval } from "../tree/expression";
import { relationsOf, symbolKey } from "../tree/structure";
import { childrenOf } from "../tree/traversal";
import type { Budget } from "../budget";
import type { Comparison } from "./comparison";
import { constantValue } from "./constants";
import { seededRandom, signed } from "./seeded-places";

/**
 * A cut of the line at a place, before the number there or after it, and by how much it changes how many sets hold what
 * follows. [1, 2) is a cut before 1 and one before 2, a point lies between two cuts at one place.
 */
type Cut = readonly [place: number, after: boolean, change: number];

/** The cuts of one set in order: in, out, in, out. */
export type RealSet = readonly Cut[];

/** The cuts of a set; null when it holds something that is no real number, or symbols. */
export function realSetOf(comparison: Comparison, x: Expression): RealSet | null {
  const { budget } = comparison;
  budget.spend(4);
  if (isInterval(x) || isFiniteSet(x)) {
    const places = childrenOf(x).map((item) => {
      const [, { re, im }] = constantValue(comparison, item);
      return im === 0 ? re : NaN;
    });
    if (places.some(Number.isNaN)) return null;
    return isInterval(x) ? interval(places[0]!, x.leftOpen, places[1]!, x.rightOpen) : points(budget, places);
  }
  if (x.kind === "namedSet") {
    if (x.name === "empty") return [];
    return x.name === "R" ? interval(-Infinity, true, Infinity, true) : null;
  }
  if (x.kind !== "union" && x.kind !== "complement") return null;
  const sign = x.kind === "union" ? 1 : -1;
  const [left, right] = [realSetOf(comparison, x.left), realSetOf(comparison, x.right)];
  if (!left || !right) return null;
  return held(budget, [...left, ...right.map(([place, after, change]): Cut => [place, after, sign * change])]);
}

function interval(start: number, isLeftOpen: boolean, end: number, isRightOpen: boolean): RealSet {
  return [
    [start, isLeftOpen, 1],
    [end, !isRightOpen, -1],
  ];
}

function points(budget: Budget, places: readonly number[]): RealSet {
  return held(
    budget,
    places.flatMap((place) => interval(place, false, place, false)),
  );
}

function near(a: number, b: number): boolean {
  return a === b || (Number.isFinite(a - b) && Math.abs(a - b) <= 1e-13 * Math.max(Math.abs(a), Math.abs(b), 1e-3));
}

function sameCut([place, after]: Cut, [other, otherAfter]: Cut): boolean {
  return near(place, other) && after === otherAfter;
}

/** What more sets hold than are taken away. */
function held(budget: Budget, cuts: Cut[]): RealSet {
  budget.spend(4 * cuts.length);
  const kept: Cut[] = [];
  let depth = 0;
  for (const cut of cuts.sort((a, b) => (near(a[0], b[0]) ? Number(a[1]) - Number(b[1]) : a[0] - b[0]))) {
    const inside = depth > 0;
    depth += cut[2];
    if (depth > 0 === inside) continue;
    if (kept.length > 0 && sameCut(kept.at(-1)!, cut)) kept.pop();
    else kept.push([cut[0], cut[1], inside ? -1 : 1]);
  }
  return kept;
}

/** Whether two sets contain the same numbers. */
export function sameRealSet(a: RealSet, b: RealSet): boolean {
  return a.length === b.length && a.every((cut, i) => sameCut(cut, b[i]!));
}

/**
 * Whether a set is the solution of an inequality (or chain of them) in one unknown: both are asked about the ends of
 * the set, close beside them, between them, and at seeded places over several magnitudes.
 */
export function solves(comparison: Comparison, relation: Expression, unknown: SymbolNode, set: RealSet): boolean {
  if (!unknown.real) return false;
  const random = seededRandom();
  const places = [0];
  for (let i = 0; i < 42; i++) places.push(signed(random, 0, 10 ** ((i % 7) - 2)));
  const ends = set.map(([place]) => place).filter(Number.isFinite);
  ends.forEach((end, i) => {
    for (const step of [1e-7, 1e-3, 0.37])
      places.push(end - step * (1 + Math.abs(end)), end + step * (1 + Math.abs(end)));
    if (i > 0) places.push((ends[i - 1]! + end) / 2);
  });
  const key = symbolKey(unknown);
  const agree = (place: number, slack: number): boolean =>
    relationHolds(comparison, relation, { key, place, slack }) === contains(set, place);
  return places.every((place) => agree(place, 0)) && ends.every((end) => agree(end, 1e-9));
}

/** Whether an odd number of cuts lies before a number. */
function contains(set: RealSet, x: number): boolean {
  return set.filter(([place, after]) => place < x || (place === x && !after)).length % 2 > 0;
}

/** Where a relation is looked at. */
interface Place {
  /** Of the symbol. */
  readonly key: string;
  readonly place: number;
  /** Relative distance at which two sides are equal. */
  readonly slack: number;
}

/** Whether the relation holds at a place; false where a side is undefined. */
function relationHolds({ calculator }: Comparison, relation: Expression, { key, place, slack }: Place): boolean {
  return relationsOf(relation).every(({ operator, left, right }) => {
    const point = new Map([[key, exactly(place)]]);
    const [a, b] = [calculator.approximate(left, point), calculator.approximate(right, point)];
    if (Number.isNaN(a.re) || Number.isNaN(b.re) || a.im !== 0 || b.im !== 0) return false;
    const isEqual = a.re === b.re || Math.abs(a.re - b.re) <= Math.max(a.error + b.error, slack * (1 + Math.abs(a.re)));
    return operator.includes(isEqual ? "=" : a.re < b.re ? "<" : ">") !== operator.includes("!");
  });
}

/**
 * Sets of real numbers by where they begin and end, for comparing unions, intersections and complements by what they contain, and
 * inequalities in one unknown with the set of their solutions.
 */
import { abs, isFinite, isNaN, max } from "../floats";
import { spend } from "../budget";
import {
  type Expression,
  type SetOperationNode,
  type SymbolNode,
  childrenOf,
  isFiniteSet,
  isInterval,
} from "../expression";
import { exactly } from "../evaluation/complex";
import { approximate } from "../evaluation/numeric";
import { relationsOf, symbolKey } from "../structure";
import { constantValue } from "./constants";
import { signed, startRandom } from "./values";

/**
 * A cut of the line at a place, before the number there or after it, and by how much it changes how many sets hold what follows. [1, 2)
 * is a cut before 1 and one before 2, a point lies between two cuts at one place.
 */
type Cut = readonly [place: number, after: boolean, change: number];

/** The cuts of one set in order: in, out, in, out. */
export type RealSet = readonly Cut[];

/** The cuts of a set; null when it holds something that is no real number, or symbols. */
export const realSetOf = (x: Expression): RealSet | null => {
  spend(4);
  if (isInterval(x) || isFiniteSet(x)) {
    const places = childrenOf(x).map((item) => {
      const [, { re, im }] = constantValue(item);
      return im === 0 ? re : NaN;
    });
    if (places.some(isNaN)) return null;
    if (isInterval(x))
      return [
        [places[0]!, x.leftOpen, 1],
        [places[1]!, !x.rightOpen, -1],
      ];
    return held(
      places.flatMap((place): Cut[] => [
        [place, false, 1],
        [place, true, -1],
      ]),
    );
  }
  if (x.kind === "namedSet")
    return x.name === "R"
      ? [
          [-Infinity, true, 1],
          [Infinity, false, -1],
        ]
      : x.name === "empty"
        ? []
        : null;
  const sign = x.kind === "union" ? 1 : x.kind === "complement" ? -1 : 0;
  const [left, right] = sign ? [realSetOf((x as SetOperationNode).left), realSetOf((x as SetOperationNode).right)] : [];
  return left && right
    ? held([...left, ...right.map(([place, after, change]): Cut => [place, after, sign * change])])
    : null;
};

const near = (a: number, b: number): boolean =>
  a === b || (isFinite(a - b) && abs(a - b) <= 1e-13 * max(abs(a), abs(b), 1e-3));

const sameCut = ([place, after]: Cut, [other, otherAfter]: Cut): boolean => near(place, other) && after === otherAfter;

/** What more sets hold than are taken away. */
const held = (cuts: Cut[]): RealSet => {
  spend(4 * cuts.length);
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
};

/** Whether two sets contain the same numbers. */
export const sameRealSet = (a: RealSet, b: RealSet): boolean =>
  a.length === b.length && a.every((cut, i) => sameCut(cut, b[i]!));

/**
 * Whether a set is the solution of an inequality (or chain of them) in one unknown: both are asked about the ends of the set, close
 * beside them, between them, and at seeded places over several magnitudes.
 */
export const solves = (relation: Expression, unknown: SymbolNode, set: RealSet): boolean => {
  if (!unknown.real) return false;
  startRandom();
  const places = [0];
  for (let i = 0; i < 42; i++) places.push(signed(0, 10 ** ((i % 7) - 2)));
  const ends = set.map(([place]) => place).filter(isFinite);
  ends.forEach((end, i) => {
    for (const step of [1e-7, 1e-3, 0.37]) places.push(end - step * (1 + abs(end)), end + step * (1 + abs(end)));
    if (i > 0) places.push((ends[i - 1]! + end) / 2);
  });
  const agree = (place: number, slack: number): boolean =>
    relationHolds(relation, symbolKey(unknown), place, slack) === contains(set, place);
  return places.every((place) => agree(place, 0)) && ends.every((end) => agree(end, 1e-9));
};

/** Whether an odd number of cuts lies before a number. */
const contains = (set: RealSet, x: number): boolean =>
  set.filter(([place, after]) => place < x || (place === x && !after)).length % 2 > 0;

/** Whether the relation holds at a place, equality meant within `slack`; false where a side is undefined. */
const relationHolds = (relation: Expression, key: string, place: number, slack: number): boolean =>
  relationsOf(relation).every(({ operator, left, right }) => {
    const point = new Map([[key, exactly(place)]]);
    const [a, b] = [approximate(left, point), approximate(right, point)];
    if (isNaN(a.re) || isNaN(b.re) || a.im !== 0 || b.im !== 0) return false;
    const equal = a.re === b.re || abs(a.re - b.re) <= max(a.error + b.error, slack * (1 + abs(a.re)));
    return operator.includes(equal ? "=" : a.re < b.re ? "<" : ">") !== operator.includes("!");
  });

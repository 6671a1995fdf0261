/**
 * Sets of real numbers as sorted pieces, for comparing unions, intersections and complements by what they contain, and
 * inequalities in one unknown with the set of their solutions.
 */
import { abs, isFinite, isNaN, max, min } from "../floats";
import { spend } from "../budget";
import { type ChainNode, type Expression, type RelationNode, isChain } from "../expression";
import { exactly } from "../evaluation/complex";
import { evaluateExactly } from "../evaluation/exact";
import { approximate } from "../evaluation/numeric";
import { generator } from "../random";
import { toNumber } from "../rational";
import { freeSymbols } from "../structure";

/** [start, end] with open or closed ends; a point has equal ends. Infinite ends are open. */
interface Piece {
  readonly start: number;
  readonly end: number;
  readonly startOpen: boolean;
  readonly endOpen: boolean;
}

/** Pieces in order, none touching the next. */
export type RealSet = readonly Piece[];

const LINE: RealSet = [{ start: -Infinity, end: Infinity, startOpen: true, endOpen: true }];
const NOWHERE = new Map<string, never>();

/** The pieces of a set; null when it holds something that is no real number, or symbols. */
export const realSetOf = (x: Expression): RealSet | null => {
  spend(4);
  switch (x.kind) {
    case "interval": {
      const [start, end] = [realValue(x.start), realValue(x.end)];
      if (start === null || end === null) return null;
      return [{ start, end, startOpen: x.leftOpen, endOpen: x.rightOpen }];
    }
    case "set": {
      const values = x.items.map((item) => realValue(item));
      if (values.some((value) => value === null)) return null;
      return merge((values as number[]).map((value) => ({ start: value, end: value, startOpen: false, endOpen: false })));
    }
    case "namedSet":
      return x.name === "R" ? LINE : x.name === "empty" ? [] : null;
    case "union":
    case "complement": {
      const [left, right] = [realSetOf(x.left), realSetOf(x.right)];
      if (left === null || right === null) return null;
      return x.kind === "union" ? merge([...left, ...right]) : intersect(left, invert(right));
    }
    default:
      return null;
  }
};

const realValue = (x: Expression): number | null => {
  if (freeSymbols(x).size > 0) return null;
  const exact = evaluateExactly(x, null);
  if (exact !== null) return toNumber(exact);
  const value = approximate(x, NOWHERE);
  return value.im !== 0 || isNaN(value.re) ? null : value.re;
};

const near = (a: number, b: number): boolean => a === b || (isFinite(a - b) && abs(a - b) <= 1e-13 * max(abs(a), abs(b), 1e-3));

const merge = (pieces: readonly Piece[]): RealSet => {
  const sorted = [...pieces].sort((a, b) => a.start - b.start || Number(a.startOpen) - Number(b.startOpen));
  const merged: Piece[] = [];
  for (const piece of sorted) {
    const last = merged[merged.length - 1];
    const touches = last !== undefined && (piece.start < last.end || (near(piece.start, last.end) && !(piece.startOpen && last.endOpen)));
    if (!touches) {
      merged.push(piece);
      continue;
    }
    const later = piece.end > last.end && !near(piece.end, last.end);
    const tie = near(piece.end, last.end);
    merged[merged.length - 1] = {
      start: last.start,
      startOpen: near(piece.start, last.start) ? last.startOpen && piece.startOpen : last.startOpen,
      end: later ? piece.end : last.end,
      endOpen: later ? piece.endOpen : tie ? last.endOpen && piece.endOpen : last.endOpen,
    };
  }
  return merged;
};

const invert = (set: RealSet): RealSet => {
  const gaps: Piece[] = [];
  let start = -Infinity;
  let startOpen = true;
  for (const piece of set) {
    if (piece.start > start || (piece.start === start && !startOpen && piece.startOpen)) gaps.push({ start, startOpen, end: piece.start, endOpen: !piece.startOpen });
    start = piece.end;
    startOpen = !piece.endOpen;
  }
  if (start < Infinity) gaps.push({ start, startOpen, end: Infinity, endOpen: true });
  return gaps;
};

const intersect = (a: RealSet, b: RealSet): RealSet => {
  const common: Piece[] = [];
  for (const p of a) {
    for (const q of b) {
      const start = max(p.start, q.start);
      const end = min(p.end, q.end);
      const startOpen = (p.start === start && p.startOpen) || (q.start === start && q.startOpen);
      const endOpen = (p.end === end && p.endOpen) || (q.end === end && q.endOpen);
      if (start < end || (start === end && !startOpen && !endOpen)) common.push({ start, end, startOpen, endOpen });
    }
  }
  return merge(common);
};

/** Whether two sets contain the same numbers. */
export const sameRealSet = (a: RealSet, b: RealSet): boolean => (
  a.length === b.length &&
  a.every((p, i) => {
    const q = b[i]!;
    return near(p.start, q.start) && near(p.end, q.end) && p.startOpen === q.startOpen && p.endOpen === q.endOpen;
  })
);

/**
 * Whether a set is the solution of an inequality (or chain of them) in one unknown: both are asked about the ends of the set, close
 * beside them, between them, and at seeded places over several magnitudes.
 */
export const solves = (relation: RelationNode | ChainNode, set: RealSet): boolean => {
  const symbols = freeSymbols(relation);
  if (symbols.size !== 1) return false;
  const [key, real] = [...symbols][0]!;
  if (!real) return false;
  const random = generator(0xab5e7);
  const places: number[] = [0];
  for (let scale = -2; scale <= 4; scale++) for (let i = 0; i < 6; i++) places.push((random() - 0.5) * 2 * 10 ** scale);
  const ends = set.flatMap((piece) => [piece.start, piece.end]).filter(isFinite);
  for (const end of ends) for (const step of [1e-7, 1e-3, 0.37]) places.push(end - step * (1 + abs(end)), end + step * (1 + abs(end)));
  for (let i = 1; i < ends.length; i++) places.push((ends[i - 1]! + ends[i]!) / 2);
  for (const place of places) {
    const truth = holds(relation, key, place, 0);
    if (truth !== null && truth !== contains(set, place)) return false;
  }
  return ends.every((end) => {
    const truth = holds(relation, key, end, 1e-9);
    return truth === null || truth === contains(set, end);
  });
};

const contains = (set: RealSet, x: number): boolean => set.some((piece) => (x > piece.start && x < piece.end) || (x === piece.start && !piece.startOpen) || (x === piece.end && !piece.endOpen));

/** Whether the relation holds at a place, equality meant within `slack`; false where a side is undefined. */
const holds = (relation: RelationNode | ChainNode, key: string, place: number, slack: number): boolean | null => {
  if (isChain(relation)) {
    for (const item of relation.items) if (holds(item, key, place, slack) !== true) return false;
    return true;
  }
  const point = new Map([[key, exactly(place)]]);
  const [left, right] = [approximate(relation.left, point), approximate(relation.right, point)];
  if (isNaN(left.re) || isNaN(right.re) || left.im !== 0 || right.im !== 0) return false;
  const equal = left.re === right.re || abs(left.re - right.re) <= max(left.error + right.error, slack * (1 + abs(left.re)));
  switch (relation.operator) {
    case "=":
      return equal;
    case "!=":
      return !equal;
    case "<":
      return !equal && left.re < right.re;
    case "<=":
      return equal || left.re < right.re;
    case ">":
      return !equal && left.re > right.re;
    case ">=":
      return equal || left.re > right.re;
  }
};

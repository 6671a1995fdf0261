/**
 * A plain float64 array with a shape: the reference arithmetic of the conformance suite, written to be read, not fast.
 */

/** Numbers in row-major order. */
export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

type Index = readonly number[];

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((all, size) => all * size, 1);
}

/** An array whose element at each index is `value(index)`. */
export function build(shape: readonly number[], value: (index: Index) => number): NdArray {
  const data = new Float64Array(sizeOf(shape));
  const index = shape.map(() => 0);
  for (let i = 0; i < data.length; i += 1) {
    data[i] = value(index);
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      index[axis] = (index[axis] ?? 0) + 1;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      index[axis] = 0;
    }
  }
  return { shape, data };
}

/** One element. Leading axes may be missing from the array and axes of size 1 repeat, as in broadcasting. */
export function at(array: NdArray, index: Index): number {
  const lead = index.length - array.shape.length;
  let offset = 0;
  array.shape.forEach((size, axis) => (offset = offset * size + (size === 1 ? 0 : (index[axis + lead] ?? 0))));
  return array.data[offset] ?? Number.NaN;
}

/** Σ over i < count of term(i). */
export function sumOver(count: number, term: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i += 1) sum += term(i);
  return sum;
}

/** The index with one axis replaced. */
export function withAxis(index: Index, axis: number, value: number): number[] {
  return index.map((each, i) => (i === axis ? value : each));
}

/** The shape that two shapes broadcast to. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => Math.max(a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1));
}

/** f on each element. */
export function map(x: NdArray, f: (value: number) => number): NdArray {
  return { shape: x.shape, data: x.data.map(f) };
}

/** f on pairs of elements, broadcast. */
export function zip(a: NdArray, b: NdArray, f: (a: number, b: number) => number): NdArray {
  return build(broadcastShape(a.shape, b.shape), (index) => f(at(a, index), at(b, index)));
}

/** Folds the axes named; the rest keep their order, the folded ones stay as size 1 when `keepDims`. */
export function fold(x: NdArray, axes: readonly number[], keepDims: boolean, f: (values: number[]) => number): NdArray {
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const inner = x.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
  const folded = build(kept, (index) => {
    const values: number[] = [];
    build(inner, (offset) => {
      values.push(
        at(
          x,
          index.map((each, axis) => each + (offset[axis] ?? 0)),
        ),
      );
      return 0;
    });
    return f(values);
  });
  return keepDims
    ? folded
    : reshape(
        folded,
        x.shape.filter((_, axis) => !axes.includes(axis)),
      );
}

/** The same numbers under another shape. */
export function reshape(x: NdArray, shape: readonly number[]): NdArray {
  return { shape, data: x.data };
}

/**
 * Seeded numbers, uniform in [low, high), the same on every machine (mulberry32).
 * Rounded to float32, so that every backend starts from exactly these.
 */
export function seeded(shape: readonly number[], seed: number, low = -1, high = 1): NdArray {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0;
  return build(shape, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.fround(low + (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * (high - low));
  });
}

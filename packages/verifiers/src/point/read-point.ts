/**
 * Reads where a response points: `(x, y)`, `[x, y]`, `x, y`, `{"point_2d": [x, y]}`, `<point>x y</point>`, or a box of four
 * numbers: its center counts. Any other number of numbers is not a point.
 */

const NUMBER = /(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d{1,3})?(?![\w.]*\w)/gi;
const LONGEST_ANSWER = 1000;

/** A place in the picture. */
export type Point = readonly [x: number, y: number];

/** The numbers of a short text, or undefined when it is longer than an answer or one is not finite. */
export function readNumbers(text: string): number[] | undefined {
  if (text.length > LONGEST_ANSWER) return undefined;
  const numbers = (text.match(NUMBER) ?? []).map(Number);
  return numbers.every(Number.isFinite) ? numbers : undefined;
}

/**
 * The point, or undefined.
 *
 * @example readPoint('{"point_2d": [120, 44]}') // [120, 44]
 */
export function readPoint(text: string): Point | undefined {
  const [a, b, c, d, ...more] = readNumbers(text) ?? [];
  if (a === undefined || b === undefined || more.length > 0) return undefined;
  if (c === undefined) return [a, b];
  return d === undefined ? undefined : [(a + c) / 2, (b + d) / 2];
}

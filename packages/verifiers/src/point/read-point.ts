/**
 * Reads where a response points. The forms are tried in this order, and the first that occurs is the one meant, so that
 * other numbers beside it (a label, a number of clicks, the size of the picture) do not count:
 *
 *     named       "point_2d": [x, y], coordinate=(x, y), "x": 15, "y": 20 in either order, bbox_2d of four numbers
 *     tagged      <point>x y</point>, <|box_start|>(x1,y1),(x2,y2)<|box_end|>
 *     called      click(x, y, ..), tap(x, y), moveTo(x, y)
 *     bracketed   (x, y), [x, y], [x1, y1, x2, y2]
 *     bare        x, y and no other number
 *
 * Of a box of four numbers the center counts. Two different points are no answer.
 */

const N = String.raw`[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[-+]?\d{1,3})?`;
const UNIT = String.raw`(?: ?px| ?pixels?)?`;
const NEXT = String.raw`${UNIT}(?: {0,4}, {0,4}| {1,4})`;
const TWO = String.raw`(${N})${NEXT}(${N})${UNIT}`;
const FOUR = String.raw`(${N})${NEXT}(${N})${NEXT}(${N})${NEXT}(${N})${UNIT}`;
const OPEN = String.raw`["']?(?:<\|box_start\|>)?[([]{1,2} {0,4}`;
const NAME = String.raw`["']?\b(?:point_2d|points?|coordinates?|coords?|position|location|center|start_box|point2d|click_point|target)["']? {0,4}[:=] {0,4}`;
/** Coordinates that say which is which: no convention orders them. */
const named = (first: string, second: string): RegExp =>
  new RegExp(
    String.raw`["']?\b${first}\d?["']? {0,4}[:=] {0,4}["']?(${N})["']?${UNIT}[\s,;]{0,6}(?:and )?` +
      String.raw`["']?\b${second}\d?["']? {0,4}[:=] {0,4}["']?(${N})`,
    "gi",
  );
const BY_NAME = named("x", "y");
const BY_NAME_Y_FIRST = named("y", "x");
const FORMS: readonly (readonly RegExp[])[] = [
  [
    new RegExp(
      String.raw`["']?\b(?:bbox_2d|bbox|box_2d|box|start_box)["']? {0,4}[:=] {0,4}${OPEN}${FOUR} {0,4}[)\]]`,
      "gi",
    ),
    new RegExp(String.raw`${NAME}${OPEN}${TWO} {0,4}[)\]]`, "gi"),
    BY_NAME,
    BY_NAME_Y_FIRST,
  ],
  [
    new RegExp(
      String.raw`<\|box_start\|> {0,4}\(? {0,4}(${N}) {0,4}, {0,4}(${N}) {0,4}\)? {0,4}, {0,4}\(? {0,4}(${N}) {0,4}, {0,4}(${N})`,
      "gi",
    ),
    new RegExp(String.raw`<point> {0,4}[([]? {0,4}${TWO} {0,4}[)\]]? {0,4}</point>`, "gi"),
  ],
  [new RegExp(String.raw`\b(?:[a-z_]*click|tap|press|move_?to|touch)\( {0,4}\(? {0,4}${TWO} {0,4}[,)]`, "gi")],
  [
    new RegExp(String.raw`[([] {0,4}${FOUR} {0,4}[)\]]`, "gi"),
    new RegExp(String.raw`(?<![\w^_])[([] {0,4}${TWO} {0,4}[)\]]`, "gi"),
  ],
];
const NUMBER = new RegExp(String.raw`(?<![\w.])${N}(?![\w.]*\w|\.\d)`, "gi");
const LONGEST_ANSWER = 1000;
const LONGEST_TEXT = 8000;

/** A place in the picture. */
export type Point = readonly [x: number, y: number];

/** The numbers of a short text, or undefined when it is longer than an answer or one of them is not finite. */
export function readNumbers(text: string): number[] | undefined {
  if (text.length > LONGEST_ANSWER || /\d ?%/.test(text)) return undefined;
  const numbers = (text.replace(/(?<=\d) ?(?:px|pixels?)\b/gi, " ").match(NUMBER) ?? []).map(Number);
  return numbers.every(Number.isFinite) ? numbers : undefined;
}

/** How coordinates without a name are ordered. */
interface PointOrder {
  readonly yFirst?: boolean;
}

/** Every different point that a text names, in its most deliberate form. */
export function readPoints(written: string, { yFirst = false }: PointOrder = {}): readonly Point[] {
  const text = written.slice(-LONGEST_TEXT).normalize("NFKC");
  for (const form of FORMS) {
    const found = form.flatMap((pattern) => {
      const swapped = pattern === BY_NAME_Y_FIRST || (yFirst && pattern !== BY_NAME);
      return [...text.matchAll(pattern)].map((match) => pointOf(match.slice(1).map(Number), swapped));
    });
    if (found.length > 0) return different(found);
  }
  const numbers = readNumbers(text);
  return numbers?.length === 2 || numbers?.length === 4 ? different([pointOf(numbers, yFirst)]) : [];
}

/**
 * The one point of a text, or undefined.
 *
 * @example readPoint('{"point_2d": [120, 44]}') // [120, 44]
 */
export function readPoint(text: string): Point | undefined {
  const points = readPoints(text);
  return points.length === 1 ? points[0] : undefined;
}

function pointOf([a = NaN, b = NaN, c, d]: readonly number[], swapped: boolean): Point {
  const [first, second] = c === undefined || d === undefined ? [a, b] : [(a + c) / 2, (b + d) / 2];
  return swapped ? [second, first] : [first, second];
}

function different(points: readonly Point[]): readonly Point[] {
  const byPlace = new Map(points.filter((point) => point.every(Number.isFinite)).map((point) => [point.join(), point]));
  return [...byPlace.values()];
}

/**
 * Reads a list of `{bbox_2d: [x1, y1, x2, y2], label}` from model text, leniently.
 *
 * First as the original V-Triune does (reward_server/utils/det_helper.py @ 39bcf0d): `[[` becomes `[`, a text that does
 * not end in `]` is cut after its last `},` and closed, single quotes become double ones, backslashes go, and the rest
 * is JSON. Boxes with x1 > x2 or y1 > y2, repeats of a position and malformed entries are dropped.
 *
 * Deviations, all off with `compat`: what that reading rejects (a label with an apostrophe, a tail cut inside the only
 * or last box, a trailing comma) is scanned object by object instead; boxes may lie in objects (`{"objects": [..]}`),
 * their corners may be strings or two points; labels are compared in Unicode's NFKC without blanks and a dot at their
 * ends; a box that is not finite or beyond ±1e9 is dropped; `true` is no coordinate; a key `box_2d` has y before x, as
 * Gemini writes it; boxes may be marked by tokens instead (read-box-tokens.ts).
 */
import type { Box, Corners } from "./box";
import { readBoxTokens } from "./read-box-tokens";
import { scanBoxObjects } from "./scan-box-objects";

// Keeps areas and their products far from overflow; no picture has a billion pixels a side.
const LARGEST_COORDINATE = 1e9;

/** How box lists are read. */
export interface ParseBoxesOptions {
  /** Read as the original does, without the second, more patient reading. Default false. */
  readonly compat?: boolean;
  /** Put corners that are the wrong way round in order, instead of dropping the box. Default false. */
  readonly sortCorners?: boolean;
  /** Whether every box has y before x, not only those under the key `box_2d`. Default false. */
  readonly yFirst?: boolean;
}

/**
 * Parses a box list. The text is lowercased first, so labels are too.
 *
 * @param text the inside of an answer block
 * @returns the boxes in the order of the text; empty when none could be read
 * @example parseBoxes("[{'bbox_2d': [1, 2, 30, 40], 'label': 'Cat'}]") // [{ bbox: [1, 2, 30, 40], label: "cat" }]
 */
export function parseBoxes(text: string, options: ParseBoxesOptions = {}): Box[] {
  return readBoxes(text, options).boxes;
}

/** Boxes of different positions, and how many others repeat one of them. */
export interface ReadBoxes {
  readonly boxes: Box[];
  readonly repeats: number;
}

/** Parses a box list like {@link parseBoxes} and counts the boxes whose position an earlier one has. */
export function readBoxes(text: string, options: ParseBoxesOptions = {}): ReadBoxes {
  const compat = options.compat ?? false;
  const lower = compat ? text.toLowerCase() : withoutEscapes(text.toLowerCase());
  const repaired = parseRepaired(lower);
  const read = collect(Array.isArray(repaired) ? repaired : [], options);
  if (read.boxes.length > 0 || compat) return read;
  const halfWidth = lower.replace(/[，：“”‘’［］｛｝]/g, (mark) => HALF_WIDTH[mark]!);
  const scanned = collect(scanBoxObjects(halfWidth), options);
  return scanned.boxes.length > 0 ? scanned : collect(readBoxTokens(halfWidth), options);
}

const HALF_WIDTH: Readonly<Record<string, string>> = {
  "，": ",",
  "：": ":",
  "“": '"',
  "”": '"',
  "‘": "'",
  "’": "'",
  "［": "[",
  "］": "]",
  "｛": "{",
  "｝": "}",
};

/** `\\u732b` as 猫: the reading below takes every backslash away. */
const withoutEscapes = (text: string): string =>
  text.includes("\\u")
    ? text.replace(/\\u([\da-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    : text;

const FENCE = /^```[a-z0-9]*\s*|\s*```$/gi;
const EMPTY = /^(?:\[\s*\]|\{\s*(?:(['"])[^'"]{1,40}\1\s*:\s*\[\s*\]\s*)?\})$/;
const NOTHING =
  /^(?:there (?:are|is) )?no (?:such )?(?:objects?|boxes|bounding boxes|targets?|instances?)(?: (?:found|detected|present|visible|in (?:the|this) (?:image|picture)))*[.!]?$|^none[.!]?$|^无$|^没有(?:物体|目标)?[。.]?$/i;

/** Whether a text is a list without boxes, also in an object or a fence. */
export const isEmptyBoxList = (text: string): boolean =>
  text.length <= 200 && EMPTY.test(text.trim().replace(FENCE, "").trim());

/** Whether an answer says that there is no box: an empty list, or "no objects". */
export const saysNoBoxes = (text: string): boolean =>
  isEmptyBoxList(text) || (text.length <= 200 && NOTHING.test(text.trim()));

function parseRepaired(text: string): unknown {
  if (text.trim() === "") return undefined;
  let list = text.replaceAll("[[", "[").replaceAll("]]", "]");
  if (!list.endsWith("]")) {
    const lastBoundary = list.lastIndexOf("},");
    list = `${lastBoundary === -1 ? list : list.slice(0, lastBoundary)}}]`;
  }
  list = list.replaceAll("'", '"').replaceAll("\\", "");
  // Anything that cannot be JSON is turned away before JSON.parse builds an exception, which costs more than a good
  // parse.
  const first = list.trimStart().charAt(0);
  if (first !== "[") return undefined;
  try {
    return JSON.parse(list);
  } catch {
    return undefined;
  }
}

/** Objects within objects and lists are looked at to this depth. */
const DEEPEST_LIST = 4;

function collect(items: readonly unknown[], options: ParseBoxesOptions): ReadBoxes {
  const found = new BoxCollector(options);
  for (const item of items) found.add(item, options.compat ? DEEPEST_LIST : 0);
  return found;
}

class BoxCollector implements ReadBoxes {
  readonly boxes: Box[] = [];
  repeats = 0;
  readonly #seen = new Set<string>();
  readonly #options: ParseBoxesOptions;

  constructor(options: ParseBoxesOptions) {
    this.#options = options;
  }

  add(item: unknown, depth: number): void {
    if (typeof item !== "object" || item === null) return;
    const { compat = false, sortCorners = false, yFirst = false } = this.#options;
    const { bbox_2d, box_2d, label } = item as { bbox_2d?: unknown; box_2d?: unknown; label?: unknown };
    const raw = bbox_2d ?? (compat ? undefined : box_2d);
    if (raw === undefined) {
      if (depth < DEEPEST_LIST) for (const inner of Object.values(item)) this.add(inner, depth + 1);
      return;
    }
    const written = compat ? raw : flatCorners(raw);
    if (typeof label !== "string" || !Array.isArray(written) || written.length !== 4) return;
    const swaps = yFirst || bbox_2d === undefined;
    const read = readCorners(swaps ? yxToXy(written) : written, compat);
    const corners = read !== undefined && sortCorners ? sorted(read) : read;
    if (corners === undefined || !(corners[0] <= corners[2] && corners[1] <= corners[3])) return;
    const position = corners.join(",");
    if (this.#seen.has(position)) {
      this.repeats++;
      return;
    }
    this.#seen.add(position);
    this.boxes.push({ bbox: corners, label: compat ? label : comparable(label) });
  }
}

/** "1, 2, 3, 4", ["1", "2", "3", "4"] and [[1, 2], [3, 4]] as four values. */
function flatCorners(raw: unknown): unknown {
  const values =
    typeof raw === "string"
      ? raw
          .replace(/[[\]()]/g, " ")
          .trim()
          .split(/[\s,;]+/)
      : raw;
  if (!Array.isArray(values)) return undefined;
  return values
    .flat()
    .map((value: unknown) =>
      typeof value === "string" && /^[-+]?(?:\d+\.?\d*|\.\d+)$/.test(value.trim()) ? Number(value) : value,
    );
}

const yxToXy = ([y1, x1, y2, x2]: readonly unknown[]): readonly unknown[] => [x1, y1, x2, y2];

const sorted = ([x1, y1, x2, y2]: Corners): Corners => [
  Math.min(x1, x2),
  Math.min(y1, y2),
  Math.max(x1, x2),
  Math.max(y1, y2),
];

const comparable = (label: string): string =>
  label
    .normalize("NFKC")
    .replace(/\s+/g, " ")
    .trim()
    .replace(/(?<=.)[.。]$/, "");

function readCorners(raw: readonly unknown[], compat: boolean): Corners | undefined {
  const corners: number[] = [];
  for (const value of raw) {
    if (typeof value === "number" && (compat || Math.abs(value) <= LARGEST_COORDINATE)) corners.push(value);
    else if (compat && typeof value === "boolean") corners.push(Number(value)); // in Python a bool is an int
    else return undefined;
  }
  return corners as unknown as Corners;
}

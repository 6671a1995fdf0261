/**
 * Reads a list of `{bbox_2d: [x1, y1, x2, y2], label}` from model text, leniently.
 *
 * First as the original V-Triune does (reward_server/utils/det_helper.py @ 39bcf0d): `[[` becomes `[`, a text that does not
 * end in `]` is cut after its last `},` and closed, single quotes become double ones, backslashes go, and the rest is JSON.
 * Boxes with x1 > x2 or y1 > y2, repeats of a position and malformed entries are dropped.
 *
 * Deviations, all off with `compat`: what that reading rejects (a label with an apostrophe, a tail cut inside the only or
 * last box, a trailing comma) is scanned object by object instead; a box that is not finite or beyond ±1e9 is dropped; `true` is no
 * coordinate.
 */
import { scanBoxObjects } from "./scan-box-objects";
import type { Box, Corners } from "./box";

// Keeps areas and their products far from overflow; no picture has a billion pixels a side.
const LARGEST_COORDINATE = 1e9;

/** How box lists are read. */
export interface ParseBoxesOptions {
  /** Read as the original does, without the second, more patient reading. Default false. */
  readonly compat?: boolean;
}

/**
 * Parses a box list. The text is lowercased first, so labels are too.
 *
 * @param text the inside of an answer block
 * @returns the boxes in the order of the text; empty when none could be read
 * @example parseBoxes("[{'bbox_2d': [1, 2, 30, 40], 'label': 'Cat'}]") // [{ bbox: [1, 2, 30, 40], label: "cat" }]
 */
export function parseBoxes(text: string, options: ParseBoxesOptions = {}): Box[] {
  const compat = options.compat ?? false;
  const lower = text.toLowerCase();
  const repaired = parseRepaired(lower);
  const boxes = Array.isArray(repaired) ? collect(repaired, compat) : [];
  if (boxes.length > 0 || compat) return boxes;
  return collect(scanBoxObjects(lower), compat);
}

function parseRepaired(text: string): unknown {
  if (text.trim() === "") return undefined;
  let list = text.replaceAll("[[", "[").replaceAll("]]", "]");
  if (!list.endsWith("]")) {
    const lastBoundary = list.lastIndexOf("},");
    list = `${lastBoundary === -1 ? list : list.slice(0, lastBoundary)}}]`;
  }
  list = list.replaceAll("'", '"').replaceAll("\\", "");
  // Anything that cannot be JSON is turned away before JSON.parse builds an exception, which costs more than a good parse.
  const first = list.trimStart().charAt(0);
  if (first !== "[") return undefined;
  try {
    return JSON.parse(list);
  } catch {
    return undefined;
  }
}

function collect(items: readonly unknown[], compat: boolean): Box[] {
  const boxes: Box[] = [];
  const seen = new Set<string>();
  for (const item of items) {
    if (typeof item !== "object" || item === null) continue;
    const { bbox_2d: raw, label } = item as { bbox_2d?: unknown; label?: unknown };
    if (typeof label !== "string" || !Array.isArray(raw) || raw.length !== 4) continue;
    const corners = readCorners(raw, compat);
    if (corners === undefined || !(corners[0] <= corners[2] && corners[1] <= corners[3])) continue;
    const position = `${corners[0]},${corners[1]},${corners[2]},${corners[3]}`;
    if (seen.has(position)) continue;
    seen.add(position);
    boxes.push({ bbox: corners, label });
  }
  return boxes;
}

function readCorners(raw: readonly unknown[], compat: boolean): Corners | undefined {
  const corners: number[] = [];
  for (const value of raw) {
    if (typeof value === "number" && (compat || Math.abs(value) <= LARGEST_COORDINATE)) corners.push(value);
    else if (compat && typeof value === "boolean") corners.push(Number(value)); // in Python a bool is an int
    else return undefined;
  }
  return corners as unknown as Corners;
}

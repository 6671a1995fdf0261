/**
 * The two forms a gold answer takes on disk: `\boxed{..}` for mathverify, and a Python literal list of boxes between
 * `<answer>` tags for detection. Each reader is the exact inverse of its writer. Verifiers read what models answer, and
 * are more lenient.
 */

/** A box with its label, `[x1, y1, x2, y2]`; in gold answers integers 0..1000 relative to the picture. */
export interface GoldBox {
  readonly bbox_2d: readonly [number, number, number, number];
  readonly label: string;
}

/**
 * Wraps a bare answer as mathverify's gold.
 *
 * ```ts
 * boxedGroundTruth("4") // "\\boxed{4}"
 * ```
 */
export function boxedGroundTruth(answer: string): string {
  return `\\boxed{${answer}}`;
}

/**
 * The content of the first `\boxed{..}` with balanced braces.
 *
 * @returns the bare answer, or null when there is no box or its braces do not close
 */
export function unboxGroundTruth(groundTruth: string): string | null {
  const open = groundTruth.indexOf("\\boxed{");
  if (open < 0) return null;
  let depth = 1;
  const start = open + "\\boxed{".length;
  for (let i = start; i < groundTruth.length; i++) {
    const char = groundTruth[i];
    if (char === "\\") i++;
    else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return groundTruth.slice(start, i);
  }
  return null;
}

/**
 * Boxes as a Python literal with single quotes, as Orsta writes `reward_model.answer` of a detection sample. A label
 * with an apostrophe is written in double quotes, as Python's repr does.
 *
 * ```ts
 * formatBoxes([{ bbox_2d: [1, 2, 3, 4], label: "dog" }]) // "[{'bbox_2d': [1, 2, 3, 4], 'label': 'dog'}]"
 * ```
 */
export function formatBoxes(boxes: readonly GoldBox[]): string {
  const items = boxes.map((box) => `{'bbox_2d': [${box.bbox_2d.join(", ")}], 'label': ${pythonString(box.label)}}`);
  return `[${items.join(", ")}]`;
}

/** The gold of a detection sample: the boxes between `<answer>` tags. */
export function detectionGroundTruth(boxes: readonly GoldBox[]): string {
  return `<answer>\n${formatBoxes(boxes)}\n</answer>`;
}

const BOX_ITEM =
  /\{\s*(['"])bbox_2d\1\s*:\s*\[\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*\]\s*,\s*(['"])label\6\s*:\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*\}/y;

/**
 * Reads a gold box list, with or without its `<answer>` tags.
 *
 * @returns the boxes (an empty list has none), or null when the text is not such a list
 */
export function parseDetectionGroundTruth(groundTruth: string): GoldBox[] | null {
  const tagged = /<answer>([\s\S]*?)<\/answer>/.exec(groundTruth);
  const text = (tagged?.[1] ?? groundTruth).trim();
  if (!text.startsWith("[") || !text.endsWith("]")) return null;
  const boxes: GoldBox[] = [];
  const end = text.length - 1;
  let at = skipSpace(text, 1);
  while (at < end) {
    BOX_ITEM.lastIndex = at;
    const match = BOX_ITEM.exec(text);
    if (match === null) return null;
    const bbox = [Number(match[2]), Number(match[3]), Number(match[4]), Number(match[5])] as const;
    if (!bbox.every(Number.isFinite)) return null;
    boxes.push({ bbox_2d: bbox, label: unquote(match[7] ?? "''") });
    at = skipSpace(text, BOX_ITEM.lastIndex);
    if (text[at] === ",") {
      at = skipSpace(text, at + 1);
      if (at >= end) return null;
    } else if (at !== end) return null;
  }
  return boxes;
}

function skipSpace(text: string, at: number): number {
  let i = at;
  while (i < text.length && /\s/.test(text[i] ?? "")) i++;
  return i;
}

function pythonString(text: string): string {
  const escaped = text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/\t/g, "\\t");
  if (escaped.includes("'") && !escaped.includes('"')) return `"${escaped}"`;
  return `'${escaped.replace(/'/g, "\\'")}'`;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

function unquote(literal: string): string {
  return literal.slice(1, -1).replace(/\\(.)/g, (_, char: string) => ESCAPES[char] ?? char);
}

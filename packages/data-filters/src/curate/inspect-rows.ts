/**
 * Inspects the pictures of rows and adds what it finds to `rows`: size as shown, whether they decode, their hash.
 * Pictures that must be encoded again are encoded once, and boxes of a rotated picture are rotated with it.
 */
import { availableParallelism } from "node:os";
import { BIGINT, INTEGER, VARCHAR } from "@duckdb/node-api";
import type { PixelBox } from "../adapters/source-adapter";
import type { Database } from "../duckdb/database";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import { inspectPicture, turnPoint, type PictureInspection } from "../pictures/inspect-picture";
import type { PictureReference, PictureSpool } from "../pictures/picture-reference";
import { BOXES, boxesValue, joinToRows } from "../tables/curation-tables";
import { fillTable, type Cells } from "../tables/fill-table";

/** How pictures are inspected. */
export interface InspectOptions {
  /** Whether hashes are computed. */
  readonly hash: boolean;
  readonly spool: PictureSpool;
  onProgress?(done: number): void;
  readonly signal?: AbortSignal | undefined;
}

/** Pictures that are remembered, so that ten questions about one picture decode it once. */
const REMEMBERED = 10_000;

const INSPECTED = "inspected";
/** What the inspection of a row's pictures found, or NULL. */
const INSPECTED_COLUMNS = {
  row: BIGINT,
  error: VARCHAR,
  shown_width: INTEGER,
  shown_height: INTEGER,
  smallest: INTEGER,
  hash: VARCHAR,
  digest: VARCHAR,
  changes: VARCHAR,
  changed_pictures: VARCHAR,
  corrected_boxes: BOXES,
};

/**
 * Inspects the pictures of `relation`. `rows` gains the columns of the needs `picture` and `hash`; `width`, `height`,
 * `boxes` and `pictures` are corrected. Run it once per run, since it would correct boxes a second time.
 */
export async function inspectRows(
  { connection, writer }: Database,
  relation: string,
  options: InspectOptions,
): Promise<void> {
  await fillTable(writer, INSPECTED, INSPECTED_COLUMNS, inspectAll({ connection, relation }, options));
  await joinToRows(connection, {
    relation: INSPECTED,
    replace: {
      width: "coalesce(nullif(shown_width, 0), width)",
      height: "coalesce(nullif(shown_height, 0), height)",
      pictures: "coalesce(changed_pictures, pictures)",
      boxes: "coalesce(corrected_boxes, boxes)",
    },
    add: {
      picture_error: "error",
      smallest_side: "smallest",
      picture_hash: "hash",
      picture_digest: "digest",
      picture_changes: "changes",
    },
  });
  await connection.run(`DROP TABLE ${INSPECTED}`);
}

async function* inspectAll(
  { connection, relation }: Pick<Database, "connection"> & { readonly relation: string },
  options: InspectOptions,
): AsyncGenerator<Cells> {
  const lookAt = rememberingInspector(options);
  const concurrency = 2 * availableParallelism();
  const waiting: Promise<Cells>[] = [];
  let done = 0;
  const next = async (): Promise<Cells> => {
    const cells = await (waiting.shift() as Promise<Cells>);
    if (++done % 64 === 0) options.onProgress?.(done);
    return cells;
  };
  const sql = `SELECT row, pictures, boxes, box_unit, width, height FROM ${relation} ORDER BY row`;
  for await (const chunk of readChunks(connection, sql, { signal: options.signal })) {
    for (const [row, pictures, boxes, unit, width, height] of plainRows(chunk)) {
      options.signal?.throwIfAborted();
      const references = JSON.parse(String(pictures)) as PictureReference[];
      const annotation: Annotation = {
        boxes: boxes as PixelBox[] | null,
        isRelative: unit === "relative",
        width: width as number | null,
        height: height as number | null,
      };
      waiting.push(
        Promise.all(references.map(lookAt)).then((looked) => ({
          row: BigInt(Number(row)),
          ...describe(looked, annotation),
        })),
      );
      if (waiting.length >= concurrency) yield await next();
    }
  }
  while (waiting.length > 0) yield await next();
  options.onProgress?.(done);
}

/** An inspected picture. If it was encoded again, `reference` is the place of the new bytes on disk. */
interface Inspected {
  readonly inspection: PictureInspection;
  readonly reference: PictureReference;
}

/** Inspects pictures, and remembers the last ones. */
function rememberingInspector({ hash, spool }: InspectOptions): (picture: PictureReference) => Promise<Inspected> {
  const known = new Map<string, Promise<Inspected>>();
  return (picture) => {
    const key = `${picture.file} ${picture.offset ?? ""} ${picture.member ?? ""}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const now = inspectPicture(picture, { decode: true, hash }).then((inspection) => ({
      inspection: { ...inspection, bytes: null },
      reference: inspection.bytes === null ? picture : spool.add(inspection.bytes, picture.name),
    }));
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value as string);
    known.set(key, now);
    return now;
  };
}

/** What the owner wrote about a row's first picture. */
interface Annotation {
  readonly boxes: readonly PixelBox[] | null;
  /** Whether the boxes are on the 0..1000 grid. */
  readonly isRelative: boolean;
  readonly width: number | null;
  readonly height: number | null;
}

function describe(looked: readonly Inspected[], annotation: Annotation): Cells {
  const first = looked[0]?.inspection;
  if (first === undefined) return {};
  const broken = looked.find(({ inspection }) => inspection.error !== null);
  if (broken !== undefined) return { error: `${broken.reference.name}: ${broken.inspection.error ?? ""}` };
  const size = annotatedSize(annotation, first);
  if (size === "another") {
    const { width, height } = annotation;
    return { error: `the picture is ${first.width} × ${first.height}, its annotation says ${width} × ${height}` };
  }
  const corrected = correctBoxes(annotation, first, size);
  const changes = [...new Set(looked.flatMap(({ inspection }) => inspection.changes))];
  const hashes = looked.map(({ inspection }) => inspection.hash);
  return {
    shown_width: first.width,
    shown_height: first.height,
    smallest: Math.min(...looked.map(({ inspection }) => Math.min(inspection.width, inspection.height))),
    hash: hashes.includes(null) ? null : hashes.join(","),
    digest: looked.map(({ inspection }) => inspection.digest).join(","),
    changes: changes.length > 0 ? changes.join(", ") : null,
    changed_pictures: changes.length > 0 ? JSON.stringify(looked.map(({ reference }) => reference)) : null,
    corrected_boxes: corrected === null ? null : boxesValue(corrected),
  };
}

/** Whether boxes refer to a picture as it is shown or as it is stored, before EXIF rotates it. */
type AnnotatedSize = "shown" | "stored" | "another" | "unknown";

function annotatedSize({ boxes, width, height }: Annotation, picture: PictureInspection): AnnotatedSize {
  if (boxes === null || width === null || height === null) return "unknown";
  // Annotation tools that ignore EXIF give boxes of the stored picture, so that is assumed if both sizes are the same.
  if (width === picture.storedWidth && height === picture.storedHeight) return "stored";
  return width === picture.width && height === picture.height ? "shown" : "another";
}

/** The boxes in pixels of the picture as shown; null if they are that already. */
function correctBoxes(
  { boxes, isRelative }: Annotation,
  picture: PictureInspection,
  size: AnnotatedSize,
): readonly PixelBox[] | null {
  if (boxes === null) return null;
  if (isRelative) return boxes.map((box) => pixelBox(box, picture));
  const isRotated = picture.orientation !== 1 && size !== "shown";
  return isRotated ? boxes.map((box) => turnBox(box, picture)) : null;
}

/** A box of the 0..1000 grid in pixels. It uses the middle of each cell, which is later truncated to the same cell. */
function pixelBox({ x1, y1, x2, y2, label }: PixelBox, { width, height }: PictureInspection): PixelBox {
  const side = (value: number, length: number): number => Math.min(length, ((value + 0.5) * length) / 1000);
  return { x1: side(x1, width), y1: side(y1, height), x2: side(x2, width), y2: side(y2, height), label };
}

function turnBox(box: PixelBox, picture: PictureInspection): PixelBox {
  const { orientation, storedWidth, storedHeight } = picture;
  const [ax, ay] = turnPoint(box.x1, box.y1, orientation, storedWidth, storedHeight);
  const [bx, by] = turnPoint(box.x2, box.y2, orientation, storedWidth, storedHeight);
  return { x1: Math.min(ax, bx), y1: Math.min(ay, by), x2: Math.max(ax, bx), y2: Math.max(ay, by), label: box.label };
}

/**
 * Looks at the pictures of rows and puts what it finds beside them: size as shown, whether they decode, their hash. Pictures
 * that must be re-encoded are, once, and boxes of a turned picture are turned with it.
 */
import { availableParallelism } from "node:os";
import { BIGINT, INTEGER, VARCHAR, type DuckDBConnection, type DuckDBValue } from "@duckdb/node-api";
import type { PixelBox } from "../adapters/source-adapter";
import type { Database } from "../duckdb/database";
import { fillTable } from "../duckdb/fill-table";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import { inspectPicture, turnPoint, type PictureInspection } from "../pictures/inspect-picture";
import type { PictureReference, PictureSpool } from "../pictures/picture-reference";
import { BOXES_TYPE, boxesValue } from "./row-table";

/** How pictures are looked at. */
export interface InspectOptions {
  readonly hash: boolean;
  readonly spool: PictureSpool;
  onProgress?(done: number): void;
  readonly signal?: AbortSignal | undefined;
}

/** Pictures that are remembered, so that ten questions about one picture decode it once. */
const REMEMBERED = 10_000;

/**
 * Inspects the pictures of `relation` and adds `picture_error`, `smallest_side`, `picture_hash`, `picture_digest` and `picture_changes` to
 * `rows`; `width`, `height`, `boxes` and `pictures` are corrected.
 */
export async function inspectRows(
  { connection, writer }: Database,
  relation: string,
  options: InspectOptions,
): Promise<void> {
  await fillTable(
    writer,
    "inspected",
    [
      ["row", BIGINT],
      ["error", VARCHAR],
      ["shown_width", INTEGER],
      ["shown_height", INTEGER],
      ["smallest", INTEGER],
      ["hash", VARCHAR],
      ["digest", VARCHAR],
      ["changes", VARCHAR],
      ["changed_pictures", VARCHAR],
      ["corrected_boxes", BOXES_TYPE],
    ],
    inspectAll(connection, relation, options),
  );
  await connection.run(`CREATE OR REPLACE TABLE rows AS
    SELECT rows.* REPLACE (
        coalesce(nullif(shown_width, 0), width) AS width, coalesce(nullif(shown_height, 0), height) AS height,
        coalesce(changed_pictures, pictures) AS pictures, coalesce(corrected_boxes, boxes) AS boxes),
      error AS picture_error, smallest AS smallest_side, hash AS picture_hash, digest AS picture_digest, changes AS picture_changes
    FROM rows LEFT JOIN inspected USING (row) ORDER BY row`);
  await connection.run("DROP TABLE inspected");
}

async function* inspectAll(
  connection: DuckDBConnection,
  relation: string,
  options: InspectOptions,
): AsyncGenerator<DuckDBValue[]> {
  const known = new Map<string, Promise<Inspected>>();
  const lookAt = (picture: PictureReference): Promise<Inspected> => {
    const key = `${picture.file} ${picture.offset ?? ""} ${picture.member ?? ""}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const now = inspectPicture(picture, { decode: true, hash: options.hash }).then((inspection) => ({
      inspection: { ...inspection, bytes: null },
      // Re-encoded bytes go to disk at once; only their place stays.
      reference: inspection.bytes === null ? picture : options.spool.add(inspection.bytes, picture.name),
    }));
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value as string);
    known.set(key, now);
    return now;
  };
  const concurrency = 2 * availableParallelism();
  const waiting: Promise<DuckDBValue[]>[] = [];
  let done = 0;
  const report = (): void => {
    done++;
    if (done % 64 === 0) options.onProgress?.(done);
  };
  const sql = `SELECT row, pictures, boxes, box_unit, width, height FROM ${relation} ORDER BY row`;
  for await (const chunk of readChunks(connection, sql, { signal: options.signal })) {
    for (const [row, pictures, boxes, unit, width, height] of plainRows(chunk)) {
      options.signal?.throwIfAborted();
      const references = JSON.parse(String(pictures)) as PictureReference[];
      waiting.push(
        Promise.all(references.map(lookAt)).then((looked) =>
          describe(
            Number(row),
            looked,
            boxes as PixelBox[] | null,
            unit === "relative",
            width as number | null,
            height as number | null,
          ),
        ),
      );
      if (waiting.length >= concurrency) {
        yield await (waiting.shift() as Promise<DuckDBValue[]>);
        report();
      }
    }
  }
  for (const one of waiting) {
    yield await one;
    report();
  }
  options.onProgress?.(done);
}

interface Inspected {
  readonly inspection: PictureInspection;
  readonly reference: PictureReference;
}

function describe(
  row: number,
  looked: readonly Inspected[],
  boxes: readonly PixelBox[] | null,
  relative: boolean,
  width: number | null,
  height: number | null,
): DuckDBValue[] {
  const broken = looked.findIndex(({ inspection }) => inspection.error !== null);
  const first = looked[0]?.inspection;
  if (first === undefined) return [BigInt(row), null, null, null, null, null, null, null, null, null];
  if (broken >= 0) {
    const name = looked[broken]?.reference.name ?? "";
    return [
      BigInt(row),
      `${name}: ${looked[broken]?.inspection.error ?? ""}`,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ];
  }
  const annotated = boxes !== null && width !== null && height !== null;
  const asShown = annotated && width === first.width && height === first.height;
  const asStored = annotated && width === first.storedWidth && height === first.storedHeight;
  if (annotated && !asShown && !asStored) {
    const error = `the picture is ${first.width} × ${first.height}, its annotation says ${width} × ${height}`;
    return [BigInt(row), error, null, null, null, null, null, null, null, null];
  }
  // Annotation tools that ignore EXIF give boxes of the stored picture; where both sizes agree, that is assumed.
  const turn = first.orientation !== 1 && boxes !== null && !relative && (asStored || !annotated);
  const corrected =
    relative && boxes !== null
      ? boxes.map((box) => pixelBox(box, first))
      : turn
        ? boxes.map((box) => turnBox(box, first))
        : null;
  const changes = [...new Set(looked.flatMap(({ inspection }) => inspection.changes))];
  return [
    BigInt(row),
    null,
    first.width,
    first.height,
    Math.min(...looked.map(({ inspection }) => Math.min(inspection.width, inspection.height))),
    looked.every(({ inspection }) => inspection.hash !== null)
      ? looked.map(({ inspection }) => inspection.hash).join(",")
      : null,
    looked.map(({ inspection }) => inspection.digest).join(","),
    changes.length > 0 ? changes.join(", ") : null,
    changes.length > 0 ? JSON.stringify(looked.map(({ reference }) => reference)) : null,
    corrected === null ? null : boxesValue(corrected),
  ];
}

/** A box on the 0..1000 grid in pixels; the middle of its cell, so that it is truncated back to the same cell. */
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

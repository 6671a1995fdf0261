/**
 * COCO's instances layout, which Objects365, V3Det and D3 share: `images`, `annotations` ([x, y, w, h] in pixels) and
 * `categories` in one JSON document. The three lists are streamed into DuckDB and joined there, so that a document of
 * several gigabytes needs no more memory than the limit.
 *
 * A crowd box (`iscrowd`) stands for uncounted objects: its category is left out of the picture's question, because no
 * complete answer is known.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { DuckDBAppender, DuckDBConnection } from "@duckdb/node-api";
import { DatasetError, sourceInfo, type SourceInfo } from "@v-triune/schema";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import { jsonMembers } from "./json-stream";
import type { AdapterContext, PixelBox, SourceAdapter, SourceRow } from "./source-adapter";
import { filesBelow, PictureIndex, wrongLayout } from "./source-files";
import { isRecord } from "./table-records";

/** One row a picture with all its categories, or one row a picture and category (a phrase to ground). */
export type CocoGrouping = "picture" | "phrase";

/** An adapter for COCO-style annotations. */
export function cocoAdapter(info: SourceInfo, annotations: RegExp, grouping: CocoGrouping): SourceAdapter {
  return {
    info,
    async *read(context) {
      const files = filesBelow(context.folder, annotations);
      if (files.length === 0) throw wrongLayout(context.folder, info.files.join("; "), info.url);
      const pictures = new PictureIndex(context.folder);
      for (const relative of files) {
        const prefix =
          files.length > 1 ? `${relative.slice(relative.lastIndexOf("/") + 1).replace(/\.json$/, "")}/` : "";
        yield* readDocument(context, join(context.folder, relative), grouping, prefix, pictures);
      }
    },
  };
}

/** Objects365. */
export const object365 = cocoAdapter(sourceInfo("object365"), /(objv2|objects365)[^/]*\.json$/i, "picture");
/** V3Det. */
export const v3det = cocoAdapter(sourceInfo("v3det"), /v3det[^/]*\.json$/i, "picture");
/** D3: the categories are sentences. */
export const d3 = cocoAdapter(sourceInfo("d3"), /d3_[^/]*annotations\.json$/i, "phrase");
/** COCO itself, in the place of the two detection sources. */
export const coco = cocoAdapter(
  {
    ...sourceInfo("object365"),
    key: "coco",
    title: "COCO",
    dataSource: "coco_train",
    fileSource: "coco",
    owner: "COCO Consortium",
    license: "CC BY 4.0 (annotations)",
    url: "https://cocodataset.org",
    size: "123,287 pictures, 80 categories",
    files: ["annotations/instances_*.json", "<split>/<name>.jpg"],
  },
  /instances_[^/]*\.json$/i,
  "picture",
);

async function* readDocument(
  context: AdapterContext,
  file: string,
  grouping: CocoGrouping,
  prefix: string,
  pictures: PictureIndex,
): AsyncGenerator<SourceRow> {
  const { connection } = context;
  const suffix = randomBytes(4).toString("hex");
  const [images, boxes, categories] = ["images", "boxes", "categories"].map((name) => `coco_${name}_${suffix}`) as [
    string,
    string,
    string,
  ];
  try {
    await connection.run(`CREATE TEMP TABLE ${images}(id BIGINT, file_name VARCHAR, width INTEGER, height INTEGER)`);
    await connection.run(
      `CREATE TEMP TABLE ${boxes}(image_id BIGINT, category_id BIGINT, x DOUBLE, y DOUBLE, w DOUBLE, h DOUBLE, crowd BOOLEAN, place INTEGER)`,
    );
    await connection.run(`CREATE TEMP TABLE ${categories}(id BIGINT, name VARCHAR)`);
    await load(context, file, "categories", categories, ["bigint", "text"], (value) => [
      integer(value, "id"),
      text(value, value.name === undefined ? "raw_sent" : "name"),
    ]);
    await load(context, file, "images", images, ["bigint", "text", "integer", "integer"], (value) => [
      integer(value, "id"),
      text(value, "file_name"),
      value.width === undefined ? null : integer(value, "width"),
      value.height === undefined ? null : integer(value, "height"),
    ]);
    const box = ["bigint", "bigint", "double", "double", "double", "double", "boolean", "integer"] as const;
    await load(context, file, "annotations", boxes, box, (value, at) => {
      const { bbox } = value;
      if (
        !Array.isArray(bbox) ||
        bbox.length !== 4 ||
        !bbox.every((v) => typeof v === "number" && Number.isFinite(v))
      ) {
        throw new FieldError("bbox", "four numbers [x, y, w, h]", JSON.stringify(bbox ?? null));
      }
      const crowd = value.iscrowd === 1 || value.iscrowd === true;
      return [integer(value, "image_id"), integer(value, "category_id"), ...(bbox as number[]), crowd, at];
    });
    yield* joined(context, connection, { images, boxes, categories }, grouping, prefix, pictures);
  } finally {
    for (const table of [images, boxes, categories]) await connection.run(`DROP TABLE IF EXISTS ${table}`);
  }
}

async function* joined(
  context: AdapterContext,
  connection: DuckDBConnection,
  tables: { images: string; boxes: string; categories: string },
  grouping: CocoGrouping,
  prefix: string,
  pictures: PictureIndex,
): AsyncGenerator<SourceRow> {
  const byPhrase = grouping === "phrase";
  const key = byPhrase ? "i.id, b.category_id" : "i.id";
  const sql = `
    WITH crowded AS (SELECT DISTINCT image_id, category_id FROM ${tables.boxes} WHERE crowd)
    SELECT i.id, ${byPhrase ? "b.category_id" : "NULL"} AS category_id, any_value(i.file_name) AS file_name,
      any_value(i.width) AS width, any_value(i.height) AS height,
      list({'x1': b.x, 'y1': b.y, 'x2': b.x + b.w, 'y2': b.y + b.h, 'label': c.name} ORDER BY b.place)
        FILTER (WHERE b.place IS NOT NULL AND k.image_id IS NULL) AS boxes
    FROM ${tables.images} i
      ${byPhrase ? "JOIN" : "LEFT JOIN"} ${tables.boxes} b ON b.image_id = i.id
      LEFT JOIN ${tables.categories} c ON c.id = b.category_id
      LEFT JOIN crowded k ON k.image_id = b.image_id AND k.category_id = b.category_id
    GROUP BY ${key} ORDER BY ${key}`;
  for await (const chunk of readChunks(connection, sql, { signal: context.signal })) {
    for (const [id, categoryId, fileName, width, height, list] of plainRows(chunk)) {
      const boxes = (list ?? []) as PixelBox[];
      const labels = [...new Set(boxes.map((box) => box.label))];
      yield {
        id: `${prefix}${String(id)}${categoryId === null ? "" : `-${String(categoryId)}`}`,
        question: "",
        answer: "",
        pictures: [pictures.find(String(fileName))],
        boxes,
        ...(width === null || height === null ? {} : { width: Number(width), height: Number(height) }),
        category: labels.join(", "),
      };
    }
  }
}

/** A field of a record that cannot be used; the place is added by `load`. */
class FieldError extends Error {
  constructor(
    readonly field: string,
    readonly expected: string,
    readonly found: string,
  ) {
    super(field);
  }
}

type Cell = string | number | boolean | null;
type CellKind = "bigint" | "integer" | "double" | "boolean" | "text";

/** Streams one list of the document into a table. */
async function load(
  context: AdapterContext,
  file: string,
  key: string,
  table: string,
  kinds: readonly CellKind[],
  make: (value: Record<string, unknown>, row: number) => readonly Cell[],
): Promise<void> {
  const appender = await context.connection.createAppender(table, null, "temp");
  try {
    let row = 0;
    for await (const { value } of jsonMembers(file, key)) {
      try {
        if (!isRecord(value)) throw new FieldError("", "an object", JSON.stringify(value));
        const cells = make(value, row);
        for (const [i, kind] of kinds.entries()) appendCell(appender, kind, cells[i] ?? null);
        appender.endRow();
      } catch (error) {
        if (!(error instanceof FieldError)) throw error;
        const { field, expected, found } = error;
        const path = field === "" ? key : `${key}.${field}`;
        context.bad(new DatasetError({ code: "wrong-type", file, row, field: path, expected, found }));
      }
      row++;
      if (row % 4096 === 0) context.signal?.throwIfAborted();
    }
  } finally {
    appender.closeSync();
  }
}

function appendCell(appender: DuckDBAppender, kind: CellKind, cell: Cell): void {
  if (cell === null) appender.appendNull();
  else if (kind === "bigint") appender.appendBigInt(BigInt(cell));
  else if (kind === "integer") appender.appendInteger(cell as number);
  else if (kind === "double") appender.appendDouble(cell as number);
  else if (kind === "boolean") appender.appendBoolean(cell as boolean);
  else appender.appendVarchar(cell as string);
}

function integer(value: Record<string, unknown>, field: string): number {
  const cell = value[field];
  if (typeof cell === "number" && Number.isSafeInteger(cell)) return cell;
  throw new FieldError(field, "a whole number", JSON.stringify(cell ?? null));
}

function text(value: Record<string, unknown>, field: string): string {
  const cell = value[field];
  if (typeof cell === "string" && cell !== "") return cell;
  throw new FieldError(field, "text", JSON.stringify(cell ?? null));
}

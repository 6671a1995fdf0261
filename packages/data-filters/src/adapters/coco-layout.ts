/**
 * COCO's instances layout, which Objects365, V3Det and D3 share: `images`, `annotations` ([x, y, w, h] in pixels) and
 * `categories` in one JSON document. The three lists are streamed into DuckDB and joined there, so that a document of
 * several gigabytes needs no more memory than the limit.
 *
 * A crowd box (`iscrowd`) stands for uncounted objects. Its category is left out of the picture's question, because no
 * complete answer is known.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { DuckDBAppender } from "@duckdb/node-api";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError, sourceInfo, type SourceInfo } from "@v-triune/schema";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import { parseExactJson, WrittenNumber } from "./json-numbers";
import { jsonMembers } from "./json-stream";
import type { AdapterContext, PixelBox, SourceAdapter, SourceRow } from "./source-adapter";
import { filesBelow, PictureIndex, wrongLayout } from "./source-files";
import { numberOf, shown } from "./table-records";

/** One row per picture with all its categories, or one row per picture and category (a phrase to ground). */
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
        yield* readDocument({ context, file: join(context.folder, relative), grouping, prefix, pictures });
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

/** One JSON document. */
interface CocoDocument {
  readonly context: AdapterContext;
  readonly file: string;
  readonly grouping: CocoGrouping;
  /** Put before its ids, to tell documents apart. */
  readonly prefix: string;
  readonly pictures: PictureIndex;
}

/** Names of the temporary tables of one document. */
interface CocoTables {
  readonly images: string;
  readonly boxes: string;
  readonly categories: string;
}

async function* readDocument(document: CocoDocument): AsyncGenerator<SourceRow> {
  const { connection } = document.context;
  const suffix = randomBytes(4).toString("hex");
  const tables = {
    images: `coco_images_${suffix}`,
    boxes: `coco_boxes_${suffix}`,
    categories: `coco_categories_${suffix}`,
  };
  try {
    await loadCategories(document, tables.categories);
    await loadImages(document, tables.images);
    await loadBoxes(document, tables.boxes);
    yield* joined(document, tables);
  } finally {
    for (const table of Object.values(tables)) await connection.run(`DROP TABLE IF EXISTS ${table}`);
  }
}

async function loadCategories(document: CocoDocument, table: string): Promise<void> {
  await load(document, "categories", table, { id: "BIGINT", name: "VARCHAR" }, (entry) => [
    entry.integer("id"),
    entry.text(entry.value.name === undefined ? "raw_sent" : "name"),
  ]);
}

async function loadImages(document: CocoDocument, table: string): Promise<void> {
  const columns = { id: "BIGINT", file_name: "VARCHAR", width: "INTEGER", height: "INTEGER" } as const;
  await load(document, "images", table, columns, (entry) => [
    entry.integer("id"),
    entry.text("file_name"),
    entry.value.width === undefined ? null : entry.integer("width"),
    entry.value.height === undefined ? null : entry.integer("height"),
  ]);
}

async function loadBoxes(document: CocoDocument, table: string): Promise<void> {
  const columns = {
    image_id: "BIGINT",
    category_id: "BIGINT",
    x: "DOUBLE",
    y: "DOUBLE",
    w: "DOUBLE",
    h: "DOUBLE",
    crowd: "BOOLEAN",
    place: "INTEGER",
  } as const;
  await load(document, "annotations", table, columns, (entry) => {
    const { iscrowd } = entry.value;
    return [
      entry.integer("image_id"),
      entry.integer("category_id"),
      ...entry.box("bbox"),
      iscrowd === 1 || iscrowd === true,
      entry.row,
    ];
  });
}

async function* joined(
  { context, grouping, prefix, pictures }: CocoDocument,
  tables: CocoTables,
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
  for await (const chunk of readChunks(context.connection, sql, { signal: context.signal })) {
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

type Cell = string | number | bigint | boolean | null;
type CellType = "BIGINT" | "INTEGER" | "DOUBLE" | "BOOLEAN" | "VARCHAR";

/** Streams one list of the document into a temporary table. An entry for which `cellsOf` throws is reported as bad. */
async function load(
  { context, file }: CocoDocument,
  list: string,
  table: string,
  columns: Readonly<Record<string, CellType>>,
  cellsOf: (entry: CocoEntry) => readonly Cell[],
): Promise<void> {
  const declared = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
  await context.connection.run(`CREATE TEMP TABLE ${table}(${declared.join(", ")})`);
  const appender = await context.connection.createAppender(table, null, "temp");
  const types = Object.values(columns);
  try {
    let row = 0;
    for await (const { value } of jsonMembers(file, list, parseEntry)) {
      try {
        const cells = cellsOf(new CocoEntry(value, { file, list, row }));
        for (const [i, type] of types.entries()) appendCell(appender, type, cells[i] ?? null);
        appender.endRow();
      } catch (error) {
        if (!(error instanceof DatasetError)) throw error;
        context.bad(error);
      }
      row++;
      if (row % 4096 === 0) context.signal?.throwIfAborted();
    }
  } finally {
    appender.closeSync();
  }
}

/** Ids may need all their digits. Other numbers of these large documents are fine as `JSON.parse` reads them. */
function parseEntry(text: string): unknown {
  return /[:\s]-?\d{16}/.test(text) || text.includes("NaN") ? parseExactJson(text) : JSON.parse(text);
}

/** One entry of a list, with its place in the document for errors. */
class CocoEntry {
  readonly value: Readonly<Record<string, unknown>>;
  readonly #place: { readonly file: string; readonly list: string; readonly row: number };

  /** @throws DatasetError for anything but an object */
  constructor(value: unknown, place: { readonly file: string; readonly list: string; readonly row: number }) {
    this.#place = place;
    if (!isRecord(value)) throw this.#wrong(undefined, "an object", value);
    this.value = value;
  }

  get row(): number {
    return this.#place.row;
  }

  /** @throws DatasetError for a field that is not a whole number of at most 64 bits */
  integer(field: string): bigint {
    const cell = this.value[field];
    const text = cell instanceof WrittenNumber ? cell.text : typeof cell === "number" ? String(cell) : "";
    if (/^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) return BigInt(text);
    throw this.#wrong(field, "a whole number", cell);
  }

  /** @throws DatasetError for a field that is not text, or empty */
  text(field: string): string {
    const cell = this.value[field];
    if (typeof cell === "string" && cell !== "") return cell;
    throw this.#wrong(field, "text", cell);
  }

  /** @throws DatasetError for a field that is not four numbers */
  box(field: string): readonly number[] {
    const cell = this.value[field];
    const numbers = Array.isArray(cell) ? cell.map(numberOf) : [];
    if (numbers.length === 4 && !numbers.includes(null)) return numbers as number[];
    throw this.#wrong(field, "four numbers [x, y, w, h]", cell);
  }

  #wrong(field: string | undefined, expected: string, found: unknown): DatasetError {
    const { file, list, row } = this.#place;
    return new DatasetError({
      code: "wrong-type",
      file,
      row,
      field: field === undefined ? list : `${list}.${field}`,
      expected,
      found: shown(found),
    });
  }
}

function appendCell(appender: DuckDBAppender, type: CellType, cell: Cell): void {
  if (cell === null) appender.appendNull();
  else if (type === "BIGINT") appender.appendBigInt(BigInt(cell));
  else if (type === "INTEGER") appender.appendInteger(Number(cell));
  else if (type === "DOUBLE") appender.appendDouble(cell as number);
  else if (type === "BOOLEAN") appender.appendBoolean(cell as boolean);
  else appender.appendVarchar(cell as string);
}

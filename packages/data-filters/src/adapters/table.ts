/**
 * Your own data (`source: table`): Parquet, JSON, JSON Lines or CSV, with a mapping of its columns.
 *
 * ```yaml
 * - source: table
 *   path: my-data
 *   settings:
 *     task: chart
 *     name: mycharts                  # data_source, and {source} of the file name
 *     files: "questions.*\\.jsonl$"    # optional, a regular expression
 *     columns: { question: q, answer: a, image: picture, id: key, category: kind }
 * ```
 * For boxes: `columns: { boxes: objects, image: file, width: w, height: h }`. A box is `{bbox: [x1, y1, x2, y2],
 * label}` in pixels, or [x, y, width, height] with `boxFormat: xywh`.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError } from "@v-triune/schema";
import { withoutImageMarks } from "./owner-text";
import { badSetting, ownFiles, ownSource } from "./own-source";
import type { AdapterContext, PixelBox, SourceAdapter, SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";
import {
  eachRecord,
  picturesOf,
  recordId,
  requiredText,
  tableRecords,
  textOf,
  type TableRecord,
} from "./table-records";

const COLUMNS = ["id", "question", "answer", "image", "options", "category", "boxes", "width", "height"] as const;
type Column = (typeof COLUMNS)[number];

/** The adapter for a mapping. @throws DatasetError `bad-option` if the settings are incomplete */
export function tableAdapter(settings: Readonly<Record<string, unknown>>): SourceAdapter {
  const info = ownSource(settings, "*.parquet, *.jsonl, *.json, *.csv or *.tsv");
  const columns = settings.columns;
  if (!isRecord(columns)) throw badSetting("columns", `an object from ${COLUMNS.join(", ")} to your columns`, columns);
  for (const [key, column] of Object.entries(columns)) {
    if (!(COLUMNS as readonly string[]).includes(key) || typeof column !== "string") {
      throw badSetting(`columns.${key}`, `a column for one of ${COLUMNS.join(", ")}`, column);
    }
  }
  const files = ownFiles(settings, /\.(parquet|jsonl?|csv|tsv)$/i);
  const mapping: Mapping = {
    columns: columns as Mapping["columns"],
    withBoxes: info.verifier === "detection",
    isXywh: settings.boxFormat === "xywh",
  };
  return {
    info,
    read(context): AsyncIterable<SourceRow> {
      const pictures = new PictureIndex(context.folder);
      return eachRecord(context, tableRecords(context, files, info.files.join("; ")), (record) =>
        mappedRow(record, mapping, context, pictures),
      );
    },
  };
}

/** How a record becomes a row. */
interface Mapping {
  /** Names of the file's columns. */
  readonly columns: Readonly<Partial<Record<Column, string>>>;
  /** Whether rows are answered with boxes. */
  readonly withBoxes: boolean;
  /** Whether boxes are [x, y, width, height]. */
  readonly isXywh: boolean;
}

function mappedRow(
  record: TableRecord,
  { columns, withBoxes, isXywh }: Mapping,
  context: AdapterContext,
  pictures: PictureIndex,
): SourceRow {
  const cell = (column: Column): unknown => record.value[columns[column] ?? column];
  const id = textOf(cell("id")) ?? recordId(context, record);
  const width = cell("width");
  const height = cell("height");
  const category = textOf(cell("category"));
  const options = cell("options");
  return {
    id,
    question: withBoxes ? "" : withoutImageMarks(requiredText(record, columns.question ?? "question")),
    answer: withBoxes ? "" : requiredText(record, columns.answer ?? "answer").trim(),
    pictures: picturesOf(cell("image"), context, pictures, id),
    ...(category === null ? {} : { category }),
    ...(Array.isArray(options) ? { options: options.map((one) => textOf(one) ?? "") } : {}),
    ...(withBoxes ? { boxes: boxesOf(record, cell("boxes"), columns.boxes ?? "boxes", isXywh) } : {}),
    ...(typeof width === "number" && typeof height === "number" ? { width, height } : {}),
  };
}

function boxesOf(record: TableRecord, cell: unknown, field: string, isXywh: boolean): PixelBox[] {
  let list = cell;
  if (typeof cell === "string") {
    try {
      list = JSON.parse(cell);
    } catch {
      list = null;
    }
  }
  const wrong = (found: unknown): DatasetError =>
    new DatasetError({
      code: "wrong-type",
      file: record.file,
      row: record.row,
      field,
      expected: 'a list of {"bbox": [four numbers], "label": text}',
      found: (JSON.stringify(found) ?? "nothing").slice(0, 60),
    });
  if (!Array.isArray(list)) throw wrong(cell);
  return list.map((item: unknown) => {
    const bbox = isRecord(item) ? (item.bbox ?? item.bbox_2d) : null;
    const label = isRecord(item) ? textOf(item.label ?? item.category) : null;
    if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every((v) => typeof v === "number") || label === null)
      throw wrong(item);
    const [x1, y1, c, d] = bbox as [number, number, number, number];
    return { x1, y1, x2: isXywh ? x1 + c : c, y2: isXywh ? y1 + d : d, label };
  });
}

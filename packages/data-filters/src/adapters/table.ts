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
import type { NeededColumns } from "./column-check";
import { badSetting, ownFiles, ownSource } from "./own-source";
import { jsonCell, questionPrompt } from "./prompt-turns";
import type { AdapterContext, PixelBox, SourceAdapter, SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";
import {
  eachRecord,
  numberOf,
  picturesOf,
  recordId,
  requiredText,
  shown,
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
      const records = tableRecords(context, files, info.files.join("; "), undefined, neededColumns(mapping));
      return eachRecord(
        context,
        records,
        (record) => mappedRow(record, mapping, context, pictures),
        (record) => textOf(record.value[mapping.columns.id ?? "id"]),
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

function neededColumns({ columns, withBoxes }: Mapping): NeededColumns {
  const needed: readonly Column[] = withBoxes ? ["boxes"] : ["question", "answer"];
  const required = Object.fromEntries(needed.map((column) => [column, columns[column] ?? column]));
  const named = Object.entries(columns).filter(([column]) => !(column in required));
  // The words of a box prompt are not the owner's.
  const isUsed = ([column]: [string, string]): boolean => !withBoxes || (column !== "question" && column !== "answer");
  return { required, named: Object.fromEntries(named.filter(isUsed)) };
}

function mappedRow(record: TableRecord, mapping: Mapping, context: AdapterContext, index: PictureIndex): SourceRow {
  const { columns, withBoxes, isXywh } = mapping;
  const name = (column: Column): string => columns[column] ?? column;
  const cell = (column: Column): unknown => record.value[name(column)];
  const id = textOf(cell("id")) ?? recordId(context, record);
  const width = numberOf(cell("width"));
  const height = numberOf(cell("height"));
  const category = textOf(cell("category"));
  const options = jsonCell(cell("options"));
  const pictures = picturesOf(jsonCell(cell("image")), context, index, id);
  const more = {
    ...(category === null ? {} : { category }),
    ...(Array.isArray(options) ? { options: options.map((one) => textOf(one) ?? "") } : {}),
    ...(width !== null && height !== null ? { width, height } : {}),
  };
  if (withBoxes) {
    const boxes = boxesOf(record, cell("boxes"), name("boxes"), isXywh);
    return { id, question: "", answer: "", pictures, boxes, ...more };
  }
  const asked = requiredText(record, name("question"));
  const answer = requiredText(record, name("answer")).trim();
  return { id, ...questionPrompt(record, name("question"), asked, pictures.length), answer, pictures, ...more };
}

function boxesOf(record: TableRecord, cell: unknown, field: string, isXywh: boolean): PixelBox[] {
  const list = jsonCell(cell);
  const wrong = (found: unknown): DatasetError =>
    new DatasetError({
      code: "wrong-type",
      file: record.file,
      row: record.row,
      field,
      expected: 'a list of {"bbox": [four numbers], "label": text}',
      found: found === undefined ? "nothing" : shown(found),
    });
  if (!Array.isArray(list)) throw wrong(cell);
  return list.map((item: unknown) => {
    const bbox = isRecord(item) ? (item.bbox ?? item.bbox_2d) : null;
    const label = isRecord(item) ? textOf(item.label ?? item.category) : null;
    const numbers = Array.isArray(bbox) ? bbox.map(numberOf) : [];
    if (numbers.length !== 4 || numbers.includes(null) || label === null) throw wrong(item);
    const [x1, y1, c, d] = numbers as [number, number, number, number];
    return { x1, y1, x2: isXywh ? x1 + c : c, y2: isXywh ? y1 + d : d, label };
  });
}

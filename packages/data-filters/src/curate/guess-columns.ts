/** Guesses what the columns of a table are: first by their names, then by what is in them. */
import { isRecord } from "@v-triune/node-kit/is-record";
import type { Task } from "@v-triune/schema";
import { textOf } from "../adapters/table-records";
import { inlinePicture } from "../pictures/inline-picture";

/** The file's column for each column of a table's settings. */
export type GuessedColumns = Readonly<Partial<Record<GuessedColumn, string>>>;
type GuessedColumn = "id" | "question" | "answer" | "image" | "options" | "category" | "boxes" | "width" | "height";

type Row = Readonly<Record<string, unknown>>;

/** Usual names, the most usual first. */
const NAMES: readonly (readonly [column: GuessedColumn, names: RegExp[]])[] = [
  [
    "question",
    [/^questions?$/i, /^(query|problem|instruction)s?$/i, /^(q|prompt|input|user|text)$/i, /question|query|problem/i],
  ],
  [
    "answer",
    [
      /^answers?$/i,
      /^(label|solution|gold|target|ground_?truth|gt)$/i,
      /^(a|output|response|completion)$/i,
      /answer|solution/i,
    ],
  ],
  [
    "image",
    [
      /^(image|picture)s?$/i,
      /^(img|photo|figure|png|decoded_image)s?$/i,
      /^(file|file_?name|image_?path|img_?path|imgname|path|url)$/i,
      /image|img|picture/i,
    ],
  ],
  ["boxes", [/^(boxes|bboxes|bbox|objects|annotations)$/i]],
  ["options", [/^(options|choices)$/i]],
  ["id", [/^(id|qid|uid|pid|key|index|idx)$/i, /^(question|sample|instance|item|row)_?id$/i]],
  ["category", [/^(category|type|subject|topic|kind|class|split_?name)$/i, /category|subject/i]],
  ["width", [/^(width|w|image_width)$/i]],
  ["height", [/^(height|h|image_height)$/i]],
];

/** @param rows the first records, which decide where names do not */
export function guessColumns(columns: readonly string[], rows: readonly Row[]): GuessedColumns {
  const guessed: Partial<Record<GuessedColumn, string>> = {};
  const free = new Set(columns);
  const take = (column: GuessedColumn, name: string | undefined): void => {
    if (name === undefined) return;
    guessed[column] = name;
    free.delete(name);
  };
  for (const [column, patterns] of NAMES) {
    const fits = (name: string): boolean => couldBe(column, name, rows);
    take(
      column,
      patterns
        .map((pattern) => [...free].find((name) => pattern.test(name) && fits(name)))
        .find((name) => name !== undefined),
    );
  }
  if (guessed.image === undefined)
    take(
      "image",
      [...free].find((name) => share(rows, name, isPicture) > 0.5),
    );
  if (guessed.boxes !== undefined) return without(guessed, ["question", "answer", "options"]);
  const words = (name: string): number =>
    share(rows, name, (cell) => (textOf(cell)?.trim().split(/\s+/).length ?? 0) > 2);
  if (guessed.question === undefined)
    take(
      "question",
      [...free].sort((a, b) => words(b) - words(a)).find((name) => words(name) > 0.5),
    );
  if (guessed.answer === undefined)
    take(
      "answer",
      [...free].find((name) => share(rows, name, (cell) => textOf(cell) !== null && String(cell).length <= 30) > 0.5),
    );
  return guessed;
}

/** The task that questions and answers look like. A person has to check it. */
export function guessTask({ boxes, question, answer }: GuessedColumns, rows: readonly Row[]): Task {
  if (boxes !== undefined) return "detection";
  const counts = question === undefined ? 0 : share(rows, question, (cell) => /\bhow many\b/i.test(textOf(cell) ?? ""));
  const numbers = answer === undefined ? 0 : share(rows, answer, (cell) => /\d/.test(textOf(cell) ?? ""));
  if (counts > 0.5) return "counting";
  return numbers > 0.5 ? "math" : "science";
}

/** Whether the cells of a column can be what its name says. */
function couldBe(column: GuessedColumn, name: string, rows: readonly Row[]): boolean {
  const isFilled = (cell: unknown): boolean => cell !== null && cell !== undefined && cell !== "";
  if (share(rows, name, isFilled) === 0) return false;
  if (column === "boxes")
    return (
      share(
        rows,
        name,
        (cell) => Array.isArray(cell) && cell.some((box) => isRecord(box) && ("bbox" in box || "bbox_2d" in box)),
      ) > 0
    );
  if (column === "options") return share(rows, name, Array.isArray) > 0;
  if (column === "image") return share(rows, name, isPicture) > 0 || /image|img|picture|path|file/i.test(name);
  return share(rows, name, (cell) => textOf(cell) !== null) > 0;
}

function isPicture(cell: unknown): boolean {
  if (cell instanceof Uint8Array) return true;
  if (Array.isArray(cell)) return cell.length > 0 && cell.every(isPicture);
  if (isRecord(cell)) return "bytes" in cell || "path" in cell || "url" in cell;
  if (typeof cell !== "string") return false;
  return /\.(png|jpe?g|webp|gif|bmp|tiff?|avif)$/i.test(cell) || inlinePicture(cell) !== null;
}

/** Share of the rows that have a value for which `is` holds. */
function share(rows: readonly Row[], name: string, is: (cell: unknown) => boolean): number {
  return rows.length === 0 ? 0 : rows.filter((row) => is(row[name])).length / rows.length;
}

function without(guessed: Partial<Record<GuessedColumn, string>>, columns: readonly GuessedColumn[]): GuessedColumns {
  for (const column of columns) delete guessed[column];
  return guessed;
}

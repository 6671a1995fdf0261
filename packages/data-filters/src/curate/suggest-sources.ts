/**
 * Looks at the files of a folder and suggests the sources of a configuration: a published layout, or tables by columns.
 */
import { basename, join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { DatasetError, type Task } from "@v-triune/schema";
import { adapters } from "../adapters/index";
import type { AdapterContext, SourceAdapter } from "../adapters/source-adapter";
import { filesBelow, wrongLayout } from "../adapters/source-files";
import { fileRecords, shown, type TableRecord } from "../adapters/table-records";
import { withDatabase } from "../duckdb/database";
import { guessColumns, guessTask, type GuessedColumns } from "./guess-columns";

/** One source, and what a person needs to check it. */
export interface SuggestedSource {
  /** The key of a source, `table` or `verl`. */
  readonly source: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Files that belong to it, relative to the folder; none for a published layout. */
  readonly files: readonly string[];
  /** Columns of its files. */
  readonly columns: readonly string[];
  /** Columns that no column of the files could be guessed for. */
  readonly missing: readonly string[];
  /** The first rows: column and value as text. */
  readonly rows: readonly Readonly<Record<string, string>>[];
}

const SHOWN_ROWS = 3;
/** Records from which columns are guessed. */
const SAMPLE = 50;
/** Sources that are suggested for one folder, at most. */
const MOST_SOURCES = 8;

/**
 * Suggests sources for a folder.
 *
 * @returns at least one
 * @throws DatasetError for a folder that is missing or has no tables
 */
export async function suggestSources(folder: string): Promise<SuggestedSource[]> {
  return withDatabase({ threads: 1 }, async (connection) => {
    const kinds = await tableKinds(connection, folder);
    const corpora = kinds.filter(({ columns }) => columns.includes("prompt") && columns.includes("reward_model"));
    if (corpora.length === 0) {
      const published = await publishedSource(connection, folder);
      if (published !== null) return [published];
    }
    if (kinds.length === 0) throw wrongLayout(folder, "tables (*.parquet, *.jsonl, *.json, *.csv or *.tsv)");
    return kinds.slice(0, MOST_SOURCES).map((kind) => suggestionFor(kind, folder, kinds.length > 1));
  });
}

/** Files with the same columns. */
interface TableKind {
  readonly columns: readonly string[];
  readonly files: string[];
  readonly records: readonly TableRecord[];
}

async function tableKinds(connection: DuckDBConnection, folder: string): Promise<TableKind[]> {
  const kinds = new Map<string, TableKind>();
  for (const file of filesBelow(folder, /\.(parquet|jsonl?|csv|tsv)$/i)) {
    const records = await firstRecords(connection, folder, file);
    const columns = [...new Set(records.flatMap(({ value }) => Object.keys(value)))];
    if (columns.length < 2) continue;
    const key = [...columns].sort().join("\n");
    const kind = kinds.get(key) ?? { columns, files: [], records };
    kind.files.push(file);
    kinds.set(key, kind);
  }
  return [...kinds.values()];
}

/** The first records of a file; none if it is not a table. */
async function firstRecords(connection: DuckDBConnection, folder: string, file: string): Promise<TableRecord[]> {
  const records: TableRecord[] = [];
  try {
    for await (const record of fileRecords(
      contextOf(connection, folder, () => {}),
      join(folder, file),
    )) {
      records.push(record);
      if (records.length === SAMPLE) break;
    }
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
  }
  return records;
}

/** Adapters that read any table with columns of usual names. They are suggested for folders that have their name. */
const UNSPECIFIC: ReadonlySet<string> = new Set([
  "mmk12",
  "visualpuzzles",
  "scienceqa",
  "scivqa",
  "chartqapro",
  "chartx",
  "llava_ov_ocr",
  "estvqa",
]);

/** The first published layout whose adapter reads rows of the folder, and nothing else. */
async function publishedSource(connection: DuckDBConnection, folder: string): Promise<SuggestedSource | null> {
  const name = nameOf(folder).replaceAll("_", "");
  const candidates = adapters.filter(
    ({ info: { key } }) => !UNSPECIFIC.has(key) || name.includes(key.replaceAll("_", "")),
  );
  for (const adapter of candidates) {
    const rows = await firstRows(adapter, connection, folder);
    if (rows.length > 0) return { source: adapter.info.key, files: [], columns: [], missing: [], rows };
  }
  return null;
}

async function firstRows(
  adapter: SourceAdapter,
  connection: DuckDBConnection,
  folder: string,
): Promise<Record<string, string>[]> {
  const rows: Record<string, string>[] = [];
  const refuse = (error: DatasetError): never => {
    throw error;
  };
  try {
    for await (const { id, question, answer, pictures, boxes } of adapter.read(contextOf(connection, folder, refuse))) {
      rows.push({
        id,
        question,
        answer: boxes === undefined ? answer : `${boxes.length} boxes`,
        pictures: pictures.map(({ name }) => name).join(", "),
      });
      if (rows.length === SHOWN_ROWS) break;
    }
    return rows;
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    return [];
  }
}

function contextOf(connection: DuckDBConnection, folder: string, bad: (error: DatasetError) => void): AdapterContext {
  return { folder, connection, settings: {}, bad, spool: (_, name) => ({ name, file: "" }) };
}

function suggestionFor(kind: TableKind, folder: string, isOneOfSeveral: boolean): SuggestedSource {
  const { columns, files, records } = kind;
  const name = nameOf(isOneOfSeveral ? (files[0] as string).replace(/\.\w+$/, "") : folder);
  const selected = isOneOfSeveral ? { files: `^(${files.map(escaped).join("|")})$` } : {};
  const rows = records
    .slice(0, SHOWN_ROWS)
    .map(({ value }) => Object.fromEntries(columns.map((column) => [column, cellText(value[column])])));
  if (columns.includes("prompt") && columns.includes("reward_model")) {
    const settings = { task: "math" satisfies Task, name, ...selected };
    return { source: "verl", settings, files, columns, missing: [], rows };
  }
  const guessed: GuessedColumns = guessColumns(
    columns,
    records.map(({ value }) => value),
  );
  const task = guessTask(
    guessed,
    records.map(({ value }) => value),
  );
  const needed = guessed.boxes === undefined ? (["question", "answer"] as const) : (["boxes", "image"] as const);
  const missing = needed.filter((column) => guessed[column] === undefined);
  return { source: "table", settings: { task, name, ...selected, columns: guessed }, files, columns, missing, rows };
}

function nameOf(path: string): string {
  const words = basename(path)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return words === "" ? "mine" : words;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function cellText(cell: unknown): string {
  if (cell instanceof Uint8Array) return `${cell.length} bytes`;
  return typeof cell === "string" ? cell.replace(/\s+/g, " ").slice(0, 100) : shown(summary(cell));
}

/** A cell without its bytes, which would fill the line. */
function summary(cell: unknown): unknown {
  if (cell instanceof Uint8Array) return `${cell.length} bytes`;
  if (Array.isArray(cell)) return cell.slice(0, 3).map(summary);
  if (typeof cell !== "object" || cell === null) return cell;
  return Object.fromEntries(Object.entries(cell).map(([key, value]) => [key, summary(value)]));
}

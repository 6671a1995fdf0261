/**
 * How a CSV or TSV file is read. DuckDB guesses the dialect from the first 20,480 lines. Three of its guesses would
 * cost rows or words:
 * - If these lines have no quotes, it reads the whole file without quotes: later, a quoted comma would make a ragged
 *   line, and a quoted cell would keep its quotes. Such a file is read with the quote of RFC 4180.
 * - If a few lines are ragged, it may choose a dialect in which the header is a row, or gives up without naming a line.
 *   If the first line has the columns that are looked for, it is taken for the header, and a ragged line is an error.
 * - Of two columns whose names differ in case it renames the second one.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { VARCHAR, type DuckDBConnection } from "@duckdb/node-api";
import { literal, queryRows } from "../duckdb/database";
import { columnOf, type FileColumn } from "../duckdb/file-columns";
import { readFailure } from "../duckdb/read-failure";
import { csvScan, fileLiteral, LONG_LINES } from "../duckdb/scan";

/** Lines from which DuckDB guesses the dialect: its default `sample_size`. */
const SAMPLE_LINES = 20_480;
/** Bytes at the beginning of a file that are searched for quotes and for the header, at most. */
const HEAD_BYTES = 2 ** 20;
/** Signs between cells, the most usual first. */
const DELIMITERS = [",", "\t", ";", "|"];

/** A query for all cells of a file, and its columns in order. */
export interface QueriedTable {
  readonly sql: string;
  readonly columns: readonly FileColumn[];
}

/**
 * The table of a file, with all cells as text.
 *
 * @param wanted names of columns that are looked for
 * @throws DatasetError for a file that has no dialect
 */
export async function csvTable(
  connection: DuckDBConnection,
  file: string,
  wanted: readonly string[],
): Promise<QueriedTable> {
  const head = headOf(file);
  const own = headerDialect(head, wanted);
  let guessed: QueriedTable;
  try {
    guessed = await guessedTable(connection, file, head);
  } catch (error) {
    // Its message names no line; reading by the header does.
    if (own === null || wanted.length === 0) throw readFailure(error, file);
    return tableOf(file, own);
  }
  const hasAll = wanted.every((name) => guessed.columns.some((column) => column.name === name));
  return hasAll || own === null ? guessed : tableOf(file, own);
}

/** The table as DuckDB guesses it. */
async function guessedTable(connection: DuckDBConnection, file: string, head: string): Promise<QueriedTable> {
  const quoted = (await hasUnseenQuotes(connection, file, head)) ? [`quote = '"'`, `escape = '"'`] : [];
  const names = (await connection.run(`SELECT * FROM ${csvScan(file, ...quoted)} LIMIT 0`)).columnNames();
  // Names of this form may be DuckDB's own.
  const isRenamed = names.some((name) => /_\d+$/.test(name));
  const written = isRenamed ? await headerRow(connection, file, quoted) : names;
  return {
    sql: `SELECT * FROM ${csvScan(file, ...quoted)}`,
    columns: names.map((name, i) => ({ ...columnOf(name, VARCHAR), name: written[i] ?? name })),
  };
}

async function headerRow(connection: DuckDBConnection, file: string, options: readonly string[]): Promise<string[]> {
  const reader = await connection.runAndReadAll(`SELECT * FROM ${csvScan(file, ...options, "header = false")} LIMIT 1`);
  return (reader.getRows()[0] ?? []).map(String);
}

/** A dialect in which the first line is the header. */
interface HeaderDialect {
  readonly delimiter: string;
  readonly names: readonly string[];
}

/** The dialect in which the first line has all wanted columns, or null. */
function headerDialect(head: string, wanted: readonly string[]): HeaderDialect | null {
  const line = head.replace(/^\uFEFF/, "").split(/\r?\n/, 1)[0] ?? "";
  for (const delimiter of DELIMITERS) {
    const names = line.split(delimiter).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
    if (names.length > 1 && wanted.every((name) => names.includes(name))) return { delimiter, names };
  }
  return null;
}

function tableOf(file: string, { delimiter, names }: HeaderDialect): QueriedTable {
  const columns = names.map((name, i) => ({ ...columnOf(`c${i}`, VARCHAR), name }));
  const types = columns.map(({ sqlName }) => `${literal(sqlName)}: 'VARCHAR'`).join(", ");
  const quote = /\.tsv$/i.test(file) ? "quote = '', escape = ''" : `quote = '"', escape = '"'`;
  const options = [
    "auto_detect = false",
    "header = true",
    `delim = ${literal(delimiter)}`,
    quote,
    `columns = {${types}}`,
  ];
  return { sql: `SELECT * FROM ${csvScan(file, ...options)}`, columns };
}

/**
 * Whether quotes, if the file has any, begin after those lines. A TSV needs no quotes, and a cell may begin with an
 * inch sign.
 */
async function hasUnseenQuotes(connection: DuckDBConnection, file: string, head: string): Promise<boolean> {
  if (/\.tsv$/i.test(file) || headHasQuote(head)) return false;
  try {
    const scan = [fileLiteral(file), ...LONG_LINES].join(", ");
    const [dialect] = await queryRows(connection, `SELECT Quote AS quote FROM sniff_csv(${scan})`);
    return dialect?.quote === "(empty)";
  } catch {
    // Reading the file raises the same error.
    return false;
  }
}

function headHasQuote(head: string): boolean {
  const quote = head.indexOf('"');
  return quote >= 0 && head.slice(0, quote).split("\n").length <= SAMPLE_LINES;
}

function headOf(file: string): string {
  const buffer = Buffer.alloc(HEAD_BYTES);
  const handle = openSync(file, "r");
  try {
    return buffer.toString("utf8", 0, readSync(handle, buffer));
  } finally {
    closeSync(handle);
  }
}

/**
 * How a CSV or TSV file is read. DuckDB guesses the dialect from the first 20,480 lines. If they have no quotes, it
 * reads the whole file without quotes: later, a quoted comma would make a ragged line, and a quoted cell would keep its
 * quotes. Such a file is read with the quote of RFC 4180.
 */
import { closeSync, openSync, readSync } from "node:fs";
import type { DuckDBConnection } from "@duckdb/node-api";
import { literal, queryRows } from "../duckdb/database";

/** Lines from which DuckDB guesses the dialect: its default `sample_size`. */
const SAMPLE_LINES = 20_480;
/** Bytes at the beginning of a file that are searched for quotes, at most. */
const HEAD_BYTES = 2 ** 20;

/** The query for all cells of the file, as text. */
export async function csvQuery(connection: DuckDBConnection, file: string): Promise<string> {
  const quoted = (await hasUnseenQuotes(connection, file)) ? `, quote = '"', escape = '"'` : "";
  return `SELECT * FROM read_csv(${literal(file)}, all_varchar = true${quoted})`;
}

/**
 * Whether quotes, if the file has any, begin after those lines. A TSV needs no quotes, and a cell may begin with an
 * inch sign.
 */
async function hasUnseenQuotes(connection: DuckDBConnection, file: string): Promise<boolean> {
  if (/\.tsv$/i.test(file) || headHasQuote(file)) return false;
  try {
    const [dialect] = await queryRows(connection, `SELECT Quote AS quote FROM sniff_csv(${literal(file)})`);
    return dialect?.quote === "(empty)";
  } catch {
    // Reading the file raises the same error.
    return false;
  }
}

function headHasQuote(file: string): boolean {
  const buffer = Buffer.alloc(HEAD_BYTES);
  const handle = openSync(file, "r");
  try {
    const head = buffer.toString("latin1", 0, readSync(handle, buffer));
    const quote = head.indexOf('"');
    return quote >= 0 && head.slice(0, quote).split("\n").length <= SAMPLE_LINES;
  } finally {
    closeSync(handle);
  }
}

/**
 * How a CSV or TSV file is read. DuckDB guesses the dialect from the first 20,480 lines and takes a file without quotes there for one
 * that has none at all; a quoted comma further down would then be a ragged line, and a quoted cell would keep its quotes. For such a
 * file the quote of RFC 4180 holds.
 */
import { closeSync, openSync, readSync } from "node:fs";
import type { DuckDBConnection } from "@duckdb/node-api";
import { literal, queryRows } from "../duckdb/database";

/** Lines from which DuckDB guesses, its default `sample_size`. */
const SAMPLE_LINES = 20_480;
/** Bytes at the beginning of a file that are searched for quotes, at most. */
const HEAD_BYTES = 2 ** 20;

/** The query for all cells of the file, as text. */
export async function csvQuery(connection: DuckDBConnection, file: string): Promise<string> {
  const quoted = (await hasUnseenQuotes(connection, file)) ? `, quote = '"', escape = '"'` : "";
  return `SELECT * FROM read_csv(${literal(file)}, all_varchar = true${quoted})`;
}

/** Whether quotes, if the file has any, begin after what DuckDB looked at. Tabs need no quotes, and inches may stand in a TSV's cells. */
async function hasUnseenQuotes(connection: DuckDBConnection, file: string): Promise<boolean> {
  if (/\.tsv$/i.test(file) || headHasQuote(file)) return false;
  try {
    const [dialect] = await queryRows(connection, `SELECT Quote AS quote FROM sniff_csv(${literal(file)})`);
    return dialect?.quote === "(empty)";
  } catch {
    // Reading it gives the same error, with the file's name.
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

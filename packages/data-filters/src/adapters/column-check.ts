/**
 * Checks that files have the columns that a configuration names, before a row is read. Parquet and CSV state their
 * columns. JSON does not: required columns are looked for in the first records, others in all.
 */
import { basename } from "node:path";
import { nearest } from "@v-triune/errors";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError } from "@v-triune/schema";
import { fileColumns } from "../duckdb/file-columns";
import { assertTable } from "../duckdb/file-head";
import { csvTable } from "./csv-table";
import { jsonRecords } from "./json-records";
import type { AdapterContext } from "./source-adapter";

/** Columns that an adapter is told to read, by the setting's name of a column. */
export interface NeededColumns {
  /** Every record needs these. */
  readonly required: Readonly<Record<string, string>>;
  /** The configuration names these, and they may be empty. */
  readonly named: Readonly<Record<string, string>>;
}

/** Records at the beginning of a JSON file in which a required column must occur. */
const HEAD_RECORDS = 1000;

/** The check of one source's files. */
export class ColumnCheck {
  readonly #needed: NeededColumns;
  /** Named columns of JSON files that no record has had so far. */
  readonly #unseen: Set<string>;
  readonly #present = new Set<string>();

  constructor(needed: NeededColumns) {
    this.#needed = needed;
    this.#unseen = new Set(Object.values(needed.named));
  }

  /** @throws DatasetError `bad-option` for a column that the file lacks */
  async checkFile(context: AdapterContext, file: string): Promise<void> {
    const { required, named } = this.#needed;
    const wanted = Object.values(required);
    if (wanted.length === 0 && this.#unseen.size === 0) return;
    assertTable(file);
    if (!/\.(csv|tsv|parquet)$/i.test(file)) {
      const head = await headKeys(context, file);
      return head.size === 0 ? undefined : check(required, [...head], file);
    }
    const columns = /\.parquet$/i.test(file)
      ? await fileColumns(context.connection, file)
      : (await csvTable(context.connection, file, wanted)).columns;
    const names = columns.map(({ name }) => name);
    check({ ...required, ...named }, names, file);
    this.#unseen.clear();
  }

  /** Notes the columns of a record. */
  see(value: Readonly<Record<string, unknown>>): void {
    if (this.#unseen.size === 0) return;
    for (const key of Object.keys(value)) {
      this.#unseen.delete(key);
      this.#present.add(key);
    }
  }

  /** @throws DatasetError `bad-option` for a named column that no record of any file had */
  checkSeen(file: string): void {
    if (this.#present.size === 0) return;
    const missing = Object.entries(this.#needed.named).filter(([, column]) => this.#unseen.has(column));
    check(Object.fromEntries(missing), [...this.#present], file);
  }
}

function check(needed: Readonly<Record<string, string>>, present: readonly string[], file: string): void {
  for (const [setting, column] of Object.entries(needed)) {
    const times = present.filter((name) => name === column).length;
    if (times === 1) continue;
    const near = present.find((name) => name.toLowerCase() === column.toLowerCase()) ?? nearest(column, present);
    throw new DatasetError({
      code: "bad-option",
      file,
      field: `settings.columns.${setting}`,
      expected: `one of the columns ${present.join(", ")}`,
      found:
        times === 0 ? `no column ${column} in ${basename(file)}` : `${times} columns ${column} in ${basename(file)}`,
      fix: times > 1 ? "give the columns different names" : near === null ? undefined : `did you mean ${near}?`,
    });
  }
}

async function headKeys(context: AdapterContext, file: string): Promise<Set<string>> {
  const { field } = context.settings;
  const keys = new Set<string>();
  let records = 0;
  for await (const { value } of jsonRecords(file, typeof field === "string" ? field : undefined)) {
    if (isRecord(value)) for (const key of Object.keys(value)) keys.add(key);
    if (++records === HEAD_RECORDS) break;
  }
  return keys;
}

/** First step of a curation: every source's files are read into `rows`. */
import { basename } from "node:path";
import type { DatasetError } from "@v-triune/schema";
import { recordId } from "../adapters/table-records";
import { RowTable } from "../tables/row-table";
import { ofSource } from "./config";
import type { CurationRun } from "./curation-run";

/** What was read of one source. */
export interface Reading {
  /** Records in the owner's files: rows, and records that cannot be used. */
  read: number;
  unreadable: number;
  /** Messages of the first records that cannot be used. */
  readonly examples: string[];
}

const EXAMPLES = 20;
/** Rows between two reports of progress. */
const PROGRESS_ROWS = 1000;

/**
 * Reads all sources, in the order of the configuration.
 *
 * @returns one entry per source
 * @throws DatasetError for a folder or file that cannot be read and, in a strict run, for the first record that cannot
 *   be used
 */
export async function readSources(run: CurationRun): Promise<Reading[]> {
  const table = await RowTable.create(run.database.writer);
  const readings: Reading[] = [];
  for (const part of run.bound.sources.keys()) readings.push(await readSource(run, part, table));
  table.close();
  return readings;
}

async function readSource(
  { bound, options, database, spool }: CurationRun,
  part: number,
  table: RowTable,
): Promise<Reading> {
  const { config, adapter, paths } = bound.sources[part] as (typeof bound.sources)[number];
  const { info } = adapter;
  const reading: Reading = { read: 0, unreadable: 0, examples: [] };
  const limit = config.limit ?? Number.POSITIVE_INFINITY;
  const report = (): void => options.onProgress?.({ phase: "read", what: info.key, rows: reading.read });
  for (const path of paths) {
    if (reading.read >= limit) break;
    const folder = path.replace(/\/+$/, "");
    // Owners number their rows from the start in each folder.
    const idOf = (id: string): string => (paths.length > 1 ? `${basename(folder)}/${id}` : id);
    const bad = (error: DatasetError, id?: string): void => {
      if (options.strict === true) throw error;
      reading.read++;
      reading.unreadable++;
      if (reading.examples.length < EXAMPLES) reading.examples.push(error.message);
      const place = recordId({ folder }, { file: error.file ?? folder, row: error.row ?? 0 });
      table.addUnreadable({ id: idOf(id ?? place), place: idOf(place), reason: error.message }, info);
    };
    const rows = adapter.read({
      folder,
      connection: database.connection,
      settings: config.settings ?? {},
      signal: options.signal,
      spool: (bytes, name) => spool.add(bytes, name),
      bad,
    });
    try {
      for await (const row of rows) {
        options.signal?.throwIfAborted();
        table.add({ ...row, id: idOf(row.id) }, info, part);
        if (++reading.read % PROGRESS_ROWS === 0) report();
        if (reading.read >= limit) break;
      }
    } catch (error) {
      throw ofSource(error, part);
    }
  }
  report();
  return reading;
}

/** What the steps of a curation share, from the first to the last. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { SourceAdapter } from "../adapters/source-adapter";
import type { References, ReferenceSet } from "../contamination/references";
import { DEFAULT_MEMORY_LIMIT, openDatabase, type Database } from "../duckdb/database";
import { MemoryBudget } from "../duckdb/memory-budget";
import type { AppliedDecisions } from "../golds/gold-decision";
import { PictureSpool } from "../pictures/picture-reference";
import { TextWorkers } from "../workers/text-workers";
import type { SourceGolds } from "./add-suspicions";
import type { BoundConfig } from "./config";
import type { OutputFolder } from "./output-folder";

/** Where a run is. */
export interface CurationProgress {
  readonly phase: "read" | "rules" | "pictures" | "write";
  /** The source, the file or the rules at work. */
  readonly what: string;
  /** Rows so far in this phase, and how many there will be if that is known. */
  readonly rows: number;
  readonly of?: number;
}

/** How a run is watched and stopped. */
export interface CurateOptions {
  onProgress?(progress: CurationProgress): void;
  /** Stops the run. Nothing is left of it then. */
  readonly signal?: AbortSignal;
  /** Adapters that sources are looked up in. `[mine, ...adapters]` adds your own. Default: those that ship. */
  readonly adapters?: readonly SourceAdapter[];
  /** Throw at the first record that cannot be used, instead of counting and listing it. */
  readonly strict?: boolean;
  /** Replace the result of an earlier run in the output folder, when the new one is complete. Default false. */
  readonly overwrite?: boolean;
  /**
   * Add the sources to those of the run in the output folder, and curate all of them again, so that duplicates, mix and
   * split hold for the whole corpus. A source of the same name and folder replaces the earlier one. Default false.
   */
  readonly append?: boolean;
  /** The questions of the benchmarks that `decontaminate.benchmarks` names. */
  readonly benchmarks?: readonly ReferenceSet[];
}

/** One run. Its rows are in the tables of its database (tables/curation-tables.ts). */
export interface CurationRun {
  readonly bound: BoundConfig;
  readonly options: CurateOptions;
  readonly output: OutputFolder;
  readonly database: Database;
  /** Keeps pictures that are not files of their own. */
  readonly spool: PictureSpool;
  /** Computes languages, checks of gold answers and verdicts. */
  readonly workers: TextWorkers;
  readonly memory: MemoryBudget;
  /** What a row can be dropped by, in order: the rules of the configuration, then the mix. */
  readonly rules: readonly { readonly name: string; readonly reason: string }[];
  /** What a step found that later steps report. */
  readonly found: { references?: References; golds?: readonly SourceGolds[]; decisions?: AppliedDecisions };
}

/** Rows that the mix does not draw are dropped like any other, by a rule of this name. */
const MIX = { name: "mix", reason: "not drawn into the mix" };

/**
 * Opens what a run needs, does the work, and closes everything.
 *
 * @throws what `work` throws
 */
export async function withCurationRun<T>(
  bound: BoundConfig,
  options: CurateOptions,
  output: OutputFolder,
  work: (run: CurationRun) => Promise<T>,
): Promise<T> {
  const { memoryLimit, threads, mix } = bound.config;
  const database = await openDatabase({ memoryLimit, threads, tempDirectory: join(output.work, "spill") });
  const spool = new PictureSpool(join(output.work, "pictures.bin"));
  const memory = await MemoryBudget.open(database.connection, memoryLimit ?? DEFAULT_MEMORY_LIMIT);
  const workers = new TextWorkers(memory.workers(threads ?? availableParallelism()));
  const interrupt = (): void => database.connection.interrupt();
  options.signal?.addEventListener("abort", interrupt);
  try {
    const rules = mix === undefined ? bound.rules : [...bound.rules, MIX];
    return await work({ bound, options, output, database, spool, workers, memory, rules, found: {} });
  } finally {
    options.signal?.removeEventListener("abort", interrupt);
    spool.close();
    await workers.close();
    database.close();
  }
}

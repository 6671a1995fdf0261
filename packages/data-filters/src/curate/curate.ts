/**
 * Curation: owners' files → rows → rules → samples → Parquet, in one call (arXiv 2505.18129, section 4.1). Rows wait in
 * DuckDB without their pictures; pictures are read when their rule or their sample needs them. Nothing depends on time,
 * threads or the order of a directory: the same files, configuration and seed give the same content hash.
 */
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { DatasetError, parquetFileName, type Sample, type SourceInfo } from "@v-triune/schema";
import type { SourceAdapter } from "../adapters/source-adapter";
import { duckdbMessage, literal, openDatabase, queryRows, type Database } from "../duckdb/database";
import { isDiskFull } from "../duckdb/read-failure";
import { PictureSpool } from "../pictures/picture-reference";
import { ALIVE, applyRules } from "../rules/apply-rules";
import { drawOrder, type FilterRule, type RuleNeed } from "../rules/filter-rule";
import { isTextNeed } from "../rules/text-needs";
import { writeSamples } from "../samples/write-samples";
import { TextWorkers } from "../workers/text-workers";
import { buildSample } from "./build-sample";
import { checkCounts } from "./check-counts";
import { bindConfig, type BoundConfig, type CurationConfig } from "./config";
import { distributions } from "./distributions";
import { exampleRows } from "./example-rows";
import { inspectRows } from "./inspect-rows";
import { keptRows } from "./kept-rows";
import { mixCounts } from "./mix";
import { openOutput, type OutputFolder } from "./output-folder";
import type { CurationReport, FileReport, RuleReport, SourceReport } from "./report";
import { reportPage } from "./report-page";
import { addRollouts } from "./rollouts";
import { RowTable } from "./row-table";
import { splitRows } from "./split";
import { addTextColumn } from "./text-columns";

/** Where a run is. */
export interface CurationProgress {
  readonly phase: "read" | "rules" | "pictures" | "write";
  /** The source or file, or the rules that run now. */
  readonly what: string;
  /** Rows so far in this phase, and how many there will be where that is known. */
  readonly rows: number;
  readonly of?: number;
}

/** How a run is watched and stopped. */
export interface CurateOptions {
  onProgress?(progress: CurationProgress): void;
  /** Stops the run; nothing is left of it then. */
  readonly signal?: AbortSignal;
  /** Adapters that sources are looked up in; by default those that ship. `[mine, ...adapters]` adds one's own. */
  readonly adapters?: readonly SourceAdapter[];
  /** Throw at the first record that cannot be used, instead of counting and listing it. */
  readonly strict?: boolean;
}

/**
 * Curates a corpus.
 *
 * ```ts
 * const report = await curate({ sources: [{ source: "clevr", path: "CLEVR_v1.0" }], output: "corpus" });
 * console.log(formatFunnel(report));
 * ```
 * @returns the report, which is also `report.json` in the output folder, beside `report.html` and `ledger.parquet` (every row and its fate)
 * @throws DatasetError for a configuration, folder or file that cannot be used, or an output folder that holds anything;
 *   the signal's reason when it is aborted; `row-count` if a row that was read is missing at the end. No output folder exists then.
 */
export async function curate(config: CurationConfig, options: CurateOptions = {}): Promise<CurationReport> {
  const started = performance.now();
  const bound = bindConfig(config, options.adapters);
  options.signal?.throwIfAborted();
  const output = await openOutput(config.output);
  try {
    const database = await openDatabase({
      memoryLimit: config.memoryLimit,
      threads: config.threads,
      tempDirectory: join(output.work, "spill"),
    });
    const interrupt = (): void => database.connection.interrupt();
    options.signal?.addEventListener("abort", interrupt);
    try {
      const report = await new CurationRun(bound, options, output, database).run(started);
      options.signal?.throwIfAborted();
      checkCounts(report);
      await writeFile(join(output.partial, "report.json"), `${JSON.stringify(report, null, 2)}\n`);
      await output.commit();
      return report;
    } finally {
      options.signal?.removeEventListener("abort", interrupt);
      database.close();
    }
  } catch (error) {
    await output.discard();
    // DuckDB reports an interrupted query in its own words.
    options.signal?.throwIfAborted();
    throw diskFailure(error, config.output) ?? error;
  }
}

/** The typed error for a disk that is full or may not be written, or null for anything else. */
function diskFailure(error: unknown, output: string): DatasetError | null {
  if (!(error instanceof Error)) return null;
  const cause = error instanceof DatasetError ? error.cause : error;
  if (!isDiskFull(cause)) {
    if (error instanceof DatasetError) return null;
    const code = "code" in error ? String(error.code) : "";
    if (!/^(EDQUOT|EROFS|EACCES|EPERM|EIO)$/.test(code) && !/IO Error: .*(write|open)/i.test(error.message))
      return null;
  }
  return new DatasetError({
    code: "write-failed",
    file: output,
    expected: "a folder that can be written, with room for the corpus",
    found: duckdbMessage(cause),
    fix: "free space or choose another folder; nothing was left of this run",
    cause: error,
  });
}

/** A rule without its SQL, which its name and parameters give again. */
function ruleReport({ name, reason, scope, tasks, sources, needs, parameters }: FilterRule): RuleReport {
  return {
    name,
    reason,
    scope,
    ...(tasks === undefined ? {} : { tasks }),
    ...(sources === undefined ? {} : { sources }),
    ...(needs === undefined ? {} : { needs }),
    parameters,
  };
}

interface Reading {
  read: number;
  unreadable: number;
  readonly examples: string[];
}

const EXAMPLES = 20;
/** Rows of each source and rule on the report page. */
const PAGE_EXAMPLES = 4;
const MIX = { name: "mix", reason: "not drawn into the mix" };

class CurationRun {
  readonly #bound: BoundConfig;
  readonly #options: CurateOptions;
  readonly #output: OutputFolder;
  readonly #database: Database;
  readonly #connection: DuckDBConnection;
  readonly #spool: PictureSpool;
  readonly #workers: TextWorkers;
  readonly #readings: Reading[] = [];

  constructor(bound: BoundConfig, options: CurateOptions, output: OutputFolder, database: Database) {
    this.#bound = bound;
    this.#options = options;
    this.#output = output;
    this.#database = database;
    this.#connection = database.connection;
    this.#workers = new TextWorkers(bound.config.threads);
    this.#spool = new PictureSpool(join(output.work, "pictures.bin"));
  }

  /** The rules of the configuration, and the mix after them. */
  get #rules(): readonly { readonly name: string; readonly reason: string }[] {
    return this.#bound.config.mix === undefined ? this.#bound.rules : [...this.#bound.rules, MIX];
  }

  async run(started: number): Promise<CurationReport> {
    try {
      await this.#read();
      await applyRules(this.#connection, this.#bound.rules, {
        seed: this.#bound.seed,
        allReasons: this.#bound.config.allReasons === true,
        provide: (need, relation) => this.#provide(need, relation),
        onRules: (names) => this.#progress("rules", names.join(", "), 0),
        signal: this.#options.signal,
      });
      await this.#mix();
      await this.#split();
      const files = await this.#write();
      await this.#writeLedger();
      const report = await this.#report(files, started);
      await this.#writePage(report);
      return report;
    } finally {
      this.#spool.close();
      await this.#workers.close();
    }
  }

  #progress(phase: CurationProgress["phase"], what: string, rows: number, of?: number): void {
    this.#options.onProgress?.({ phase, what, rows, ...(of === undefined ? {} : { of }) });
  }

  async #read(): Promise<void> {
    const table = await RowTable.create(this.#database.writer);
    for (const [part, { config, adapter, paths }] of this.#bound.sources.entries()) {
      const reading: Reading = { read: 0, unreadable: 0, examples: [] };
      this.#readings.push(reading);
      const limit = config.limit ?? Number.POSITIVE_INFINITY;
      for (const folder of paths) {
        if (reading.read >= limit) break;
        const rows = adapter.read({
          folder: folder.replace(/\/+$/, ""),
          connection: this.#connection,
          settings: config.settings ?? {},
          signal: this.#options.signal,
          spool: (bytes, name) => this.#spool.add(bytes, name),
          bad: (error) => this.#bad(error, reading),
        });
        for await (const row of rows) {
          this.#options.signal?.throwIfAborted();
          // Owners number their rows anew in each folder.
          table.add(paths.length > 1 ? { ...row, id: `${basename(folder)}/${row.id}` } : row, adapter.info, part);
          reading.read++;
          if (reading.read % 1000 === 0) this.#progress("read", adapter.info.key, reading.read);
          if (reading.read >= limit) break;
        }
      }
      this.#progress("read", adapter.info.key, reading.read);
    }
    table.close();
  }

  #bad(error: DatasetError, reading: Reading): void {
    if (this.#options.strict === true) throw error;
    reading.read++;
    reading.unreadable++;
    if (reading.examples.length < EXAMPLES) reading.examples.push(error.message);
  }

  async #provide(need: RuleNeed, relation: string): Promise<void> {
    if (need === "picture" || need === "hash") {
      const [rows] = await queryRows(this.#connection, `SELECT count(*) AS n FROM ${relation}`);
      await inspectRows(this.#database, relation, {
        hash: this.#bound.rules.some((rule) => rule.needs?.includes("hash")),
        spool: this.#spool,
        onProgress: (done) => this.#progress("pictures", "decode", done, Number(rows?.n)),
        signal: this.#options.signal,
      });
    } else if (isTextNeed(need)) {
      await addTextColumn(this.#database, relation, need, this.#workers, this.#options.signal);
    } else if (need === "rollouts") {
      const files = this.#bound.config.rollouts ?? [];
      const names = new Map(this.#bound.sources.map(({ adapter }) => [adapter.info.key, adapter.info.dataSource]));
      await addRollouts(
        this.#database,
        relation,
        typeof files === "string" ? [files] : files,
        names,
        this.#workers,
        this.#options.signal,
      );
    }
  }

  /** Rows that the mix does not draw are dropped like any other, by a rule of this name. */
  async #mix(): Promise<void> {
    const { mix } = this.#bound.config;
    if (mix === undefined) return;
    const counts = await queryRows(
      this.#connection,
      `SELECT part, count(*) AS n FROM ${ALIVE} GROUP BY part ORDER BY part`,
    );
    const offers = counts.map(({ part, n }) => {
      const info = this.#bound.sources[Number(part)]?.adapter.info as SourceInfo;
      return { part: Number(part), source: info.key, task: info.task, rows: Number(n) };
    });
    const draws = mixCounts(offers, mix);
    const values = offers.map(({ part }, i) => `(${part}, ${draws[i] ?? 0})`);
    if (values.length === 0) return;
    await this.#connection.run(`INSERT INTO dropped SELECT row, ${this.#rules.length - 1} FROM (
      SELECT row, part, row_number() OVER (PARTITION BY part ORDER BY ${drawOrder(this.#bound.seed, "source", "id")}) AS place FROM ${ALIVE})
      JOIN (VALUES ${values.join(", ")}) quota(part, most) USING (part) WHERE place > most`);
  }

  async #split(): Promise<void> {
    const { split } = this.#bound.config;
    if (split !== undefined) await splitRows(this.#database, ALIVE, split, this.#bound.seed, this.#options.signal);
    else await this.#connection.run("CREATE TABLE split(row BIGINT, test BOOLEAN)");
  }

  /** One file for each task and file name: sources that merge (PuzzleVQA and AlgoPuzzleVQA) share one. */
  async #write(): Promise<FileReport[]> {
    const groups = new Map<string, { parts: number[]; info: SourceInfo; copies: number }>();
    for (const [part, { adapter, config }] of this.#bound.sources.entries()) {
      const copies = config.copies ?? 1;
      const key = `${adapter.info.task}/${adapter.info.fileSource}/${copies}`;
      const group = groups.get(key) ?? { parts: [], info: adapter.info, copies };
      group.parts.push(part);
      groups.set(key, group);
    }
    const files: FileReport[] = [];
    for (const group of groups.values()) {
      for (const split of ["train", "test"] as const) {
        const file = await this.#writeGroup(split, group.parts, group.info, split === "train" ? group.copies : 1);
        if (file !== null) files.push(file);
      }
    }
    return files;
  }

  async #writeGroup(
    split: "train" | "test",
    parts: readonly number[],
    info: SourceInfo,
    copies: number,
  ): Promise<FileReport | null> {
    const rows = await keptRows(this.#connection, split, parts, this.#options.signal);
    if (rows.length === 0) return null;
    const name = parquetFileName({ split, task: info.task, source: info.fileSource, count: rows.length, copies });
    const { sources, seed } = this.#bound;
    const progress = (done: number): void => this.#progress("write", name, done, rows.length * copies);
    function* samples(): Generator<Sample> {
      let done = 0;
      for (let copy = 0; copy < copies; copy++) {
        for (const row of rows) {
          yield buildSample(row, sources[row.part]?.adapter.info ?? info, seed);
          if (++done % 64 === 0) progress(done);
        }
      }
    }
    const { signal } = this.#options;
    const written = await writeSamples(join(this.#output.partial, name), samples(), {
      memoryLimit: this.#bound.config.memoryLimit,
      threads: this.#bound.config.threads,
      ...(signal === undefined ? {} : { signal }),
    });
    progress(rows.length * copies);
    const keys = [...new Set(parts.map((part) => sources[part]?.adapter.info.key ?? ""))];
    return {
      name,
      task: info.task,
      sources: keys,
      samples: written.rows / copies,
      copies,
      bytes: written.bytes,
      contentHash: written.contentHash,
    };
  }

  /** Every row with its fate, for `explainRow` and for people. */
  async #writeLedger(): Promise<void> {
    const names = this.#rules.map((rule) => literal(rule.name));
    const reasons = this.#rules.map((rule) => literal(rule.reason));
    const all = this.#bound.config.allReasons === true;
    await this.#connection.run(`COPY (
      SELECT rows.* EXCLUDE (row, part, pictures), dropped.rule IS NULL AS kept,
        ([${names.join(", ")}]::VARCHAR[])[dropped.rule + 1] AS dropped_by, ([${reasons.join(", ")}]::VARCHAR[])[dropped.rule + 1] AS reason
        , CASE WHEN dropped.rule IS NULL THEN CASE WHEN test THEN 'test' ELSE 'train' END END AS split
        ${all ? `, list_transform(reasons.rules, lambda i: ([${names.join(", ")}]::VARCHAR[])[i + 1]) AS all_rules` : ""}
      FROM rows LEFT JOIN dropped USING (row) LEFT JOIN split USING (row) ${all ? "LEFT JOIN reasons USING (row)" : ""} ORDER BY rows.row
    ) TO ${literal(join(this.#output.partial, "ledger.parquet"))} (FORMAT parquet)`);
  }

  async #writePage(report: CurationReport): Promise<void> {
    const names = this.#rules.map((rule) => rule.name);
    const [shapes, examples] = [
      await distributions(this.#connection),
      await exampleRows(this.#connection, names, this.#bound.seed, PAGE_EXAMPLES, this.#options.signal),
    ];
    await writeFile(join(this.#output.partial, "report.html"), reportPage(report, shapes, examples));
  }

  async #report(files: readonly FileReport[], started: number): Promise<CurationReport> {
    const { sources, seed, config } = this.#bound;
    const rules = this.#rules;
    const counts = await queryRows(
      this.#connection,
      "SELECT part, rule, count(*) AS n FROM rows LEFT JOIN dropped USING (row) GROUP BY part, rule ORDER BY part, rule NULLS LAST",
    );
    const changes = await this.#changedPictures();
    const reports: SourceReport[] = sources.map(({ adapter, paths }, part) => {
      const mine = counts.filter((row) => row.part === part);
      const reading = this.#readings[part] as Reading;
      return {
        source: adapter.info.key,
        task: adapter.info.task,
        paths,
        read: reading.read,
        unreadable: reading.unreadable,
        unreadableExamples: reading.examples,
        dropped: mine
          .filter((row) => row.rule !== null)
          .map((row) => ({
            rule: rules[Number(row.rule)]?.name ?? "",
            reason: rules[Number(row.rule)]?.reason ?? "",
            rows: Number(row.n),
          })),
        kept: Number(mine.find((row) => row.rule === null)?.n ?? 0),
        changedPictures: changes[part] ?? {},
      };
    });
    const sum = (of: (report: SourceReport) => number): number =>
      reports.reduce((total, report) => total + of(report), 0);
    const hash = createHash("sha256");
    for (const file of files) hash.update(`${file.name} ${file.contentHash}\n`);
    return {
      version: 1,
      output: config.output,
      seed,
      rules: this.#bound.rules.map(ruleReport),
      sources: reports,
      files,
      totals: {
        read: sum((r) => r.read),
        unreadable: sum((r) => r.unreadable),
        dropped: sum((r) => r.dropped.reduce((total, { rows }) => total + rows, 0)),
        kept: sum((r) => r.kept),
      },
      contentHash: hash.digest("hex"),
      ...(config.allReasons === true ? { allReasons: await this.#allReasons() } : {}),
      seconds: Math.round(performance.now() - started) / 1000,
    };
  }

  async #changedPictures(): Promise<Record<number, Record<string, number>>> {
    const columns = await queryRows(
      this.#connection,
      "SELECT column_name FROM (DESCRIBE rows) WHERE column_name = 'picture_changes'",
    );
    if (columns.length === 0) return {};
    const counts = await queryRows(
      this.#connection,
      `SELECT part, picture_changes AS change, count(*) AS n FROM ${ALIVE} WHERE picture_changes IS NOT NULL GROUP BY ALL ORDER BY ALL`,
    );
    const byPart: Record<number, Record<string, number>> = {};
    for (const { part, change, n } of counts) (byPart[Number(part)] ??= {})[String(change)] = Number(n);
    return byPart;
  }

  async #allReasons(): Promise<Record<string, Record<string, number>>> {
    const counts = await queryRows(
      this.#connection,
      "SELECT source, rule, count(*) AS n FROM (SELECT row, unnest(rules) AS rule FROM reasons) JOIN rows USING (row) GROUP BY ALL ORDER BY ALL",
    );
    const bySource: Record<string, Record<string, number>> = {};
    for (const { source, rule, n } of counts) {
      (bySource[String(source)] ??= {})[this.#rules[Number(rule)]?.name ?? ""] = Number(n);
    }
    return bySource;
  }
}

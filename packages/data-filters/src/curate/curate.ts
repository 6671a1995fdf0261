/**
 * Curation: owners' files → rows → rules → samples → Parquet, in one call (arXiv 2505.18129, section 4.1). Rows wait in
 * DuckDB without their pictures; pictures are read when their rule or their sample needs them. Nothing depends on time,
 * threads or the order of a directory: the same files, configuration and seed give the same content hash.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatasetError } from "@v-triune/schema";
import { writeHits } from "../contamination/contamination-hits";
import { duckdbMessage } from "../duckdb/database";
import { isDiskFull, isOutOfSpace, readFailure } from "../duckdb/read-failure";
import { withEarlierSources } from "./append";
import { checkCounts } from "./check-counts";
import { bindConfig, type CurationConfig } from "./config";
import { withCurationRun, type CurateOptions, type CurationRun } from "./curation-run";
import { distributions } from "./distributions";
import { drawMix } from "./draw-mix";
import { exampleRows } from "./example-rows";
import { makeReport } from "./make-report";
import { openOutput } from "./output-folder";
import { readSources } from "./read-sources";
import { CONTAMINATION_FILE, type CurationReport } from "./report";
import { contaminationPairs } from "./contamination-pairs";
import { pageParts } from "../report-page/page-parts";
import { reviewData, SHOWN_SUSPECTS } from "./review-data";
import { LISTED_ROWS, rowList } from "./row-blocks";
import { reportPage } from "./report-page";
import { ROWS } from "../tables/curation-tables";
import { runRules } from "./run-rules";
import { splitAlive } from "./split-rows";
import { writeSuspiciousGolds } from "./suspicious-golds";
import { writeCorpus } from "./write-corpus";
import { writeLedger } from "./write-ledger";

/**
 * Curates a corpus.
 *
 * ```ts
 * const report = await curate({ sources: [{ source: "clevr", path: "CLEVR_v1.0" }], output: "corpus" });
 * console.log(formatFunnel(report));
 * ```
 * @returns the report, which is also `report.json` in the output folder, beside `report.html` and `ledger.parquet`
 *   (every row and its fate)
 * @throws DatasetError for a configuration, folder or file that cannot be used, or an output folder that is not empty;
 *   `row-count` if a row that was read is missing at the end; the signal's reason when it is aborted. No output folder
 *   exists then, or the one of the earlier run as it was.
 */
export async function curate(config: CurationConfig, options: CurateOptions = {}): Promise<CurationReport> {
  const started = performance.now();
  const whole = options.append === true ? withEarlierSources(config) : config;
  const bound = bindConfig(whole, options.adapters);
  options.signal?.throwIfAborted();
  const output = await openOutput(config.output, options.overwrite === true || options.append === true);
  try {
    const report = await withCurationRun(bound, options, output, (run) => runSteps(run, started));
    options.signal?.throwIfAborted();
    await output.commit();
    return report;
  } catch (error) {
    await output.discard();
    // DuckDB reports an interrupted query in its own words.
    options.signal?.throwIfAborted();
    throw diskFailure(error, config.output) ?? (isOutOfSpace(error) ? readFailure(error) : error);
  }
}

/** The steps of a run, in their order. */
async function runSteps(run: CurationRun, started: number): Promise<CurationReport> {
  const readings = await readSources(run);
  await runRules(run);
  await drawMix(run);
  await splitAlive(run);
  return run.memory.withWriter(() => writeResult(run, readings, started));
}

async function writeResult(
  run: CurationRun,
  readings: Awaited<ReturnType<typeof readSources>>,
  started: number,
): Promise<CurationReport> {
  const files = await writeCorpus(run);
  await writeLedger(run);
  if (run.found.references !== undefined)
    await writeHits(run.database.connection, ROWS, join(run.output.partial, CONTAMINATION_FILE));
  if (run.found.golds !== undefined) await writeSuspiciousGolds(run);
  const report = await makeReport(run, { readings, files, started });
  checkCounts(report);
  await writePages(run, report);
  return report;
}

/** Rows per source and rule on the report page. */
const PAGE_EXAMPLES = 4;

/** Writes `report.json` for programs and `report.html` for people. */
async function writePages(run: CurationRun, report: CurationReport): Promise<void> {
  const { bound, options, output, database, rules } = run;
  const { connection } = database;
  const { rows = LISTED_ROWS, suspects = SHOWN_SUSPECTS } = bound.config.report ?? {};
  const ruleNames = rules.map(({ name }) => name);
  const page = reportPage(report, {
    shapes: await distributions(connection),
    examples: await exampleRows(connection, ruleNames, bound.seed, PAGE_EXAMPLES, options.signal),
    pairs: await contaminationPairs(run),
    review: run.found.golds === undefined ? null : await reviewData(run, suspects, report.contentHash.slice(0, 16)),
    rows: await rowList(run, rows),
    parts: await pageParts(),
  });
  await writeFile(join(output.partial, "report.html"), page);
  await writeFile(join(output.partial, "report.json"), `${JSON.stringify(report, null, 2)}\n`);
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

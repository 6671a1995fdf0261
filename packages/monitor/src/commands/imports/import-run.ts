/** `v-triune-monitor import`: a run folder from the metrics and completions that another trainer wrote. */
import { existsSync } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { writeFolderAtomic } from "@v-triune/node-kit/atomic-write";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DashboardError } from "../../dashboard/dashboard-error";
import type { MetricRecord } from "../../metric-record";
import { formatRecordLine, parseRecordLine } from "../../record-line";
import { foreignRecords, loggedStep, numberOf, type Dialect } from "./foreign-metrics";
import { completionFiles, holdsCompletions, importCompletions } from "./import-completions";
import { loggedObjects } from "./logged-objects";

export interface ImportResult {
  readonly folder: string;
  readonly dialect: Dialect;
  readonly records: number;
  readonly steps: number;
  readonly skippedLines: number;
  /** Completions that became rollouts: the number of steps that have some. */
  readonly rolloutSteps: number;
  /** What a person must know of the run, in sentences. */
  readonly notes: readonly string[];
}

export interface ImportOptions {
  /** Default runs/<name of the first file>. */
  readonly folder?: string | undefined;
  /** Of a CSV file of several runs, the one to read. */
  readonly run?: string | undefined;
}

/** What was read of a file of metrics. */
interface ReadMetrics {
  readonly records: readonly MetricRecord[];
  readonly dialects: ReadonlyMap<Dialect, number>;
  readonly skippedLines: number;
  readonly steps: number | null;
  readonly createdAt: string | null;
  /** Steps at which the run began again. */
  readonly wentBackTo: readonly number[];
}

/**
 * Writes `metrics.jsonl`, `run.json` and, from completions, `rollouts/` to a new folder. It appears when it is
 * complete.
 *
 * @param paths a file of metrics, completions, or both
 * @throws DashboardError when a file is missing or of no known form, or the folder exists
 */
export async function importRun(paths: readonly string[], options: ImportOptions = {}): Promise<ImportResult> {
  const { metricFiles, completions } = await sorted(paths);
  const first = paths[0]!;
  const folder = options.folder ?? join("runs", basename(first, extname(first)));
  if (existsSync(folder))
    throw new DashboardError({
      what: "The folder exists already.",
      where: folder,
      expected: "a new folder, which import makes",
      fix: "choose another one with -o, or remove this one",
    });
  const read = metricFiles[0] === undefined ? undefined : await readMetrics(metricFiles[0], options.run);
  const dialect = read === undefined ? "TRL" : mainDialect(read.dialects);
  const notes = notesOf(read);
  const description = {
    format: "imported",
    name: basename(folder),
    importedFrom: paths,
    dialect,
    createdAt: read?.createdAt ?? null,
    notes,
    config: read?.steps == null ? {} : { run: { steps: read.steps } },
  };
  await makeParent(folder);
  let rewards: readonly MetricRecord[] = [];
  let records: readonly MetricRecord[] = [];
  await writeFolderAtomic(folder, async (temporary) => {
    rewards = completions.length === 0 ? [] : await importCompletions(completions, temporary);
    records = read?.records ?? rewards;
    const lines = records.map((record) => `${formatRecordLine(record)}\n`);
    await writeFile(join(temporary, "metrics.jsonl"), lines.join(""));
    await writeFile(join(temporary, "run.json"), `${JSON.stringify(description, null, 2)}\n`);
  });
  return {
    folder,
    dialect,
    records: records.length,
    steps: new Set(records.map(({ step }) => step)).size,
    skippedLines: read?.skippedLines ?? 0,
    rolloutSteps: new Set(rewards.map(({ step }) => step)).size,
    notes,
  };
}

async function makeParent(folder: string): Promise<void> {
  try {
    await mkdir(dirname(folder), { recursive: true });
  } catch (cause) {
    throw new DashboardError({
      what: "The folder cannot be made.",
      where: folder,
      found: (cause as Error).message,
      fix: "choose another folder with -o",
      cause,
    });
  }
}

/** Which of the paths hold metrics and which completions. */
async function sorted(
  paths: readonly string[],
): Promise<{ readonly metricFiles: readonly string[]; readonly completions: readonly string[] }> {
  const metricFiles: string[] = [];
  const completions: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined)
      throw new DashboardError({
        what: "The file to import is missing.",
        where: path,
        fix: "check the path",
      });
    if (found.isDirectory()) {
      const files = await completionFiles(path);
      if (files.length === 0)
        throw new DashboardError({
          what: "The folder holds no completions.",
          where: path,
          expected: "completions_*.parquet, as TRL's log_completions writes them, or a file of metrics",
          fix: "pass the file itself: trainer_state.json, logging.jsonl, an export of W&B, ..",
        });
      completions.push(...files);
    } else if (extname(path).toLowerCase() === ".parquet" && (await holdsCompletions(path))) completions.push(path);
    else metricFiles.push(path);
  }
  if (metricFiles.length > 1)
    throw new DashboardError({
      what: "import takes one file of metrics.",
      found: metricFiles.join(", "),
      fix: "import them one by one, each to its own folder",
    });
  return { metricFiles, completions };
}

async function readMetrics(path: string, run: string | undefined): Promise<ReadMetrics> {
  const dialects = new Map<Dialect, number>();
  let kept: MetricRecord[] = [];
  let skippedLines = 0;
  let steps: number | null = null;
  let createdAt: string | null = null;
  let last = -1;
  const wentBackTo: number[] = [];
  for await (const { value, steps: planned } of loggedObjects(path, run)) {
    const own = ownRecord(value);
    const found = own === null ? foreignRecords(value) : { dialect: "v-triune" as const, records: [own] };
    if (found === null || found.records.length === 0) {
      skippedLines += 1;
      continue;
    }
    dialects.set(found.dialect, (dialects.get(found.dialect) ?? 0) + 1);
    steps = planned ?? (isRecord(value) ? loggedStep(value)?.steps : undefined) ?? steps;
    createdAt ??= startOf(value);
    const step = found.records[0]!.step;
    if (found.records.some(({ split }) => split === "train")) {
      if (step < last) {
        wentBackTo.push(step);
        kept = kept.filter((record) => record.step < step);
      }
      last = step;
    }
    kept.push(...found.records);
  }
  if (dialects.size === 0)
    throw new DashboardError({
      what: "The file has no metrics of a known form.",
      where: path,
      expected:
        "the file logger of verl, a trainer_state.json of TRL, ms-swift's logging.jsonl, or an export of W&B's history " +
        "(JSON Lines, CSV or Parquet): objects with a step and numbers",
      found: `${skippedLines} lines of another form`,
      fix: "pass one of these files",
    });
  return { records: kept.sort((a, b) => a.step - b.step), dialects, skippedLines, steps, createdAt, wentBackTo };
}

function ownRecord(value: unknown): MetricRecord | null {
  return isRecord(value) && "split" in value ? parseRecordLine(JSON.stringify(value)) : null;
}

/** When W&B saw the first line. */
function startOf(value: unknown): string | null {
  const seconds = isRecord(value) ? numberOf(value._timestamp) : undefined;
  const date = new Date((seconds ?? Number.NaN) * 1_000);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

const mainDialect = (dialects: ReadonlyMap<Dialect, number>): Dialect =>
  [...dialects].sort((a, b) => b[1] - a[1])[0]![0];

function notesOf(read: ReadMetrics | undefined): string[] {
  if (read === undefined) return [];
  const { wentBackTo, skippedLines } = read;
  return [
    ...(wentBackTo.length === 0
      ? []
      : [
          `The run went back to step ${wentBackTo.join(", then to step ")}: of steps that were taken twice, the later ` +
            "attempt is shown.",
        ]),
    ...(skippedLines === 0 ? [] : [`${skippedLines} lines of the file were not understood and are left out.`]),
  ];
}

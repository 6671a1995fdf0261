/** `v-triune-monitor import`: a run folder from the metrics that another trainer wrote. */
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { createInterface } from "node:readline";
import { DashboardError } from "../dashboard/dashboard-error";
import type { MetricRecord } from "../metric-record";
import { formatRecordLine, parseRecordLine } from "../metrics-file";
import { foreignRecords, type Dialect } from "./foreign-metrics";

export interface ImportResult {
  readonly folder: string;
  readonly dialect: Dialect;
  readonly records: number;
  readonly steps: number;
  readonly skippedLines: number;
}

/** A trainer_state.json is one JSON document; more is a file of lines. */
const LARGEST_DOCUMENT = 256 << 20;

/** The logged objects of a file; undefined for a line that is no JSON. */
async function* loggedObjects(path: string): AsyncGenerator<unknown> {
  if (extname(path) === ".json" && (await stat(path)).size <= LARGEST_DOCUMENT) {
    let document: unknown;
    try {
      document = JSON.parse(await readFile(path, "utf8"));
    } catch {
      document = undefined;
    }
    const history = Array.isArray(document)
      ? document
      : (document as { log_history?: unknown } | undefined)?.log_history;
    if (Array.isArray(history)) {
      yield* history as unknown[];
      return;
    }
  }
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (line.trim() === "") continue;
    let value: unknown;
    try {
      // Python writes bare NaN and Infinity, which JSON does not have.
      value = JSON.parse(line.replace(/([:,[]\s*)(NaN|-?Infinity)(?=\s*[,}\]])/g, '$1"$2"'));
    } catch {
      value = undefined;
    }
    yield value;
  }
}

/**
 * Writes `metrics.jsonl` and `run.json` to a new folder, by default runs/<name of the file>.
 *
 * @throws DashboardError when the folder exists, or the file has no metrics of a known form
 */
export async function importMetrics(
  path: string,
  folder: string = join("runs", basename(path, extname(path))),
): Promise<ImportResult> {
  const counts = new Map<Dialect, number>();
  const steps = new Set<number>();
  let records = 0;
  let skippedLines = 0;
  const lines: string[] = [];
  for await (const value of loggedObjects(path)) {
    const own = isOwn(value);
    const found = own === null ? foreignRecords(value) : { dialect: "v-triune" as const, records: [own] };
    if (found === null || found.records.length === 0) {
      skippedLines += 1;
      continue;
    }
    counts.set(found.dialect, (counts.get(found.dialect) ?? 0) + 1);
    for (const record of found.records) {
      steps.add(record.step);
      records += 1;
      lines.push(formatRecordLine(record));
    }
  }
  const dialect = [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
  if (dialect === undefined) {
    throw new DashboardError({
      what: "The file has no metrics of a known form.",
      where: path,
      expected:
        'lines as verl\'s file logger writes them, {"step": 1, "data": {..}}, or TRL\'s logs, {"step": 1, "reward": ..}',
      found: `${skippedLines} lines of another form`,
      fix: "pass the file that trainer.logger=[file] wrote, or a trainer_state.json",
    });
  }
  try {
    await mkdir(dirname(folder), { recursive: true });
    await mkdir(folder);
  } catch (cause) {
    throw new DashboardError({
      what: "The folder cannot be made.",
      where: folder,
      found: (cause as Error).message,
      fix: "choose a new folder with -o",
      cause,
    });
  }
  const handle = await open(join(folder, "metrics.jsonl"), "wx");
  try {
    for (let from = 0; from < lines.length; from += 1_000)
      await handle.write(`${lines.slice(from, from + 1_000).join("\n")}\n`);
  } finally {
    await handle.close();
  }
  const description = { format: "imported", name: basename(folder), importedFrom: path, dialect, config: {} };
  await writeFile(join(folder, "run.json"), `${JSON.stringify(description, null, 2)}\n`);
  return { folder, dialect, records, steps: steps.size, skippedLines };
}

function isOwn(value: unknown): MetricRecord | null {
  return typeof value === "object" && value !== null && "split" in value
    ? parseRecordLine(JSON.stringify(value))
    : null;
}

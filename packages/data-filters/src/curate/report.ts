/** The report of a curation: rows read, dropped by each rule and kept, for every source. */
import type { Task } from "@v-triune/schema";
import type { ContaminationReport } from "../contamination/contamination-hits";
import type { SourceBehavior } from "../golds/suspicion-model";
import type { FilterRule } from "../rules/filter-rule";
import type { SourceConfig } from "./config";
import type { PassSpectrum } from "./pass-spectrum";

/** Every row and its fate, in the output folder. */
export const LEDGER_FILE = "ledger.parquet";

/** Every hit of `decontaminate`, in the output folder. */
export const CONTAMINATION_FILE = "contamination.parquet";

/** Golds that look wrong, in the output folder. */
export const SUSPICIOUS_GOLDS_FILE = "suspicious-golds.parquet";

/** Rows that one rule dropped. */
export interface DroppedByRule {
  readonly rule: string;
  readonly reason: string;
  readonly rows: number;
}

/** One source of a run. */
export interface SourceReport {
  readonly source: string;
  readonly task: Task;
  readonly paths: readonly string[];
  /** The source as the configuration states it. Reports of earlier versions do not have it. */
  readonly config?: SourceConfig;
  /** Records in the owner's files. */
  readonly read: number;
  /** Records that could not be used, and the messages of the first. */
  readonly unreadable: number;
  readonly unreadableExamples: readonly string[];
  /** In the order of the rules, without rules that dropped nothing. */
  readonly dropped: readonly DroppedByRule[];
  readonly kept: number;
  /** Kept rows by the rules that tag, in the order of the rules; absent if no rule does. */
  readonly tagged?: readonly DroppedByRule[];
  /** Kept pictures that were encoded again, by what was changed. */
  readonly changedPictures: Readonly<Record<string, number>>;
  /** With `rollouts`: how the model answers. */
  readonly seen?: PassRates;
  /** With `blindRollouts`: how it answers without the pictures. */
  readonly blind?: PassRates;
}

/** How a model answers a source's rows that its rollouts cover. */
export interface PassRates {
  readonly rows: number;
  /** Mean number of judged answers per row. */
  readonly answers: number;
  /** Mean accuracy. */
  readonly passAt1: number;
  /** Share of rows of which at least one answer earns something. */
  readonly passAtAll: number;
  /** Share of rows of which every answer is right. */
  readonly always: number;
  /** Rows by their number of right answers, and pass@k. Reports of earlier versions do not have it. */
  readonly spectrum?: PassSpectrum | undefined;
}

/** One written file. */
export interface FileReport {
  /** Name in the output folder. */
  readonly name: string;
  readonly task: Task;
  readonly sources: readonly string[];
  /** Distinct samples. */
  readonly samples: number;
  /** Number of times that each is in the file. */
  readonly copies: number;
  readonly bytes: number;
  readonly contentHash: string;
}

/** One rule of a run, with everything that it takes to run it again. */
export type RuleReport = Pick<FilterRule, "name" | "reason" | "scope" | "tasks" | "sources" | "needs" | "parameters">;

/** The report of a run, as `report.json` holds it. */
export interface CurationReport {
  readonly version: 1;
  readonly output: string;
  readonly seed: number;
  /** The rules, in the order in which they ran. */
  readonly rules: readonly RuleReport[];
  readonly sources: readonly SourceReport[];
  readonly files: readonly FileReport[];
  readonly totals: {
    readonly read: number;
    readonly unreadable: number;
    readonly dropped: number;
    readonly kept: number;
  };
  /** SHA-256 over the files' names and content hashes: equal for equal corpora. */
  readonly contentHash: string;
  /** With all reasons: rows that each rule hits, whether or not they are charged to it, by source. */
  readonly allReasons?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What is probably not as it was meant: most pictures of a source are missing, and the like. */
  readonly warnings?: readonly string[];
  /** What `decontaminate` found; `contamination.parquet` has both sides of each hit. */
  readonly contamination?: ContaminationReport;
  /** With `rollouts`: the golds that look wrong. `suspicious-golds.parquet` has the rows. */
  readonly suspiciousGolds?: SuspiciousGoldsReport;
  /** With `decisions`: what became of them. */
  readonly goldDecisions?: GoldDecisionsReport;
  readonly seconds: number;
}

/** The golds that look wrong by the answers of a model. */
export interface SuspiciousGoldsReport {
  /** Rows whose golds were looked at, and those that are wrong with a chance of 0.5 or more. */
  readonly rows: number;
  readonly suspected: number;
  readonly sources: readonly (SourceBehavior & {
    readonly source: string;
    readonly rows: number;
    readonly suspected: number;
  })[];
}

/** What became of a person's decisions. */
export interface GoldDecisionsReport {
  readonly file: string;
  /** Rows. */
  readonly accepted: number;
  readonly rejected: number;
  readonly replaced: number;
  /** Decisions that were not applied: the gold or the question has changed, or the run has no such row. */
  readonly stale: number;
  readonly unknown: number;
}

/**
 * The funnel as a table of at most 80 columns: for each source the rows read and kept, and the rules that dropped the
 * others.
 *
 * ```ts
 * console.log(formatFunnel(await curate(config)));
 * ```
 */
export function formatFunnel(report: CurationReport): string {
  const lines = [
    `${"source".padEnd(16)} ${"task".padEnd(10)} ${"read".padStart(8)} ${"kept".padStart(8)}      dropped`,
  ];
  for (const source of report.sources) {
    const share = source.read === 0 ? "" : `${Math.round((100 * source.kept) / source.read)} %`;
    const name = `${cut(source.source, 16).padEnd(16)} ${source.task.padEnd(10)}`;
    const head = `${name} ${count(source.read)} ${count(source.kept)} ${share.padStart(5)}`;
    const losses: [string, number][] = source.dropped.map(({ rule, rows }) => [rule, rows]);
    if (source.unreadable > 0) losses.unshift(["unreadable", source.unreadable]);
    losses.sort((a, b) => b[1] - a[1]);
    const [first, ...more] = losses.map(([rule, rows]) => `${cut(rule, 17)} ${rows.toLocaleString("en-US")}`);
    lines.push(`${head} ${first ?? ""}`.trimEnd());
    for (const loss of more) lines.push(`${" ".repeat(head.length)} ${loss}`);
  }
  const { read, kept } = report.totals;
  lines.push(`${"all".padEnd(16)} ${"".padEnd(10)} ${count(read)} ${count(kept)}`);
  lines.push("");
  for (const file of report.files) {
    const copies = file.copies > 1 ? ` × ${file.copies}` : "";
    lines.push(`  ${cut(file.name, 50)}  ${file.samples.toLocaleString("en-US")}${copies}, ${megabytes(file.bytes)}`);
  }
  const { suspiciousGolds: golds, goldDecisions: decided } = report;
  if (decided !== undefined) {
    const { accepted, rejected, replaced } = decided;
    lines.push(`  golds decided on: ${accepted} accepted, ${rejected} rejected, ${replaced} replaced`);
  }
  if (golds !== undefined && golds.rows > 0) {
    const rows = `${golds.suspected.toLocaleString("en-US")} of ${golds.rows.toLocaleString("en-US")}`;
    lines.push(`  golds that look wrong: ${rows} rows; review them in report.html`);
  }
  lines.push(`  content ${report.contentHash.slice(0, 16)}  ${report.seconds.toFixed(1)} s`);
  return lines.join("\n");
}

function count(rows: number): string {
  return rows.toLocaleString("en-US").padStart(8);
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

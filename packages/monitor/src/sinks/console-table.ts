/**
 * A step as a table of its sources, 80 columns wide: what one looks at while a run runs.
 */
import type { MetricRecord } from "../metric-record";
import type { MetricSink } from "./metric-sink";

interface Column {
  readonly title: string;
  readonly width: number;
  readonly cell: (record: MetricRecord, before: MetricRecord | undefined) => string;
}

const number =
  (metric: string, digits: number) =>
  ({ metrics }: MetricRecord): string =>
    metrics[metric]?.toFixed(digits) ?? "-";

const percent =
  (metric: string) =>
  ({ metrics }: MetricRecord): string => {
    const share = metrics[metric];
    return share === undefined ? "-" : `${Math.round(share * 100)}%`;
  };

function change(record: MetricRecord, before: MetricRecord | undefined): string {
  const now = record.metrics["critic/rewards/mean"];
  const then = before?.metrics["critic/rewards/mean"];
  if (now === undefined || then === undefined) return "";
  const difference = (now - then).toFixed(3);
  // -0.000 is no news.
  if (Number(difference) === 0) return "=";
  return difference.startsWith("-") ? difference : `+${difference}`;
}

const leftOut = ({ metrics }: MetricRecord): string => {
  const count = (metrics["verdict/skipped"] ?? 0) + (metrics["verdict/error"] ?? 0);
  return count === 0 ? "" : String(count);
};

const columns: readonly Column[] = [
  { title: "n", width: 5, cell: number("rollouts/count", 0) },
  { title: "reward", width: 7, cell: number("critic/rewards/mean", 3) },
  { title: "change", width: 7, cell: change },
  { title: "acc", width: 6, cell: number("reward/accuracy/mean", 3) },
  { title: "format", width: 7, cell: number("reward/format/mean", 3) },
  { title: "length", width: 7, cell: number("response_length/mean", 0) },
  { title: "cut", width: 5, cell: percent("response_length/clip_ratio") },
  { title: "same", width: 5, cell: percent("group/zero_signal_ratio") },
  { title: "left out", width: 9, cell: leftOut },
];

/** Columns that a cell takes in a terminal is approximated by its code points; sources have ASCII names. */
const fit = (text: string, width: number): string =>
  text.length <= width ? text.padEnd(width) : `${text.slice(0, width - 1)}…`;

// Source names come from data files: a control character in one must not reach the terminal.
const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, "?");

export interface StepTableOptions {
  /** Width in columns. Default 80. */
  readonly width?: number;
  /** The records of an earlier step; the column "change" is left empty without them. */
  readonly before?: readonly MetricRecord[];
}

/**
 * The training records of a step as lines: a head, the sources by task, a total. "same" is the share of groups whose
 * rollouts all earned the same, which teach nothing; "left out" counts rollouts that were skipped or could not be
 * judged.
 *
 * @returns no lines when the records hold no source
 */
export function formatStepTable(records: readonly MetricRecord[], options: StepTableOptions = {}): string[] {
  const training = records.filter((record) => record.split === "train");
  const sources = training.filter((record) => record.scope === "source");
  if (sources.length === 0) return [];
  const before = new Map(
    (options.before ?? [])
      .filter((record) => record.split === "train")
      .map((record) => [`${record.scope} ${record.name}`, record]),
  );
  const nameWidth = Math.max(8, (options.width ?? 80) - columns.reduce((sum, column) => sum + column.width, 0));
  const line = (name: string, cells: readonly string[]): string =>
    (fit(printable(name), nameWidth) + cells.map((cell, i) => cell.padStart(columns[i]!.width)).join("")).trimEnd();
  const row = (record: MetricRecord, name = record.name): string => {
    const earlier = before.get(`${record.scope} ${record.name}`);
    return line(
      name,
      columns.map((column) => column.cell(record, earlier)),
    );
  };
  const sorted = [...sources].sort(
    (a, b) => (a.task ?? "").localeCompare(b.task ?? "") || a.name.localeCompare(b.name),
  );
  const all = training.find((record) => record.scope === "all");
  return [
    line(
      `step ${sources[0]!.step}`,
      columns.map((column) => column.title),
    ),
    ...sorted.map((record) => row(record)),
    ...(all === undefined ? [] : [row(all, "all sources")]),
  ];
}

/** The step in one line of at most 80 columns: reward, length, and the source that fell most since `before`. */
export function formatStepLine(records: readonly MetricRecord[], options: StepTableOptions = {}): string {
  const all = records.find((record) => record.split === "train" && record.scope === "all");
  if (all === undefined) return "";
  const parts = [
    `step ${all.step}`,
    `reward ${number("critic/rewards/mean", 3)(all)}`,
    `acc ${number("reward/accuracy/mean", 3)(all)}`,
    `length ${number("response_length/mean", 0)(all)}`,
  ];
  const before = new Map(
    (options.before ?? [])
      .filter((record) => record.split === "train" && record.scope === "source")
      .map((record) => [record.name, record]),
  );
  let worst: { name: string; fall: number } | undefined;
  for (const record of records) {
    if (record.split !== "train" || record.scope !== "source") continue;
    const fall =
      (before.get(record.name)?.metrics["critic/rewards/mean"] ?? -Infinity) -
      (record.metrics["critic/rewards/mean"] ?? Infinity);
    if (fall > 0.005 && fall > (worst?.fall ?? 0)) worst = { name: record.name, fall };
  }
  if (worst !== undefined) parts.push(`${printable(worst.name)} -${worst.fall.toFixed(2)}`);
  return fit(parts.join(" | "), options.width ?? 80).trimEnd();
}

export interface ConsoleTableOptions {
  /** Where lines go. Default console.log. */
  readonly print?: (line: string) => void;
  /** Steps from one table to the next. Default 1. */
  readonly every?: number;
  readonly width?: number;
}

/** Prints `formatStepTable` for each step, with the change since the table before. */
export function consoleTableSink(options: ConsoleTableOptions = {}): MetricSink {
  const print = options.print ?? console.log;
  const every = options.every ?? 1;
  let before: readonly MetricRecord[] = [];
  return {
    name: "console",
    async write(records) {
      const bySteps = groupBySteps(records);
      for (const [step, ofStep] of bySteps) {
        if (step % every !== 0) continue;
        const lines = formatStepTable(ofStep, {
          before,
          ...(options.width === undefined ? {} : { width: options.width }),
        });
        if (lines.length === 0) continue;
        for (const text of lines) print(text);
        before = ofStep;
      }
    },
    close: async () => {},
  };
}

/** Map.groupBy comes with Node 21 only. */
function groupBySteps(records: readonly MetricRecord[]): Map<number, MetricRecord[]> {
  const groups = new Map<number, MetricRecord[]>();
  for (const record of records) {
    const group = groups.get(record.step);
    if (group === undefined) groups.set(record.step, [record]);
    else group.push(record);
  }
  return groups;
}

import { type MetricRecord, TOOL_METRICS } from "@v-triune/monitor";
import type { Accuracy, CheckpointTurns, TurnsEvaluation, TurnsScore } from "./evaluate-turns";

const NAME_WIDTH = 26;

const short = (name: string): string => (name.length <= NAME_WIDTH ? name : `${name.slice(0, NAME_WIDTH - 1)}…`);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [head, ...rows].map((cells) =>
    `  ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join("  ")}`.trimEnd(),
  );
}

const number = (value: number | undefined): string => value?.toFixed(3) ?? "";
const interval = ({ low, high }: Pick<Accuracy, "low" | "high">): string => `${low.toFixed(3)} .. ${high.toFixed(3)}`;

/** Accuracy against turns by source, then what the tool brought. Fits 80 columns. */
export function formatTurns({ n, checkpoints, drift, effectFile }: TurnsEvaluation): string {
  const files = [...new Set([...checkpoints.flatMap(({ ways }) => ways.map(({ file }) => file)), effectFile])];
  return [
    ...checkpoints.flatMap((checkpoint) => [...formatCurve(checkpoint, n), "", ...formatEffect(checkpoint)]),
    ...formatDrift(drift),
    "Records:",
    ...files.flatMap((file) => (file === undefined ? [] : [`  ${file}`])),
    "",
  ].join("\n");
}

function formatCurve({ step, ways }: CheckpointTurns, n: number): string[] {
  const sources = [...new Set(ways.flatMap(({ bySource }) => Object.keys(bySource)))].sort();
  const row = ({ setting, bySource, all, records }: TurnsScore, source: string | undefined): string[] => {
    const accuracy = source === undefined ? all : bySource[source];
    const metrics =
      source === undefined
        ? allOf(records)
        : records.find(({ scope, name }) => scope === "source" && name === source)?.metrics;
    const cut = (metrics?.["turns/over_budget_ratio"] ?? 0) + (metrics?.["response_length/clip_ratio"] ?? 0);
    return [
      setting.tools === "off" ? "off" : String(setting.turns),
      number(accuracy?.mean),
      accuracy ? interval(accuracy) : "",
      number(metrics?.["tools/rate"]),
      metrics?.["turns/mean"]?.toFixed(2) ?? "",
      number(metrics?.["turns/over_ratio"]),
      metrics ? number(cut) : "",
    ];
  };
  const blocks = [...sources, ...(sources.length === 1 ? [] : [undefined])];
  const [head, ...lines] = table(
    ["turns", "accuracy", "95% interval", "calls", "taken", "over", "cut off"],
    blocks.flatMap((source) => ways.map((way) => row(way, source))),
  );
  return [
    `Step ${step}, ${n === 1 ? "accuracy" : `mean accuracy of ${n} answers`} by the most turns (off: no tools)`,
    head!,
    ...blocks.flatMap((source, at) => [
      `  ${source ?? "mean of sources"}`,
      ...lines.slice(at * ways.length, (at + 1) * ways.length),
    ]),
    "  calls: share of answers that call a tool; taken: mean number of turns",
    "  over: share that still call in the last turn; cut off: that run out of tokens",
  ];
}

const allOf = (records: readonly MetricRecord[]): MetricRecord["metrics"] =>
  records.find(({ scope }) => scope === "all")?.metrics ?? {};

const settingText = (setting: TurnsScore["setting"]): string =>
  setting.tools === "off" ? "no tools" : setting.turns === 1 ? "1 turn" : `${setting.turns} turns`;

const TERMS = [
  ["gap", "gap", "right with the tool offered, less right without it"],
  ["callGain", "+ call gain", "wrong without it, right after a call"],
  ["schemaGain", "+ schema gain", "wrong without it, right with it offered but not called"],
  ["callHarm", "- call harm", "right without it, wrong after a call"],
  ["schemaHarm", "- schema harm", "right without it, wrong with it offered but not called"],
] as const;

function formatEffect({ step, ways, effect }: CheckpointTurns): string[] {
  const all = allOf(effect);
  if (effect.length === 0) return [];
  const sources = effect.filter(({ scope }) => scope === "source");
  const of = (metrics: MetricRecord["metrics"], key: keyof typeof TOOL_METRICS): string[] => {
    const name = TOOL_METRICS[key];
    const [low, high] = [metrics[`${name}/low`], metrics[`${name}/high`]];
    return [number(metrics[name]), low === undefined || high === undefined ? "" : interval({ low, high })];
  };
  return [
    `Step ${step}, what the tool brings at ${settingText(ways.at(-1)!.setting)}: MED (arXiv 2602.01334)`,
    ...table(
      ["term", "share", "95% interval"],
      TERMS.map(([key, title]) => [title, ...of(all, key)]),
    ),
    ...(sources.length < 2
      ? []
      : [
          "",
          ...table(
            ["source", "gap", "call gain", "schema g.", "call harm", "schema h."],
            sources.map(({ name, metrics }) => [
              short(name),
              ...TERMS.map(([key]) => number(metrics[TOOL_METRICS[key]])),
            ]),
          ),
        ]),
    "",
    ...TERMS.map(([, title, text]) => `  ${title.replace(/^[+-] /, "").padEnd(12)}${text}`),
    "",
  ];
}

function formatDrift(drift: TurnsEvaluation["drift"]): string[] {
  const rows = Object.entries(drift).map(([name, { intrinsic, tool, toolShare }]) => [
    name === "all" ? "mean of sources" : short(name),
    number(intrinsic),
    number(tool),
    number(toolShare),
  ]);
  const [first] = Object.values(drift);
  if (!first) return [];
  return [
    `From step ${first.from} to step ${first.to}: what training changed`,
    ...table(["source", "without tool", "by the tool", "tool share"], rows),
    "",
  ];
}

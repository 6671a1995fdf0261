/** `v-triune-monitor changes`: what got worse since a step, as text. */
import { answerPairs } from "../dashboard/changes/answer-pairs";
import { shownWindow, type WindowQuestion } from "../dashboard/changes/change-windows";
import { runChanges } from "../dashboard/changes/run-changes";
import type {
  AnswerComparison,
  ChangeCell,
  ChangeRow,
  ComparedPrompt,
  RunChanges,
  StepWindow,
} from "../dashboard/dashboard-api";
import { DashboardError } from "../dashboard/dashboard-error";
import { RolloutReader } from "../dashboard/rollouts/rollout-reader";
import { openRun } from "./open-run";
import { plainText } from "../query/query-runs";

export interface ChangesCommand extends WindowQuestion {
  /** A source, a task or "all" whose answers are shown. */
  readonly answers?: string | undefined;
  readonly seed?: number | undefined;
  readonly json?: boolean | undefined;
}

/**
 * @param folder one run folder
 * @returns the text to print
 * @throws DashboardError when the folder is no run, or the windows cannot be compared
 */
export async function changesText(
  folder: string,
  { answers, seed, json = false, ...question }: ChangesCommand,
): Promise<string> {
  const run = await openRun(folder);
  const reader = new RolloutReader();
  try {
    const changes = await runChanges(run, reader, question, seed === undefined ? {} : { seed });
    const row = answers === undefined ? undefined : rowOf(changes, answers);
    const compared = row && (await answerPairs(run, reader, changes, row));
    if (json) return `${JSON.stringify(compared === undefined ? changes : { ...changes, answers: compared })}\n`;
    return compared === undefined ? changesTable(run.id, changes) : answersText(row!, changes, compared);
  } finally {
    await reader.close();
  }
}

function rowOf({ rows }: RunChanges, name: string): ChangeRow {
  const row = rows.find((one) => one.name === name);
  if (row === undefined)
    throw new DashboardError({
      what: "The run has no source or task of this name in these steps.",
      where: "--answers",
      expected: `one of ${[...new Set(rows.map((one) => one.name))].join(", ")}`,
      found: name,
    });
  return row;
}

/** "1-20" as a window. */
export function windowOf(option: string, text: string): StepWindow {
  const match = /^(\d{1,12})\s*[-–]\s*(\d{1,12})$/.exec(text.trim()) ?? /^((\d{1,12}))$/.exec(text.trim());
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || to < from)
    throw new DashboardError({
      what: `The option ${option} cannot be used.`,
      expected: "steps as 1-20, the smaller first",
      found: text === "" ? "nothing" : text,
    });
  return { from, to };
}

const shown = (value: number | null, isSigned = false): string => {
  if (value === null) return "–";
  const size = Math.abs(value);
  const text = size >= 100 ? size.toFixed(0) : size >= 10 ? size.toFixed(1) : size.toFixed(3);
  return `${value < 0 ? "−" : isSigned && value > 0 ? "+" : ""}${text}`;
};

const interval = ({ low, high }: ChangeCell): string =>
  low === null || high === null ? "" : `[${shown(low, true)}, ${shown(high, true)}]`;

const WORDS: Readonly<Record<ChangeRow["verdict"], string>> = {
  worse: "▼ worse",
  better: "▲ better",
  different: "changed",
  unclear: "",
  few: "too few",
  gone: "✕ gone",
  new: "new",
};

const SCOPES = [
  ["source", "source"],
  ["task", "task"],
  ["all", ""],
] as const;

/** Longest name that a column of 80 leaves room for. */
const WIDEST_NAME = 16;

function changesTable(id: string, changes: RunChanges): string {
  const { rows, before, after, steps, unit, resamples, notes } = changes;
  const lines = [
    `${plainText(id)}: steps ${shownWindow(after)} (${steps.after} recorded) against ${shownWindow(before)} (${steps.before})`,
    ...notes.flatMap((note) => wrapped(`Note: ${note}`)),
  ];
  for (const [scope, title] of SCOPES) {
    const own = rows.filter((row) => row.scope === scope);
    if (own.length === 0) continue;
    lines.push("", formatRow(title, ["before", "after", "change", "95% interval", "rollouts", ""]));
    for (const row of own) {
      const [reward] = row.cells;
      const count = row.after.rollouts === null ? `${row.after.steps} steps` : String(row.after.rollouts);
      lines.push(
        formatRow(row.name, [
          shown(reward!.before),
          shown(reward!.after),
          shown(reward!.change, true),
          interval(reward!),
          row.before.rollouts === null ? count : `${row.before.rollouts}/${count}`,
          WORDS[row.verdict],
        ]),
      );
    }
  }
  const others = rows.flatMap((row) =>
    row.cells
      .slice(1)
      .filter(({ verdict }) => verdict === "worse" || verdict === "better" || verdict === "different")
      .map(
        (cell) =>
          `${plainText(row.name)}: ${cell.metric} ${shown(cell.before)} → ${shown(cell.after)} ${interval(cell)}`,
      ),
  );
  if (others.length > 0) lines.push("", "Beside the reward:", ...others.map((line) => `  ${line}`));
  lines.push(
    "",
    ...wrapped(
      `Mean reward over rollouts; the interval is from ${resamples.toLocaleString("en")} bootstrap resamples over ` +
        `${unit}s. "worse" and "better" exceed 4 standard errors. --answers NAME shows answers before and after.`,
    ),
  );
  return `${lines.join("\n")}\n`;
}

const COLUMNS = [7, 7, 8, 18, 12] as const;

function formatRow(name: string, cells: readonly string[]): string {
  const plain = plainText(name);
  const first = (plain.length > WIDEST_NAME ? `${plain.slice(0, WIDEST_NAME - 1)}…` : plain).padEnd(WIDEST_NAME);
  const numbers = cells.slice(0, COLUMNS.length).map((cell, index) => cell.padStart(COLUMNS[index]!));
  return `${first}${numbers.join("")}  ${cells.at(-1)}`.trimEnd();
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > 78) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** Answers of a prompt that are printed. */
const SHOWN_ANSWERS = 2;

function answersText(
  row: ChangeRow,
  { before, after }: RunChanges,
  { pairing, recurring, pairs }: AnswerComparison,
): string {
  if (pairs.length === 0)
    return `No answers of ${plainText(row.name)} are stored in both windows (monitor.rollouts in the configuration).\n`;
  const side = (title: string, prompt: ComparedPrompt | null): string[] =>
    prompt === null
      ? [`  ${title}: no prompt of this rank`]
      : [
          `  ${title}, step ${prompt.step}, ${plainText(prompt.id)}: mean reward ${shown(prompt.reward)}`,
          ...prompt.answers
            .slice(0, SHOWN_ANSWERS)
            .flatMap(({ reward, status, truncated, response }) => [
              `    ${status === "scored" ? shown(reward) : status}${truncated ? " (cut at the limit)" : ""}`,
              ...wrapped(plainText(response.trim().slice(-400)).replaceAll("⏎", " ")).map((line) => `      ${line}`),
            ]),
        ];
  return [
    `${plainText(row.name)}: steps ${shownWindow(before)} and ${shownWindow(after)}`,
    ...wrapped(
      pairing === "same-prompts"
        ? `${recurring} prompts occur in both windows; those whose reward fell most come first.`
        : "No prompt occurs in both windows: each pair has the same rank among the rewards of its window.",
    ),
    ...pairs.flatMap((pair) => ["", ...side("before", pair.before), ...side("after", pair.after)]),
    "",
  ].join("\n");
}

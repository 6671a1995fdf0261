/** What `v-triune demo --zoom` found, as data and as a table of at most 80 columns. */
import type { ZoomSourceName } from "@v-triune/demo-tasks";

type BySource = Readonly<Record<ZoomSourceName, number>>;

/** One checkpoint, greedy on held-out samples. */
export interface ZoomScores {
  /** Accuracy where the tool is not offered. */
  readonly unaided: BySource;
  /** With the tool, by the most turns, ascending; one turn allows no look. */
  readonly byTurns: readonly {
    readonly turns: number;
    readonly accuracy: BySource;
    /** Share of answers that call the tool. */
    readonly toolRate: BySource;
  }[];
}

/** What `summary.json` holds. */
export interface ZoomSummary {
  readonly seed: number;
  readonly steps: number;
  readonly seconds: number;
  readonly backend: string;
  readonly before: ZoomScores;
  readonly after: ZoomScores;
}

const names = { zoom_tiny: "tiny letters", zoom_easy: "large letters" } as const;
const sources = Object.keys(names) as ZoomSourceName[];

export function formatZoomSummary(summary: ZoomSummary, folder: string, samplesPerSource: number): string {
  const { before, after, seconds, backend, steps } = summary;
  const line = (name: string, from: number, to: number): string => {
    const change = `${to >= from ? "+" : ""}${(to - from).toFixed(3)}`;
    return `  ${name.padEnd(28)} ${from.toFixed(3).padStart(7)} ${to.toFixed(3).padStart(7)}  ${change}`;
  };
  const [start, end] = [before.byTurns.at(-1)!, after.byTurns.at(-1)!];
  const looks = (turns: number): string => (turns === 2 ? "1 look" : `${turns - 1} looks`);
  return [
    `Greedy accuracy on ${samplesPerSource} held-out samples of each kind`,
    "",
    "                                before   after  change",
    ...sources.flatMap((source) => [
      line(`${names[source]}, with the tool`, start.accuracy[source], end.accuracy[source]),
      line("  without the tool", before.unaided[source], after.unaided[source]),
      line("  answers that look closer", start.toolRate[source], end.toolRate[source]),
    ]),
    "",
    "After training, by the most looks that are allowed",
    "",
    ...after.byTurns.map(
      ({ turns, accuracy }) =>
        `  ${looks(turns).padEnd(8)} ${sources
          .map((source) => `${names[source]} ${accuracy[source].toFixed(3)}`)
          .join("   ")}`,
    ),
    "",
    ...closingWords(summary),
    `${steps} ${steps === 1 ? "step" : "steps"}, ${Math.round(seconds)} s in all, ${backend}.`,
    "",
    `Run folder: ${folder}/run  (metrics.jsonl, checkpoints/, rollouts/)`,
    `Look at it: npx @v-triune/monitor ${folder}/run`,
    "",
    "What to try next:",
    "  npx v-triune demo --zoom --seed 2     another seed: other data, other samples",
    `  npx v-triune eval ${folder}/run --tools on,off --turns 1,2,3`,
    "  npx v-triune sweep zoom               the controls: no tool, no new pixels",
  ].join("\n");
}

/** What the numbers say, good or bad. */
function closingWords({ before, after }: Pick<ZoomSummary, "before" | "after">): string[] {
  const [start, end] = [before.byTurns.at(-1)!, after.byTurns.at(-1)!];
  const rise = end.accuracy.zoom_tiny - start.accuracy.zoom_tiny;
  const lead = end.accuracy.zoom_tiny - after.unaided.zoom_tiny;
  const learned =
    rise >= 0.05 && lead >= 0.05
      ? `The model learned to look closer: ${signed(rise)} on tiny letters, ${signed(lead)} ahead of itself\n` +
        "without the tool."
      : rise >= 0.05
        ? "Accuracy rose, and not by the tool: without it, the model does as well."
        : "Accuracy on tiny letters hardly moved; more steps (--steps 40) or another seed\n(--seed 2) show more.";
  const lost = start.accuracy.zoom_easy - end.accuracy.zoom_easy;
  const easy =
    lost >= 0.05
      ? `Large letters got worse (${signed(-lost)}): it now looks where no look is needed.`
      : end.toolRate.zoom_easy > 0.1
        ? `Large letters stay solved, though ${percent(end.toolRate.zoom_easy)} of them are looked at without need.`
        : "Large letters stay solved without a look.";
  return [learned, easy];
}

const signed = (value: number): string => `${value >= 0 ? "+" : "-"}${Math.abs(value).toFixed(2)}`;
const percent = (share: number): string => `${Math.round(100 * share)} %`;

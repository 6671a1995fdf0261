/**
 * `v-triune demo`: the whole method in a few minutes. Draws its data, writes it as a corpus, trains the committed
 * checkpoint on it with the trainer that everybody uses, and says what changed.
 */
import { mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { samplesForSteps, writeHeldOutData, writeTrainingData } from "@v-triune/demo-tasks";
import { readMetricRecords } from "@v-triune/monitor";
import { type EvaluationScores, type TrainingResult, runTraining } from "@v-triune/training";
import type { BackendSetting } from "@v-triune/training/config";
import { writeFileAtomic } from "@v-triune/training/run-folder";
import { openRunDashboard } from "../terminal/run-dashboard";
import { collectProblems } from "../terminal/training-result";
import { packageRoot } from "../package-root";
import { createLiveView } from "../terminal/live-view";
import { demoConfig } from "./demo-config";
import { backendLines, outputFolder } from "./demo-output";

/** The committed model. */
export const demoModelFolder = join(packageRoot, "assets", "demo-model");
/** Its variant that was taught no form of an answer. */
export const demoBaseModelFolder = join(packageRoot, "assets", "demo-base-model");
/** The model of `--zoom`, which seldom looks closer and often beside the mark. */
export const demoZoomModelFolder = join(packageRoot, "assets", "demo-zoom-model");

export interface RunDemoOptions {
  /** Seeds the training data and the sampling; the held-out samples are always the same. Default 1. */
  readonly seed?: number;
  /** Default 40. */
  readonly steps?: number;
  /** Starts from the base model: form and answers are learnt from rewards alone. */
  readonly zero?: boolean;
  /** Where everything goes. Default `runs/demo`, `runs/demo-2`, .. */
  readonly out?: string;
  /** Held-out samples of each source (default: 100). */
  readonly samplesPerSource?: number;
  /** As `v-triune doctor` lists it. Default "auto". */
  readonly backend?: BackendSetting;
  readonly interruption?: { readonly requested: boolean };
  /** Shows the run in the browser while it trains. */
  readonly dashboard?: boolean;
  /** Waited for before the dashboard closes, once the run is over. Default: it closes with the run. */
  readonly keepDashboard?: () => Promise<unknown>;
  readonly print?: (text: string) => void;
  /** Where the live view is drawn. Default standard output. */
  readonly stream?: NodeJS.WriteStream;
}

/** What `summary.json` holds. */
export interface DemoSummary {
  readonly seed: number;
  readonly steps: number;
  readonly seconds: number;
  readonly backend: string;
  readonly before: Pick<EvaluationScores, "mean" | "bySource">;
  readonly after: Pick<EvaluationScores, "mean" | "bySource">;
  /** Share of held-out answers in the asked form; of a run from the base model. */
  readonly format?: { readonly before: number; readonly after: number };
}

/**
 * @returns the summary, or undefined when the run was interrupted
 * @throws RunFolderError when `out` holds something already
 */
export async function runDemo(options: RunDemoOptions = {}): Promise<DemoSummary | undefined> {
  const { seed = 1, steps = 40, samplesPerSource = 100, backend = "auto", zero = false } = options;
  const print = options.print ?? ((text: string) => void process.stdout.write(`${text}\n`));
  const started = performance.now();
  const folder = await outputFolder(options.out, "demo");
  const paths = {
    trainData: join(folder, "data", "train.parquet"),
    evalData: join(folder, "data", "held-out.parquet"),
    runFolder: join(folder, "run"),
  };
  print(zero ? zeroIntroduction(steps) : introduction(steps));
  await mkdir(join(folder, "data"), { recursive: true });
  await writeHeldOutData(paths.evalData, samplesPerSource);
  await writeTrainingData(paths.trainData, samplesForSteps(steps), seed);
  const start = zero ? { modelFolder: demoBaseModelFolder, learningRate: 2e-4 } : { modelFolder: demoModelFolder };
  const config = demoConfig({ seed, steps, backend, samplesPerSource, ...start, ...paths });
  const view = createLiveView(options.stream ? { stream: options.stream } : {});
  const problems = collectProblems();
  const dashboard = options.dashboard
    ? await openRunDashboard(paths.runFolder, (message) => problems.listen({ type: "warning", message }))
    : undefined;
  try {
    return await trainAndReport();
  } finally {
    await dashboard?.close();
  }

  async function trainAndReport(): Promise<DemoSummary | undefined> {
    let result: TrainingResult;
    let computedBy = "";
    try {
      result = await runTraining(config, {
        listen: (event) => {
          problems.listen(event);
          if (event.type === "started") {
            computedBy = event.backend;
            print(`${dashboard?.announcement ?? ""}${backendLines(computedBy, event.trainable)}`);
          } else view.listen(event);
        },
        ...(options.interruption ? { interruption: options.interruption } : {}),
      });
    } finally {
      view.close();
    }
    const odd = problems.format();
    if (odd !== "") print(odd);
    const near = relative(process.cwd(), folder);
    const shown = near.startsWith("..") ? folder : near || ".";
    if (result.interrupted || !result.before || !result.after) {
      print(
        `\nStopped after step ${result.step} of ${steps}; everything is saved. To go on:\n\n` +
          `    npx v-triune train ${join(shown, "run")} --resume\n`,
      );
      return undefined;
    }
    const scores = ({ mean, bySource }: EvaluationScores) => ({ mean, bySource });
    const summary: DemoSummary = {
      seed,
      steps: result.step,
      seconds: Math.round((performance.now() - started) / 100) / 10,
      backend: computedBy,
      before: scores(result.before),
      after: scores(result.after),
      ...(zero ? { format: await formatShares(join(paths.runFolder, "metrics.jsonl")) } : {}),
    };
    await writeFileAtomic(join(folder, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
    print(`\n${formatDemoSummary(summary, shown, samplesPerSource)}`);
    if (dashboard?.url != null && options.keepDashboard !== undefined) {
      print(`\nThe dashboard stays at ${dashboard.url} (Ctrl-C ends it).\nSee it again: ${dashboard.again}`);
      await options.keepDashboard();
    }
    return summary;
  }
}

/** Mean format reward of the first and the last evaluation. */
async function formatShares(metricsPath: string): Promise<{ before: number; after: number }> {
  const shares: number[] = [];
  for await (const { split, scope, metrics } of readMetricRecords(metricsPath))
    if (split === "eval" && scope === "all") shares.push(metrics["reward/format/mean"]!);
  return { before: shares[0]!, after: shares.at(-1)! };
}

function introduction(steps: number): string {
  return [
    "V-Triune: one vision-language model and one reinforcement learning run over",
    "seven sources of perception and reasoning: counting, detection, grounding,",
    "reading letters, charts, sums and pattern puzzles.",
    "",
    "The model is a Qwen2.5-VL of 1.2 M parameters that was fine-tuned last on a",
    "careless annotator's labels: counts one too high, boxes too loose, last letters",
    `missing. ${steps} steps of GRPO with the verifiers' rewards are to put it right.`,
    "",
  ].join("\n");
}

function zeroIntroduction(steps: number): string {
  return [
    "V-Triune: RL-zero, reinforcement learning from a base model, over seven sources",
    "of perception and reasoning: counting, detection, grounding, reading letters,",
    "charts, sums and pattern puzzles.",
    "",
    "The model is a Qwen2.5-VL of 1.2 M parameters that was trained on free text and",
    "taught no form of an answer: about one answer in twenty has the tags that the",
    `rewards ask for. ${steps} steps of GRPO are to teach it the form and the answers.`,
    "",
  ].join("\n");
}

/** The closing table, at most 80 columns. */
export function formatDemoSummary(
  { before, after, seconds, backend, steps, format }: DemoSummary,
  folder: string,
  samplesPerSource: number,
): string {
  const row = (name: string, from: number, to: number) => {
    const change = to - from;
    const bar = "█".repeat(Math.round(Math.max(0, Math.min(1, to)) * 20)).padEnd(20, "░");
    const [before, after] = [from, to].map((score) => score.toFixed(3).padStart(7));
    const sign = change >= 0 ? "+" : "";
    return `  ${name.replace(/^demo_/, "").padEnd(10)} ${before} ${after}  ${sign}${change.toFixed(3)}  ${bar}`;
  };
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const gained = after.mean - before.mean >= 0.05;
  return [
    `Greedy accuracy on ${samplesPerSource} held-out samples a source`,
    "",
    "  source      before   after  change",
    ...Object.keys(before.bySource).map((source) =>
      row(source, before.bySource[source] ?? 0, after.bySource[source] ?? 0),
    ),
    row("mean", before.mean, after.mean),
    "",
    ...(format ? [`Answers in the asked form: ${percent(format.before)} before, ${percent(format.after)} after.`] : []),
    !gained
      ? "The mean hardly moved; more steps (--steps 40) or another seed (--seed 2) show more."
      : format
        ? format.after > 0.9
          ? "A base model learned the form of an answer, and to answer, from rewards alone."
          : "The answers got better, the form is not learned; more steps (--steps 40) or\n" +
            "another seed (--seed 2) show more."
        : "A model fine-tuned on a careless annotator's labels was corrected by\nverifiable rewards.",
    `${steps} ${steps === 1 ? "step" : "steps"}, ${Math.round(seconds)} s in all, ${backend}.`,
    "",
    `Run folder: ${folder}/run  (metrics.jsonl, checkpoints/, run.json)`,
    `Data:       ${folder}/data  (Parquet, the layout of Orsta-Data-47k)`,
    `Look at it: npx @v-triune/monitor ${folder}/run`,
    "",
    "What to try next:",
    "  npx v-triune demo --seed 2            another seed: other data, other samples",
    ...(format ? [] : ["  npx v-triune demo --zero              from a base model, by rewards alone"]),
    "  npx v-triune demo --zoom              learn to look closer with a tool",
    "  npx v-triune doctor                   this machine's backends, and faster ones",
    "  npx v-triune curate --help            a corpus from your own sources",
    "  npx v-triune train --help             your own configuration",
  ].join("\n");
}

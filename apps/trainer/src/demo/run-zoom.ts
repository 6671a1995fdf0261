/**
 * `v-triune demo --zoom`: a model learns to look closer. Draws its data, trains the committed checkpoint with a crop tool
 * and verifiable rewards alone, and asks what the tool brings: with it and without, by the looks that are allowed.
 */
import { mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import {
  type ZoomSourceName,
  writeHeldOutZoom,
  writeZoomTraining,
  zoomEasyShare,
  zoomPromptsPerStep,
  zoomRecipe,
  zoomSourceNames,
} from "@v-triune/demo-tasks";
import { type TrainingResult, runTraining } from "@v-triune/training";
import { writeFileAtomic } from "@v-triune/training/run-folder";
import { type CheckpointTurns, type TurnsScore, evaluateTurns } from "../evaluation/evaluate-turns";
import { createLiveView } from "../terminal/live-view";
import { openRunDashboard } from "../terminal/run-dashboard";
import { collectProblems } from "../terminal/training-result";
import { zoomConfig } from "./demo-config";
import { backendLines, outputFolder } from "./demo-output";
import { type RunDemoOptions, demoZoomModelFolder } from "./run-demo";
import { type ZoomScores, type ZoomSummary, formatZoomSummary } from "./zoom-summary";

/** Most turns of the evaluations: no look, one, two. */
const limits = [1, 2, zoomRecipe.rollout.turns.max];

/**
 * @returns the summary, or undefined when the run was interrupted
 * @throws RunFolderError when `out` holds something already
 */
export async function runZoom(options: Omit<RunDemoOptions, "zero"> = {}): Promise<ZoomSummary | undefined> {
  const { seed = 1, steps = 40, samplesPerSource = 100, backend = "auto", interruption } = options;
  const print = options.print ?? ((text: string) => void process.stdout.write(`${text}\n`));
  const started = performance.now();
  const folder = await outputFolder(options.out, "zoom");
  const runFolder = join(folder, "run");
  const [trainData, evalData] = ["train", "held-out"].map((name) => join(folder, "data", `${name}.parquet`)) as [
    string,
    string,
  ];
  print(introduction(steps));
  await mkdir(join(folder, "data"), { recursive: true });
  await writeHeldOutZoom(evalData, samplesPerSource);
  await writeZoomTraining(trainData, steps * zoomPromptsPerStep, seed, zoomEasyShare);
  const settings = { seed, steps, backend, samplesPerSource, runFolder, trainData, evalData };
  const config = zoomConfig({ ...settings, modelFolder: demoZoomModelFolder });
  const view = createLiveView(options.stream ? { stream: options.stream } : {});
  const problems = collectProblems();
  const dashboard = options.dashboard
    ? await openRunDashboard(runFolder, (message) => problems.listen({ type: "warning", message }))
    : undefined;
  const near = relative(process.cwd(), folder);
  const shown = near.startsWith("..") ? folder : near || ".";
  try {
    return await trainAndCompare();
  } finally {
    view.close();
    await dashboard?.close();
  }

  async function trainAndCompare(): Promise<ZoomSummary | undefined> {
    let computedBy = "";
    const result: TrainingResult = await runTraining(config, {
      listen: (event) => {
        problems.listen(event);
        if (event.type === "started") {
          computedBy = event.backend;
          print(`${dashboard?.announcement ?? ""}${backendLines(computedBy, event.trainable)}`);
        } else view.listen(event);
      },
      ...(interruption ? { interruption } : {}),
    });
    const compared = result.interrupted
      ? undefined
      : await evaluateTurns({
          folder: runFolder,
          steps: [0, result.step],
          withoutTools: true,
          turns: limits,
          listen: problems.listen,
          ...(interruption ? { interruption } : {}),
        });
    view.close();
    const odd = problems.format();
    if (odd !== "") print(odd);
    if (!compared) {
      const goOn = result.interrupted ? `train ${join(shown, "run")} --resume` : `eval ${join(shown, "run")}`;
      print(
        `\nStopped after step ${result.step} of ${steps}; everything is saved. To go on:\n\n    npx v-triune ${goOn}\n`,
      );
      return undefined;
    }
    const [before, after] = compared.checkpoints.map(scoresOf) as [ZoomScores, ZoomScores];
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    const summary: ZoomSummary = { seed, steps: result.step, seconds, backend: computedBy, before, after };
    await writeFileAtomic(join(folder, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
    print(`\n${formatZoomSummary(summary, shown, samplesPerSource)}`);
    if (dashboard?.url != null && options.keepDashboard !== undefined) {
      print(`\nThe dashboard stays at ${dashboard.url} (Ctrl-C ends it).\nSee it again: ${dashboard.again}`);
      await options.keepDashboard();
    }
    return summary;
  }
}

function scoresOf({ ways }: CheckpointTurns): ZoomScores {
  const bySource = <T>(value: (source: ZoomSourceName) => T) =>
    Object.fromEntries(zoomSourceNames.map((source) => [source, value(source)])) as Record<ZoomSourceName, T>;
  const metricOf = ({ records }: TurnsScore, source: ZoomSourceName, metric: string): number =>
    records.find(({ scope, name }) => scope === "source" && name === source)?.metrics[metric] ?? 0;
  const unaided = ways.find(({ setting }) => setting.tools === "off")!;
  return {
    unaided: bySource((source) => unaided.bySource[source]!.mean),
    byTurns: ways.flatMap((way) =>
      way.setting.tools === "off"
        ? []
        : [
            {
              turns: way.setting.turns,
              accuracy: bySource((source) => way.bySource[source]!.mean),
              toolRate: bySource((source) => metricOf(way, source, "tools/rate")),
            },
          ],
    ),
  };
}

function introduction(steps: number): string {
  return [
    "V-Triune: a vision-language model learns to look closer. It sees pictures at a",
    "seventh of their size. In most of them the letters are too small to read there,",
    "in some they are large. A crop tool shows a part of the picture in full size.",
    "",
    "The model is a Qwen2.5-VL of 1.2 M parameters that was fine-tuned last on a",
    "careless annotator's answers, who names tiny letters without a look, or looks",
    `beside them. ${steps} steps of GRPO pay for right answers in the asked form, and`,
    "nothing for the use of the tool.",
    "",
  ].join("\n");
}

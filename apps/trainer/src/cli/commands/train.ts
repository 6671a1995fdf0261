import { wrapText } from "@v-triune/errors";
import type { TrainingEvent } from "@v-triune/training";
import { configModules } from "../../config-modules";
import { UsageError } from "../../errors";
import { resumedConfig } from "../resumed-config";
import { textOption, type Command } from "../syntax/command";

/** GRPO from a configuration. */
export const trainCommand: Command = {
  meta: { name: "train", description: "Train a model with GRPO, as a configuration says" },
  args: {
    config: {
      type: "positional",
      description:
        "A .yaml, .json or .ts file, a folder with a v-triune.yaml, or with --resume or --dry-run a run folder",
    },
    set: {
      type: "string",
      valueHint: "key=value",
      description: "Override a key of the file, e.g. --set optimizer.lr=5e-7; may be repeated",
    },
    resume: { type: "boolean", description: "Go on from the run's last checkpoint" },
    overwrite: { type: "boolean", description: "Replace an earlier run of this name that saved no checkpoint" },
    "dry-run": {
      type: "boolean",
      description: "Show the first prompts, the memory and the time it takes; train nothing",
    },
    dashboard: { type: "boolean", description: "Show the run in the browser while it trains" },
    strict: { type: "boolean", description: "Stop at a bad row instead of skipping it" },
    json: { type: "boolean", description: "Print events as JSON Lines" },
  },
  examples: [
    "v-triune train counting.yaml",
    "v-triune train counting.yaml --set run.name=lr5e-7 --set optimizer.lr=5e-7",
    "v-triune train counting.yaml --resume --dashboard",
    "v-triune train runs/counting --dry-run",
  ],
  notes:
    "The first Ctrl-C lets the step finish and saves a checkpoint, the second stops at once. Everything that the " +
    "run writes is in runs/NAME.",
  async execute(context) {
    const { args, values, output } = context;
    if (args["resume"] === true && args["overwrite"] === true)
      throw new UsageError({
        what: "A run cannot be resumed and replaced at once.",
        found: "--resume and --overwrite",
        fix: "leave one of them out",
      });
    const { loadTrainingConfig } = await import("@v-triune/training/config");
    const overrides = [...(values.get("set") ?? []), ...(args["strict"] === true ? ["strict=true"] : [])];
    const path = textOption(context, "config");
    // A dry run of a run folder estimates what the run would take again.
    const goesOn = args["resume"] === true || args["dry-run"] === true;
    const config =
      (await resumedConfig(path, overrides, goesOn)) ??
      (await loadTrainingConfig(path, overrides, process.cwd(), configModules));
    const { testFilesWarning } = await import("../../init/train-and-test");
    const warning = testFilesWarning(config.data.train.map((set) => set.path));
    if (warning !== null) output.err(`Warning: ${wrapText(warning, 80, 9)}\n`);
    if (args["dry-run"] === true) {
      const { dryRun } = await import("../../dry-run/dry-run");
      const counter = promptCounter();
      const { text, ...found } = await dryRun(config, undefined, counter.show).finally(counter.clear);
      output.out(args["json"] === true ? `${JSON.stringify(found)}\n` : text);
      return 0;
    }
    const [
      { runTraining },
      { createLiveView },
      { catchInterruption },
      { collectProblems, formatStart, formatTrainingResult },
      { openRunDashboard },
    ] = await Promise.all([
      import("@v-triune/training"),
      import("../../terminal/live-view"),
      import("../../terminal/interruption"),
      import("../../terminal/training-result"),
      import("../../terminal/run-dashboard"),
    ]);
    const interruption = catchInterruption({
      message: "Stopping after this step, then saving. Press Ctrl-C again to stop at once.",
    });
    const json = args["json"] === true;
    let view = json ? undefined : createLiveView();
    // The bars draw themselves once more when they are taken down, so that has to happen once.
    const closeView = (): void => {
      view?.close();
      view = undefined;
    };
    const problems = collectProblems();
    const dashboard =
      args["dashboard"] === true
        ? await openRunDashboard(config.run.folder, (message) => problems.listen({ type: "warning", message }))
        : undefined;
    try {
      const result = await runTraining(config, {
        interruption,
        listen: (event) => {
          if (json && isNews(event)) output.out(`${JSON.stringify(event)}\n`);
          if (event.type === "started" && dashboard !== undefined) {
            if (!json) output.out(dashboard.announcement);
            else if (dashboard.url !== null)
              output.out(`${JSON.stringify({ type: "dashboard", url: dashboard.url })}\n`);
          }
          if (!json && event.type === "started") output.out(formatStart(event, config));
          problems.listen(event);
          view?.listen(event);
        },
        resume: args["resume"] === true,
        overwrite: args["overwrite"] === true,
      });
      closeView();
      if (json) output.out(`${JSON.stringify({ type: "finished", ...result })}\n`);
      else
        output.out(
          problems.format() +
            formatTrainingResult(result) +
            (dashboard === undefined ? "" : `See it again: ${dashboard.again}\n`),
        );
      return result.interrupted ? 130 : 0;
    } finally {
      closeView();
      await dashboard?.close();
      interruption.dispose();
    }
  },
};

/** Progress inside a step comes with every answer; a program gets it by tenths. */
function isNews(event: TrainingEvent): boolean {
  if (event.type !== "generating" && event.type !== "evaluating") return true;
  const tenth = (done: number): number => Math.floor((10 * done) / event.total);
  return tenth(event.done) > tenth(event.done - 1);
}

/** Shows on a terminal how many prompts a dry run has counted; elsewhere it shows nothing. */
function promptCounter(stream: NodeJS.WriteStream = process.stderr) {
  const line = (text: string): void => void (stream.isTTY && stream.write(`\r\u001b[K${text}`));
  return {
    show: (counted: number): void => line(`Counted the tokens of ${counted.toLocaleString("en-US")} prompts`),
    clear: (): void => line(""),
  };
}

import type { TrainingEvent } from "@v-triune/training";
import { BACKEND_SETTINGS, type BackendSetting } from "@v-triune/training/config";
import { UsageError } from "../../errors";
import type { CheckpointEvaluation } from "../../evaluation/evaluate-checkpoint";
import type { EvaluateTurnsOptions } from "../../evaluation/evaluate-turns";
import { decimalNumber, wholeNumber } from "../syntax/arguments";
import { textOption, type Command } from "../syntax/command";

const parts = (text: string): string[] => text.split(",").map((part) => part.trim());

/** Several whole numbers, each once and ascending. */
function wholeNumbers(name: string, text: string | undefined, least: number): number[] | undefined {
  if (text === undefined) return undefined;
  return [...new Set(parts(text).map((part) => wholeNumber(name, part, least)!))].sort((a, b) => a - b);
}

/**
 * @returns undefined if neither option was given
 * @throws UsageError
 */
function chosenWays(
  tools: string | undefined,
  turns: string | undefined,
): Pick<EvaluateTurnsOptions, "withoutTools" | "turns"> | undefined {
  if (tools === undefined && turns === undefined) return undefined;
  const words = parts(tools ?? "on");
  const unknown = words.find((word) => word !== "on" && word !== "off");
  if (unknown !== undefined)
    throw new UsageError({
      what: "The option --tools has a value that can't be used.",
      expected: "on, off, or on,off",
      found: unknown === "" ? "nothing" : unknown,
    });
  const isOn = words.includes("on");
  if (!isOn && turns !== undefined)
    throw new UsageError({
      what: "Answers without tools have one turn.",
      where: "--turns",
      fix: "leave --turns out, or ask for both: --tools on,off",
    });
  return { withoutTools: words.includes("off"), turns: isOn ? wholeNumbers("turns", turns, 1) : [] };
}

/** A run's checkpoint on held-out data, apart from training. */
export const evalCommand: Command = {
  meta: { name: "eval", description: "Score a checkpoint of a run on held-out data" },
  args: {
    run: { type: "positional", description: "The run's folder; the run need not have ended" },
    step: {
      type: "string",
      valueHint: "step",
      description: "Which checkpoint (default: the last; 0: the weights before training; with --tools several: 0,40)",
    },
    data: { type: "string", valueHint: "glob", description: "Parquet sets in place of the run's own; may be repeated" },
    benchmarks: {
      type: "string",
      valueHint: "file",
      description: "A YAML file that says which benchmarks lie where; in place of the run's own sets",
    },
    watch: { type: "boolean", description: "Evaluate each checkpoint as it appears, until the run ends" },
    n: { type: "string", valueHint: "count", description: "Answers per sample: mean, best, worst and majority of n" },
    temperature: {
      type: "string",
      valueHint: "number",
      description: "0 is greedy (default: 0, and 1 with several answers)",
    },
    epsilon: { type: "string", valueHint: "number", description: "IoU from which a box counts, or average" },
    samples: { type: "string", valueHint: "count", description: "Most samples per source" },
    "max-new-tokens": { type: "string", valueHint: "count", description: "Longest answer" },
    tools: {
      type: "string",
      valueHint: "on,off",
      description: "With tools, without, or both: what the tool brings (default: as in training)",
    },
    turns: { type: "string", valueHint: "counts", description: "Limits of turns to compare: 1,2,4,8" },
    name: { type: "string", valueHint: "name", description: "Write eval-NAME.jsonl, to keep benchmarks apart" },
    backend: {
      type: "enum",
      options: [...BACKEND_SETTINGS],
      description: "As v-triune doctor lists them (default: the run's)",
    },
    json: { type: "boolean", description: "Print the result as JSON" },
  },
  examples: [
    "v-triune eval runs/counting",
    "v-triune eval runs/counting --step 40 --n 8",
    "v-triune eval runs/counting --data 'bench/*.parquet' --name bench",
    "v-triune eval runs/zoom --step 0,40 --tools on,off --turns 1,2,4,8",
    "v-triune eval runs/counting --watch --benchmarks bench.yaml",
  ],
  notes:
    "Settings that are not given are those of the run. The records go to eval.jsonl in the run's folder " +
    "(eval-benchmarks.jsonl for benchmarks, eval-tools-off.jsonl and eval-turns-N.jsonl for --tools and --turns, " +
    "eval-tools.jsonl for what the tool brings); a step that is evaluated again replaces what was there.",
  async execute(context) {
    const { args, values, output } = context;
    const name = textOption(context, "name");
    if (name !== undefined && !/^[\w.-]+$/.test(name))
      throw new UsageError({
        what: "The option --name has a value that can't be used.",
        expected: "letters, digits, dots and dashes",
        found: name,
      });
    const epsilon = textOption(context, "epsilon");
    const watch = args["watch"] === true;
    if (watch && textOption(context, "step") !== undefined)
      throw new UsageError({ what: "--watch evaluates every checkpoint, --step one.", fix: "leave one of them out" });
    const benchmarkFile = textOption(context, "benchmarks");
    if (benchmarkFile !== undefined && values.has("data"))
      throw new UsageError({
        what: "--benchmarks and --data are two evaluations.",
        fix: "run them one after the other; --name keeps their records apart",
      });
    const benchmarks =
      benchmarkFile === undefined
        ? undefined
        : (await import("../../evaluation/benchmark-file")).readBenchmarkFile(benchmarkFile);
    const ways = chosenWays(textOption(context, "tools"), textOption(context, "turns"));
    if (ways && (watch || benchmarkFile !== undefined))
      throw new UsageError({
        what: `--tools and --turns compare answers on evaluation sets${watch ? ", once" : ""}.`,
        fix: watch ? "leave out --watch" : "leave out --benchmarks",
      });
    const options = {
      folder: textOption(context, "run")!,
      data: values.get("data") ?? [],
      n: wholeNumber("n", textOption(context, "n"), 1),
      temperature: decimalNumber("temperature", textOption(context, "temperature")),
      epsilon: epsilon === "average" ? ("average" as const) : decimalNumber("epsilon", epsilon),
      samplesPerSource: wholeNumber("samples", textOption(context, "samples"), 1),
      maxNewTokens: wholeNumber("max-new-tokens", textOption(context, "max-new-tokens"), 1),
      name,
      benchmarks,
      backend: textOption(context, "backend") as BackendSetting | undefined,
    };
    const step = ways ? undefined : wholeNumber("step", textOption(context, "step"), 0);
    const [
      { evaluateCheckpoint },
      { evaluateTurns },
      { formatTurns },
      { watchRun },
      { formatEvaluation },
      { createLiveView },
      { catchInterruption },
      { collectProblems },
    ] = await Promise.all([
      import("../../evaluation/evaluate-checkpoint"),
      import("../../evaluation/evaluate-turns"),
      import("../../evaluation/format-turns"),
      import("../../evaluation/watch-run"),
      import("../../evaluation/format-evaluation"),
      import("../../terminal/live-view"),
      import("../../terminal/interruption"),
      import("../../terminal/training-result"),
    ]);
    const interruption = catchInterruption({
      message: "Stopping; nothing is written. Press Ctrl-C again to stop at once.",
    });
    const json = args["json"] === true;
    const problems = collectProblems();
    const shown = (result: CheckpointEvaluation): string =>
      json ? `${JSON.stringify(result)}\n` : problems.format() + formatEvaluation(result);
    if (watch) {
      try {
        await watchRun({
          ...options,
          signal: interruption.signal,
          listen: problems.listen,
          onEvaluation: (evaluation) => output.out(shown(evaluation)),
          onNote: (message) => output.err(`${message}\n`),
        });
        return interruption.requested ? 130 : 0;
      } finally {
        interruption.dispose();
      }
    }
    const view = json ? undefined : createLiveView();
    let closed = false;
    const close = (): void => {
      if (!closed) view?.close();
      closed = true;
    };
    try {
      const listened = {
        ...options,
        interruption,
        listen: (event: TrainingEvent) => {
          problems.listen(event);
          view?.listen(event);
        },
      };
      if (ways) {
        const steps = wholeNumbers("step", textOption(context, "step"), 0);
        const found = await evaluateTurns({ ...listened, ...ways, ...(steps ? { steps } : {}) });
        close();
        if (found === undefined) return 130;
        output.out(json ? `${JSON.stringify(found)}\n` : problems.format() + formatTurns(found));
        return 0;
      }
      const result = await evaluateCheckpoint({ ...listened, step });
      close();
      if (result === undefined) return 130;
      output.out(shown(result));
      return 0;
    } finally {
      close();
      interruption.dispose();
    }
  },
};

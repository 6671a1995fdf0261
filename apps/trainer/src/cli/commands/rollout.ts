import { relative, resolve } from "node:path";
import { BACKEND_SETTINGS, type BackendSetting } from "@v-triune/training/config";
import { UsageError } from "../../errors";
import { ANSWER_BOXES, type AnswerBoxes } from "../syntax/answer-boxes";
import { decimalNumber, wholeNumber } from "../syntax/arguments";
import { textOption, type Command, type CommandContext } from "../syntax/command";

const KINDS = ["auto", "vllm", "sglang", "transformers", "llama.cpp", "openai"] as const;

/** Answers of a model to a corpus, judged: what the difficulty rule of curation reads. */
export const rolloutCommand: Command = {
  meta: { name: "rollout", description: "Answer every sample of a corpus n times and judge the answers" },
  args: {
    data: { type: "positional", description: "Parquet files in the Orsta layout, a folder of them, or a glob" },
    out: {
      type: "string",
      alias: "o",
      valueHint: "folder",
      description: "Where the answers go; a folder with answers is continued",
    },
    model: {
      type: "string",
      valueHint: "folder",
      description: "The model; with --engine its tokenizer and picture settings alone",
    },
    engine: {
      type: "string",
      valueHint: "url",
      description: "A rollout server (vLLM, SGLang, transformers serve, ..); may be repeated",
    },
    kind: { type: "enum", options: [...KINDS], default: "auto", description: "What the servers are" },
    "model-name": {
      type: "string",
      valueHint: "name",
      description: "The model's name at the servers (default: the first that they list)",
    },
    "api-key-env": {
      type: "string",
      valueHint: "variable",
      description: "The environment variable that holds the servers' key",
    },
    n: { type: "string", valueHint: "count", default: "8", description: "Answers per sample; may be raised later" },
    temperature: { type: "string", valueHint: "number", default: "1", description: "0 is greedy" },
    "top-p": {
      type: "string",
      valueHint: "number",
      default: "1",
      description: "Nucleus sampling: cumulative probability to keep",
    },
    "top-k": { type: "string", valueHint: "count", description: "Sample from the k most likely tokens (default: all)" },
    "max-new-tokens": { type: "string", valueHint: "count", default: "2048", description: "Longest answer" },
    "max-prompt-tokens": {
      type: "string",
      valueHint: "count",
      description: "Samples with longer prompts are left out",
    },
    epsilon: {
      type: "string",
      valueHint: "number",
      default: "0.5",
      description: "IoU from which a box counts, or average",
    },
    boxes: {
      type: "enum",
      options: [...ANSWER_BOXES],
      description: "In which convention answers have boxes (default: that of the model)",
    },
    judge: {
      type: "string",
      valueHint: "file",
      description: "A judge's settings, for samples whose verifier is judge",
    },
    pool: {
      type: "boolean",
      default: true,
      description: "Add the prompt pool's sentences, as training does; --no-pool leaves questions as they are",
    },
    blind: {
      type: "boolean",
      description: "Show gray pictures of the same size: what is solved without looking? (its own folder)",
    },
    samples: { type: "string", valueHint: "count", description: "Most samples per source" },
    seed: { type: "string", valueHint: "number", default: "42", description: "Random seed for sampling" },
    backend: {
      type: "enum",
      options: [...BACKEND_SETTINGS],
      default: "auto",
      description: "Where the model answers, as v-triune doctor lists them",
    },
    json: { type: "boolean", description: "Print the result as JSON" },
  },
  examples: [
    "v-triune rollout corpus/ -o rollouts --model ./Qwen2.5-VL-7B-Instruct",
    "v-triune rollout corpus/ -o rollouts --model ./Qwen2.5-VL-7B-Instruct \\",
    "    --engine http://127.0.0.1:8000 --n 16",
  ],
  notes:
    "Ctrl-C stops. The same command goes on and asks nothing twice. rollouts.parquet in the " +
    "folder is what the rule `difficulty` of v-triune curate reads (rollouts: FOLDER).",
  async execute(context) {
    const { args, values, output } = context;
    const [{ makeRollouts }, { formatRolloutSummary }, { createRolloutView }, { catchInterruption }] =
      await Promise.all([
        import("../../rollout/make-rollouts"),
        import("../../rollout/rollout-table"),
        import("../../rollout/rollout-view"),
        import("../../terminal/interruption"),
      ]);
    const folder = required(context, "out", "the folder for the answers: -o rollouts");
    const model = required(context, "model", "the model's folder: --model ./Qwen2.5-VL-7B-Instruct");
    const epsilon = textOption(context, "epsilon");
    const judge = textOption(context, "judge");
    const n = wholeNumber("n", textOption(context, "n"), 1)!;
    const temperature = atLeast("temperature", decimalNumber("temperature", textOption(context, "temperature"))!, 0);
    if (n > 1 && temperature === 0)
      throw new UsageError({
        what: "Several greedy answers to a sample are all the same.",
        expected: "--n 1, or a temperature above 0",
        found: `--n ${n} --temperature 0`,
      });
    const interruption = catchInterruption({
      message: "Stopping; what was answered is kept. Press Ctrl-C again to stop at once.",
    });
    const view = createRolloutView(process.stderr);
    try {
      const result = await makeRollouts({
        data: [textOption(context, "data")!],
        folder: resolve(folder),
        model: resolve(model),
        servers: (values.get("engine") ?? []).map(serverAddress),
        kind: textOption(context, "kind") as (typeof KINDS)[number],
        modelName: textOption(context, "model-name") ?? null,
        apiKeyEnv: textOption(context, "api-key-env") ?? null,
        n,
        temperature,
        topP: atLeast("top-p", decimalNumber("top-p", textOption(context, "top-p"))!, Number.MIN_VALUE, 1),
        topK: wholeNumber("top-k", textOption(context, "top-k"), 1) ?? null,
        maxNewTokens: wholeNumber("max-new-tokens", textOption(context, "max-new-tokens"), 1)!,
        maxPromptTokens: wholeNumber("max-prompt-tokens", textOption(context, "max-prompt-tokens"), 1) ?? null,
        epsilon:
          epsilon === "average"
            ? "average"
            : atLeast("epsilon", decimalNumber("epsilon", epsilon)!, Number.MIN_VALUE, 1),
        boxes: textOption(context, "boxes") as AnswerBoxes | undefined,
        judge: judge === undefined ? undefined : resolve(judge),
        pool: args["pool"] !== false,
        blind: args["blind"] === true,
        seed: wholeNumber("seed", textOption(context, "seed"), 0)!,
        samplesPerSource: wholeNumber("samples", textOption(context, "samples"), 1) ?? null,
        backend: textOption(context, "backend") as BackendSetting,
        signal: interruption.signal,
        listen: view.listen,
      });
      view.close();
      if (args["json"] === true) output.out(`${JSON.stringify(result, null, 2)}\n`);
      else {
        const here = relative(process.cwd(), result.file);
        const kept = result.found > 0 ? `, ${result.found.toLocaleString("en-US")} of them from before` : "";
        const shown = here.startsWith("..") ? result.file : here;
        output.out(
          `${formatRolloutSummary(result.sources, n)}\n\n` +
            `Answers: ${shown} (${result.rows.toLocaleString("en-US")}${kept})\n` +
            (args["blind"] === true
              ? `Curate by them: blindRollouts: [${shown}], with the rule blind-solvable\n`
              : `Curate by them: rollouts: [${shown}], with the rule difficulty\n`),
        );
      }
      const { unjudged } = result;
      if (unjudged)
        output.err(
          `${unjudged.count.toLocaleString("en-US")} answers could not be judged and are not kept; the same command asks ` +
            `for them again. The last: ${unjudged.reason}\n`,
        );
      return 0;
    } catch (error) {
      view.close();
      if (!interruption.requested) throw error;
      output.err("Stopped. The same command goes on.\n");
      return 130;
    } finally {
      interruption.dispose();
    }
  },
};

function required(context: CommandContext, name: string, what: string): string {
  const value = textOption(context, name);
  if (value !== undefined && value !== "") return value;
  throw new UsageError({ what: `v-triune rollout needs --${name}.`, expected: what });
}

function serverAddress(url: string): string {
  if (/^https?:\/\/[^/\s]+/.test(url)) return url;
  throw new UsageError({
    what: "The option --engine has a value that can't be used.",
    expected: "a server's address, e.g. http://127.0.0.1:8000",
    found: url,
  });
}

function atLeast(name: string, value: number, least: number, most = Infinity): number {
  if (value >= least && value <= most) return value;
  const range = least > 0 ? `above 0 and at most ${most}` : "at least 0";
  throw new UsageError({
    what: `The option --${name} has a value that can't be used.`,
    expected: `a number ${range}`,
    found: String(value),
  });
}

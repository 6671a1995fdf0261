import { UsageError } from "../../errors";
import { wholeNumber } from "../syntax/arguments";
import { textOption, type Command, type CommandContext } from "../syntax/command";

/** What this machine, or a rollout server, offers. */
export const doctorCommand: Command = {
  meta: {
    name: "doctor",
    description: "Show which backends work here, or what a rollout or training server really does",
  },
  args: {
    measure: {
      type: "boolean",
      default: true,
      description: "Measure the speed of each backend; --no-measure is faster",
    },
    engine: {
      type: "string",
      valueHint: "url",
      description: "Try a rollout server (vLLM, SGLang, transformers serve, ..) instead",
    },
    "model-name": {
      type: "string",
      valueHint: "name",
      description: "With --engine: the model's name there (default: the first that it lists)",
    },
    trainer: {
      type: "string",
      valueHint: "url",
      description: "Try a server of the Tinker API (SkyRL, Twinkle, serve-model, ..) instead, on a model of its own",
    },
    model: { type: "string", valueHint: "name", description: "With --trainer: the model's name there" },
    rank: {
      type: "string",
      valueHint: "number",
      description: "With --trainer: rank of the adapter, 0 for the whole model (default: 32)",
    },
    tokenizer: {
      type: "string",
      valueHint: "folder",
      description: "With --trainer: the model's config.json and tokenizer, to try pictures",
    },
    "api-key-env": {
      type: "string",
      valueHint: "variable",
      description: "With --engine or --trainer: the environment variable that holds its key",
    },
    json: { type: "boolean", description: "Print JSON" },
  },
  examples: [
    "v-triune doctor",
    "v-triune doctor --engine http://127.0.0.1:8000",
    "v-triune doctor --engine http://127.0.0.1:8000 --model-name my-model",
    "v-triune doctor --trainer http://gpu:8000 --model qwen --tokenizer ./Qwen",
  ],
  notes:
    "Exits with 1 when no backend works, when the server can't give rollouts for training, or when a run on the " +
    "training server would be refused.",
  async execute(context) {
    const { args, output } = context;
    const url = textOption(context, "engine");
    if (url !== undefined) return await engineDoctor(url, context);
    const trainer = textOption(context, "trainer");
    if (trainer !== undefined) return await trainerDoctor(trainer, context);
    const { runDoctor, formatDoctor } = await import("@v-triune/backend");
    const report = await runDoctor({ measure: args["measure"] !== false });
    output.out(args["json"] === true ? `${JSON.stringify(report, null, 2)}\n` : formatDoctor(report));
    return report.chosen === undefined ? 1 : 0;
  },
};

async function trainerDoctor(url: string, context: CommandContext): Promise<number> {
  checkAddress("trainer", url);
  const model = textOption(context, "model");
  if (model === undefined)
    throw new UsageError({
      what: "The option --trainer needs the model's name on the server.",
      fix: "add --model NAME; the server's /api/v1/get_server_capabilities lists its models",
    });
  const rank = wholeNumber("rank", textOption(context, "rank"), 0) ?? 32;
  const folder = textOption(context, "tokenizer");
  const { readApiKey } = await import("@v-triune/engines");
  const { configuredProcessor, formatTrainerReport, modelArchitecture, tryTrainer } =
    await import("@v-triune/training");
  const local = folder === undefined ? undefined : ({ init: "pretrained", path: folder, adapter: null } as const);
  const parts = local && {
    policy: { config: await modelArchitecture(local) },
    processor: await configuredProcessor(local),
  };
  const apiKey = readApiKey(textOption(context, "api-key-env") ?? null);
  const report = await tryTrainer({ url, apiKey, model, adapter: rank === 0 ? null : { rank } }, parts);
  context.output.out(
    context.args["json"] === true ? `${JSON.stringify(report, null, 2)}\n` : formatTrainerReport(report),
  );
  return report.reduction !== undefined && report.abilities.learning_rate.found === true ? 0 : 1;
}

async function engineDoctor(url: string, context: CommandContext): Promise<number> {
  checkAddress("engine", url);
  const { can, formatEngineReport, probeEngine, reach, readApiKey } = await import("@v-triune/engines");
  const apiKey = readApiKey(textOption(context, "api-key-env") ?? null);
  const report = await reach(url, () => probeEngine({ url, model: textOption(context, "model-name"), apiKey }));
  context.output.out(
    context.args["json"] === true ? `${JSON.stringify(report, null, 2)}\n` : formatEngineReport(report),
  );
  return can(report, "pictures") && can(report, "temperature") && can(report, "max_tokens") ? 0 : 1;
}

function checkAddress(flag: string, url: string): void {
  if (/^https?:\/\/[^/\s]+/.test(url)) return;
  throw new UsageError({
    what: `The option --${flag} has a value that can't be used.`,
    expected: "a server's address, e.g. http://127.0.0.1:8000",
    found: url,
  });
}

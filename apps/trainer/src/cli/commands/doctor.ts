import { UsageError } from "../../errors";
import { textOption, type Command, type CommandContext } from "../syntax/command";

/** What this machine, or a rollout server, offers. */
export const doctorCommand: Command = {
  meta: {
    name: "doctor",
    description: "Show which backends work here and why others do not, or what a rollout server can do",
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
    "api-key-env": {
      type: "string",
      valueHint: "variable",
      description: "With --engine: the environment variable that holds its key",
    },
    json: { type: "boolean", description: "Print JSON" },
  },
  examples: [
    "v-triune doctor",
    "v-triune doctor --engine http://127.0.0.1:8000",
    "v-triune doctor --engine http://127.0.0.1:8000 --model-name my-model",
  ],
  notes: "Exits with 1 when no backend works, or when the server can't give rollouts for training.",
  async execute(context) {
    const { args, output } = context;
    const url = textOption(context, "engine");
    if (url !== undefined) return await engineDoctor(url, context);
    const { runDoctor, formatDoctor } = await import("@v-triune/backend");
    const report = await runDoctor({ measure: args["measure"] !== false });
    output.out(args["json"] === true ? `${JSON.stringify(report, null, 2)}\n` : formatDoctor(report));
    return report.chosen === undefined ? 1 : 0;
  },
};

async function engineDoctor(url: string, context: CommandContext): Promise<number> {
  if (!/^https?:\/\/[^/\s]+/.test(url))
    throw new UsageError({
      what: "The option --engine has a value that can't be used.",
      expected: "a server's address, e.g. http://127.0.0.1:8000",
      found: url,
    });
  const { can, formatEngineReport, probeEngine, reach, readApiKey } = await import("@v-triune/engines");
  const apiKey = readApiKey(textOption(context, "api-key-env") ?? null);
  const report = await reach(url, () => probeEngine({ url, model: textOption(context, "model-name"), apiKey }));
  context.output.out(
    context.args["json"] === true ? `${JSON.stringify(report, null, 2)}\n` : formatEngineReport(report),
  );
  return can(report, "pictures") && can(report, "temperature") && can(report, "max_tokens") ? 0 : 1;
}

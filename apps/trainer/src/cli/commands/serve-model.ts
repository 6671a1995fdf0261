import { readFileSync } from "node:fs";
import { BACKEND_SETTINGS, type BackendSetting } from "@v-triune/training/config";
import { UsageError } from "../../errors";
import packageJson from "../../../package.json" with { type: "json" };
import { wholeNumber } from "../syntax/arguments";
import { type Command, type CommandContext, textOption } from "../syntax/command";

/** A server of the Tinker API over the policy of this repository. */
export const serveModelCommand: Command = {
  meta: { name: "serve-model", description: "Serve a model for training and sampling over the Tinker API" },
  args: {
    model: { type: "positional", required: true, description: "The model's folder in Hugging Face layout" },
    name: {
      type: "string",
      valueHint: "name",
      description: "The name by which clients ask for it (default: the folder)",
    },
    port: { type: "string", valueHint: "number", description: "Port to listen on; 0 takes a free one (default: 8000)" },
    host: {
      type: "string",
      valueHint: "address",
      description: "Address to listen on; 0.0.0.0 lets other machines ask (default: 127.0.0.1)",
    },
    "token-file": {
      type: "string",
      valueHint: "file",
      description: "File with a key that requests must carry; the Python SDK wants one that begins with tml-",
    },
    weights: {
      type: "string",
      valueHint: "folder",
      description: "Where weights are kept that clients save (default: served-weights)",
    },
    "max-models": {
      type: "string",
      valueHint: "number",
      description: "Most models that are trained at once; each holds the whole model (default: 4)",
    },
    "max-rank": { type: "string", valueHint: "number", description: "Largest rank of an adapter (default: 128)" },
    "max-rows": { type: "string", valueHint: "number", description: "Most rows of a request (default: 4096)" },
    "max-queue": {
      type: "string",
      valueHint: "number",
      description: "Most requests that wait; beyond it the server answers 503 (default: 4096)",
    },
    "max-body-mb": { type: "string", valueHint: "number", description: "Largest request (default: 64)" },
    "micro-batch-tokens": {
      type: "string",
      valueHint: "number",
      description: "Most tokens of one forward and backward pass (default: 4096)",
    },
    "session-timeout": {
      type: "string",
      valueHint: "seconds",
      description: "How long a client may be silent before its models are dropped (default: 300)",
    },
    backend: {
      type: "enum",
      options: [...BACKEND_SETTINGS],
      description: "As v-triune doctor lists them (default: auto)",
    },
  },
  examples: [
    "v-triune serve-model ./my-model",
    "v-triune serve-model ./Qwen2.5-VL-3B-Instruct --name qwen --max-models 1",
    "v-triune serve-model ./my-model --host 0.0.0.0 --token-file ./token",
  ],
  notes:
    "Python users of tinker set TINKER_BASE_URL to the address; v-triune train takes it as training.engine.url. " +
    "Ctrl-C ends the request that is at work, then stops; weights that clients did not save are lost.",
  async execute(context) {
    const { output } = context;
    const number = (flag: string, least: number): number | undefined =>
      wholeNumber(flag, textOption(context, flag), least);
    const given = {
      name: textOption(context, "name"),
      host: textOption(context, "host"),
      port: number("port", 0),
      weightsFolder: textOption(context, "weights"),
      maxModels: number("max-models", 1),
      maxRank: number("max-rank", 1),
      maxRows: number("max-rows", 1),
      maxQueue: number("max-queue", 1),
      microBatchTokens: number("micro-batch-tokens", 1),
      bodyBytes: scaled(number("max-body-mb", 1), 2 ** 20),
      sessionMs: scaled(number("session-timeout", 1), 1000),
      backend: textOption(context, "backend") as BackendSetting | undefined,
      token: readKey(context),
    };
    const { startModelServer } = await import("../../serve-model/model-server");
    const server = await startModelServer(
      {
        model: String(context.args["model"]),
        ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
      },
      { version: packageJson.version, note: (message) => output.err(`${message}\n`) },
    );
    output.out(`${server.model} at ${server.url}, computed by ${server.backend}\n`);
    await new Promise<void>((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
    });
    await server.close();
    return 0;
  },
};

const scaled = (value: number | undefined, unit: number): number | undefined =>
  value === undefined ? undefined : value * unit;

function readKey(context: CommandContext): string | undefined {
  const path = textOption(context, "token-file");
  if (path === undefined) return undefined;
  let key: string;
  try {
    key = readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw new UsageError({
      what: "The option --token-file cannot be used.",
      expected: "a file that can be read",
      found: (cause as Error).message,
      cause,
    });
  }
  if (/^[\x21-\x7e]{8,}$/.test(key)) return key;
  throw new UsageError({
    what: "The key cannot be used.",
    where: path,
    expected: "at least 8 visible ASCII characters",
    found: `${key.length} characters`,
    fix: "make one with: echo tml-$(openssl rand -hex 32)",
  });
}

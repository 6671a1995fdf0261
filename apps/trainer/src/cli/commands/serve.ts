import type { ArgsDef } from "citty";
import { SERVER_ARGUMENTS, settingsFromArguments } from "@v-triune/reward-server/arguments";
import { UsageError } from "../../errors";
import { ANSWER_BOXES, type AnswerBoxes } from "../syntax/answer-boxes";
import { wholeNumber } from "../syntax/arguments";
import { type Command, type CommandContext, textOption } from "../syntax/command";

/** What only a server with tasks has. */
const ENVIRONMENT_ARGUMENTS: ArgsDef = {
  openenv: {
    type: "string",
    valueHint: "corpus",
    description: "Serve the tasks of these Parquet files, too: an OpenEnv environment over HTTP and WebSocket",
  },
  "max-sessions": {
    type: "string",
    valueHint: "number",
    description: "With --openenv: most sessions at once (default: 1024)",
  },
  seed: { type: "string", valueHint: "number", description: "With --openenv: of the order of tasks (default: 1)" },
  boxes: {
    type: "enum",
    options: [...ANSWER_BOXES],
    description: "With --openenv: the convention of the boxes in answers (default: what each sample says)",
  },
};

/** The reward server, the same as `npx @v-triune/reward-server`, and the tasks of a corpus beside it. */
export const serveCommand: Command = {
  meta: { name: "serve", description: "Serve rewards over HTTP to any trainer, and tasks to OpenEnv clients" },
  args: { ...ENVIRONMENT_ARGUMENTS, ...SERVER_ARGUMENTS },
  examples: [
    "v-triune serve",
    "v-triune serve --openenv corpus/",
    "v-triune serve --port 9000 --verifier ./my-verifier.ts",
    "v-triune serve --host 0.0.0.0 --token-file ./token",
  ],
  notes:
    "The original V-Triune trainer asks /judge, OpenRLHF /openrlhf, slime /slime; verl and TRL take the file that " +
    "`npx @v-triune/rewards python-client` prints. OpenEnv clients are given the server's address. Ctrl-C answers " +
    "what was accepted, then stops.",
  async execute(context) {
    const { args, values, output } = context;
    const flags = Object.entries(SERVER_ARGUMENTS).flatMap(([name, { type }]) =>
      type === "boolean" && args[name] === true ? [[name, [""]] as const] : [],
    );
    const settings = settingsFromArguments(new Map([...values, ...flags]));
    const environment = environmentOptions(context);
    const { serveUntilSignal } = await import("@v-triune/reward-server");
    return serveUntilSignal(settings, output.out, environment);
  },
};

/** @throws UsageError for an option that needs --openenv, or a value that cannot be used */
function environmentOptions(context: CommandContext) {
  const corpus = textOption(context, "openenv");
  const given = Object.keys(ENVIRONMENT_ARGUMENTS).filter((name) => textOption(context, name) !== undefined);
  if (corpus === undefined) {
    if (given.length === 0) return undefined;
    throw new UsageError({ what: `--${given[0]} is for a server with tasks.`, fix: "add --openenv corpus/" });
  }
  const boxes = textOption(context, "boxes") as AnswerBoxes | undefined;
  const maxSessions = wholeNumber("max-sessions", textOption(context, "max-sessions"), 1);
  const seed = wholeNumber("seed", textOption(context, "seed"), 0);
  return {
    tasks: async (verifiers: readonly string[]) => {
      const { openCorpusTasks } = await import("../../openenv/corpus-tasks");
      return openCorpusTasks(corpus, {
        verifiers,
        boxes: boxes && { override: boxes, model: undefined },
        onNotice: (message) => context.output.err(`${message}\n`),
      });
    },
    ...(maxSessions !== undefined && { maxSessions }),
    ...(seed !== undefined && { seed }),
  };
}

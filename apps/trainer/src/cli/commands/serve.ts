import { SERVER_ARGUMENTS, settingsFromArguments } from "@v-triune/reward-server/arguments";
import type { Command } from "../syntax/command";

/** The reward server, the same as `npx @v-triune/reward-server`. */
export const serveCommand: Command = {
  meta: { name: "serve", description: "Serve rewards over HTTP to any trainer" },
  args: SERVER_ARGUMENTS,
  examples: [
    "v-triune serve",
    "v-triune serve --port 9000 --verifier ./my-verifier.ts",
    "v-triune serve --host 0.0.0.0 --token-file ./token",
  ],
  notes:
    "The original V-Triune trainer asks /judge, OpenRLHF /openrlhf, slime /slime; verl and TRL take the file that " +
    "`npx @v-triune/rewards python-client` prints. Ctrl-C answers what was accepted, then stops.",
  async execute({ args, values, output }) {
    const flags = Object.entries(SERVER_ARGUMENTS).flatMap(([name, { type }]) =>
      type === "boolean" && args[name] === true ? [[name, [""]] as const] : [],
    );
    const settings = settingsFromArguments(new Map([...values, ...flags]));
    const { serveUntilSignal } = await import("@v-triune/reward-server");
    return serveUntilSignal(settings, output.out);
  },
};

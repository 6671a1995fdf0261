/** The `v-triune-reward-server` command. This file owns the process: streams, signals, exit code. */
import { VTriuneError } from "@v-triune/errors";
import { parseServerArguments, settingsFromArguments } from "./cli/arguments";
import { serverHelp } from "./cli/help";
import { serveUntilSignal } from "./cli/serve";
import packageJson from "../package.json" with { type: "json" };

async function run(rawArgs: readonly string[]): Promise<number> {
  const say = (text: string) => void process.stdout.write(text);
  if (rawArgs.includes("--help") || rawArgs.includes("-h")) say(serverHelp(packageJson.version));
  else if (rawArgs.includes("--version")) say(`${packageJson.version}\n`);
  else return serveUntilSignal(settingsFromArguments(parseServerArguments(rawArgs)), say);
  return 0;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  // What a person can fix is printed without a stack.
  const canBeFixed = VTriuneError.isInstance(error);
  process.stderr.write(`${canBeFixed ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = canBeFixed ? 2 : 1;
}

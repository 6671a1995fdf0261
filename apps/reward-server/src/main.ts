/** The `v-triune-reward-server` command. This file owns the process: streams, signals, exit code. */
import { parseServerArguments, settingsFromArguments } from "./cli/arguments";
import { serverHelp } from "./cli/help";
import { serveUntilSignal } from "./cli/serve";
import { ServerConfigError } from "./settings";
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
  // What a person can put right is told without a trace.
  const isTheirs = error instanceof ServerConfigError;
  process.stderr.write(`${isTheirs ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = isTheirs ? 2 : 1;
}

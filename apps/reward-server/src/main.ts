/** The `v-triune-reward-server` command. */
import { runMain } from "@v-triune/node-kit/run-main";
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

await runMain(() => run(process.argv.slice(2)));

/** The `v-triune-monitor` command. */
import { runMain } from "@v-triune/node-kit/run-main";
import { runCommandLine } from "./commands/command-line";

await runMain(() =>
  runCommandLine(process.argv.slice(2), {
    out: (text) => void process.stdout.write(text),
    tell: (text) => void process.stderr.write(text),
  }),
);

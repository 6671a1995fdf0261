/** The `v-triune-monitor` command. */
import { DashboardError } from "./dashboard/dashboard-error";
import { runCommandLine } from "./commands/command-line";

try {
  process.exitCode = await runCommandLine(process.argv.slice(2), {
    out: (text) => void process.stdout.write(text),
    tell: (text) => void process.stderr.write(text),
  });
} catch (error) {
  if (!(error instanceof DashboardError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

/** Prints the docs site's page of all commands: their own help texts, so that no second text can differ from them. */
import { commands } from "../../apps/trainer/src/cli/commands";
import { formatCommandHelp } from "../../apps/trainer/src/cli/syntax/usage";
import { HELP as monitorHelp } from "../../packages/monitor/src/commands/command-line";

const section = (title: string, help: string): string => `## ${title}\n\n\`\`\`text\n${help.trimEnd()}\n\`\`\`\n`;

console.log(
  [
    "# Command line",
    "",
    "What each command prints with `--help`.",
    "",
    ...commands.map((command) => section(`v-triune ${command.meta.name}`, formatCommandHelp(command))),
    section("v-triune-monitor", monitorHelp),
  ].join("\n"),
);

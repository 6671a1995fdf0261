/**
 * The command line from arguments to exit code.
 */
import { parseArgs } from "citty";
import { nearest } from "@v-triune/errors";
import { UsageError } from "../errors";
import { checkArguments } from "./syntax/arguments";
import type { Output } from "./syntax/command";
import { commands } from "./commands";
import { reportError } from "./report-error";
import { formatCommandHelp, formatProgramHelp } from "./syntax/usage";
import packageJson from "../../package.json" with { type: "json" };

function findCommand(name: string) {
  const command = commands.find(({ meta }) => meta.name === name);
  if (command !== undefined) return command;
  const names = commands.map(({ meta }) => meta.name);
  const meant = nearest(name, names);
  throw new UsageError({
    what: `There is no command "${name}".`,
    expected: `one of ${names.join(", ")}`,
    fix: meant === null ? "see v-triune --help" : `did you mean "v-triune ${meant}"?`,
  });
}

async function dispatch(rawArgs: readonly string[], output: Output): Promise<number> {
  const [first, ...rest] = rawArgs[0] === "--debug" ? rawArgs.slice(1) : rawArgs;
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    const [topic] = first === "help" ? rest : [];
    output.out(
      topic === undefined ? formatProgramHelp(commands, packageJson.version) : formatCommandHelp(findCommand(topic)),
    );
    return 0;
  }
  if (first === "--version" || first === "-v") {
    output.out(`${packageJson.version}\n`);
    return 0;
  }
  if (first.startsWith("-"))
    throw new UsageError({
      what: `v-triune has no option ${first}.`,
      fix: "options follow a command; see v-triune --help",
    });
  const command = findCommand(first);
  if (rest.includes("--help") || rest.includes("-h")) {
    output.out(formatCommandHelp(command));
    return 0;
  }
  const { values, positionals } = checkArguments(first, rest, command.args);
  const missing = Object.entries(command.args).filter(([, arg]) => arg.type === "positional" && arg.required !== false)[
    positionals.length
  ];
  if (missing !== undefined) {
    throw new UsageError({
      what: `v-triune ${first} needs ${missing[0].toUpperCase()}: ${missing[1].description ?? ""}`,
      fix: `see v-triune ${first} --help`,
    });
  }
  // `--debug` is the program's own; citty would take it for a command's unknown flag.
  const args = parseArgs(
    rest.filter((argument) => argument !== "--debug"),
    command.args,
  );
  return (await command.execute({ args: args as Record<string, string | boolean | undefined>, values, output })) ?? 0;
}

/**
 * Runs a command line.
 *
 * @param rawArgs what follows the program's name
 * @returns the exit code: 0, 1 for a fault of the program, 2 for what a person can fix, else the command's own
 */
export async function runCommandLine(rawArgs: readonly string[], output: Output): Promise<number> {
  try {
    return await dispatch(rawArgs, output);
  } catch (error) {
    const { text, exitCode } = reportError(error, rawArgs.includes("--debug"));
    output.err(`${text}\n`);
    return exitCode;
  }
}

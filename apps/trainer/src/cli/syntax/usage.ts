/**
 * Help texts at 80 columns, made from the same definitions that the arguments are parsed with.
 */
import type { ArgsDef } from "citty";
import { wrapText } from "@v-triune/errors";
import { aliasesOf } from "./arguments";
import type { Command } from "./command";

const WIDTH = 80;

/** Rows of a name and a text, the texts aligned and wrapped; a name too long for its column stands on its own line. */
export function formatColumns(rows: readonly (readonly [name: string, text: string])[], width = WIDTH): string[] {
  const longest = Math.min(26, Math.max(0, ...rows.map(([name]) => name.length)));
  const indent = longest + 4;
  return rows.map(([name, text]) => {
    const wrapped = wrapText(text, width, indent);
    return name.length > longest
      ? `  ${name}\n${" ".repeat(indent)}${wrapped}`
      : `  ${name.padEnd(longest)}  ${wrapped}`;
  });
}

function optionRows(args: ArgsDef): [string, string][] {
  const rows = Object.entries(args).flatMap(([name, arg]): [string, string][] => {
    if (arg.type === "positional") return [];
    const hint = arg.type === "boolean" ? "" : ` ${(arg.valueHint ?? "value").toUpperCase()}`;
    const aliases = aliasesOf(arg).map((alias) => `-${alias}, `);
    const fallback = arg.default === undefined || arg.default === false ? "" : ` (default: ${String(arg.default)})`;
    return [[`${aliases.join("")}--${name}${hint}`, `${arg.description ?? ""}${fallback}`]];
  });
  return [...rows, ["-h, --help", "Show this text"]];
}

/** The help of one command. */
export function formatCommandHelp(command: Command): string {
  const positionals = Object.entries(command.args).filter(([, arg]) => arg.type === "positional");
  const placeholder = (name: string, arg: ArgsDef[string]): string =>
    arg.required === false ? `[${name.toUpperCase()}]` : name.toUpperCase();
  const usage = [
    "v-triune",
    command.meta.name,
    ...positionals.map(([name, arg]) => placeholder(name, arg)),
    "[OPTIONS]",
  ].join(" ");
  const sections = [
    wrapText(command.meta.description, WIDTH, 0),
    `Usage: ${usage}`,
    ...(positionals.length === 0
      ? []
      : [formatColumns(positionals.map(([name, arg]) => [name.toUpperCase(), arg.description ?? ""])).join("\n")]),
    ["Options:", ...formatColumns(optionRows(command.args))].join("\n"),
    ["Examples:", ...command.examples.map((line) => `  ${line}`)].join("\n"),
    ...(command.notes === undefined ? [] : [wrapText(command.notes, WIDTH, 0)]),
  ];
  return `${sections.join("\n\n")}\n`;
}

/** The help of the program: its commands and where to begin. */
export function formatProgramHelp(commands: readonly Command[], version: string): string {
  return [
    `v-triune ${version}: reinforcement learning for vision-language models`,
    "Usage: v-triune COMMAND [OPTIONS]",
    ["Commands:", ...formatColumns(commands.map(({ meta }) => [meta.name, meta.description]))].join("\n"),
    [
      "Options:",
      ...formatColumns([
        ["-h, --help", "Show this text, or a command's own: v-triune train --help"],
        ["--version", "Show the version"],
        ["--debug", "Show where in the program an error came from"],
      ]),
    ].join("\n"),
    "Begin with `v-triune demo`: it trains a small model here in a few minutes.\n",
  ].join("\n\n");
}

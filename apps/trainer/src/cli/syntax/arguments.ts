/**
 * What citty's parser leaves to the program: flags that do not exist, options given several times, numbers.
 */
import type { ArgsDef } from "citty";
import { nearest } from "@v-triune/errors";
import { UsageError } from "../../errors";

/** Options that every command takes. */
export const GLOBAL_FLAGS = ["help", "h", "debug"];

/** An option's short forms. */
export const aliasesOf = (arg: ArgsDef[string]): string[] =>
  "alias" in arg ? [(arg as { alias?: string | string[] }).alias ?? []].flat() : [];

interface Flag {
  readonly name: string;
  readonly takesValue: boolean;
  /** The values it may have. Default any. */
  readonly options?: readonly string[] | undefined;
}

function flagsOf(args: ArgsDef): Map<string, Flag> {
  const flags = new Map<string, Flag>(GLOBAL_FLAGS.map((name) => [name, { name, takesValue: false }]));
  for (const [name, arg] of Object.entries(args)) {
    if (arg.type === "positional") continue;
    const flag = {
      name,
      takesValue: arg.type !== "boolean",
      options: arg.type === "enum" ? (arg as { options?: string[] }).options : undefined,
    };
    for (const spelling of [name, ...aliasesOf(arg)]) flags.set(spelling, flag);
    if (arg.type === "boolean") flags.set(`no-${name}`, flag);
  }
  return flags;
}

/**
 * Goes through the raw arguments once and refuses what the definitions do not cover.
 *
 * @returns the values of each option in order of appearance, and the positional arguments
 * @throws UsageError for a flag that does not exist, an option without its value or with one it can't have, an argument
 *   too many
 */
export function checkArguments(
  command: string,
  rawArgs: readonly string[],
  args: ArgsDef,
): { readonly values: ReadonlyMap<string, readonly string[]>; readonly positionals: readonly string[] } {
  const flags = flagsOf(args);
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (let i = 0; i < rawArgs.length; i += 1) {
    const argument = rawArgs[i]!;
    if (argument === "--") {
      positionals.push(...rawArgs.slice(i + 1));
      break;
    }
    if (!argument.startsWith("-") || argument === "-") {
      positionals.push(argument);
      continue;
    }
    const [spelling, inline] = splitOnce(argument.replace(/^--?/, ""), "=");
    const flag = flags.get(spelling);
    if (flag === undefined) {
      const dashes = argument.startsWith("--") ? "--" : "-";
      const meant = nearest(
        spelling,
        [...flags.keys()].filter((name) => name.length > 1 && !name.startsWith("no-")),
      );
      throw new UsageError({
        what: `v-triune ${command} has no option ${dashes}${spelling}.`,
        fix: meant === null ? `see v-triune ${command} --help` : `did you mean --${meant}?`,
      });
    }
    if (!flag.takesValue) continue;
    const value = inline ?? rawArgs[(i += 1)];
    if (value === undefined)
      throw new UsageError({ what: `The option --${flag.name} needs a value.`, fix: `see v-triune ${command} --help` });
    if (flag.options !== undefined && !flag.options.includes(value)) {
      const meant = nearest(value, flag.options);
      throw new UsageError({
        what: `The option --${flag.name} has a value that can't be used.`,
        expected: `one of ${flag.options.join(", ")}`,
        found: value,
        fix: meant === null ? undefined : `did you mean --${flag.name} ${meant}?`,
      });
    }
    values.set(flag.name, [...(values.get(flag.name) ?? []), value]);
  }
  const allowed = Object.values(args).filter((arg) => arg.type === "positional").length;
  if (positionals.length > allowed) {
    throw new UsageError({
      what:
        `v-triune ${command} takes ` +
        `${allowed === 0 ? "no arguments" : allowed === 1 ? "one argument" : `${allowed} arguments`}.`,
      found: positionals.join(" "),
      fix: `see v-triune ${command} --help`,
    });
  }
  return { values, positionals };
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/**
 * A number from an option.
 *
 * @returns undefined when the option was not given
 * @throws UsageError if it is not one
 */
export function decimalNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw new UsageError({
      what: `The option --${name} has a value that can't be used.`,
      expected: "a number",
      found: text === "" ? "nothing" : text,
    });
  return value;
}

/**
 * A whole number from an option.
 *
 * @returns undefined when the option was not given
 * @throws UsageError when it is not a whole number of at least `least`
 */
export function wholeNumber(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    throw new UsageError({
      what: `The option --${name} has a value that can't be used.`,
      expected: `a whole number of at least ${least}`,
      found: text === "" ? "nothing" : text,
    });
  }
  return value;
}

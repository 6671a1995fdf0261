/** The command line of `v-triune-reward-server` and `v-triune serve`, made from the table of options. */
import { parseArgs } from "node:util";
import type { ArgsDef } from "citty";
import { SERVER_OPTIONS, describeOption, type ServerOption } from "../options";
import { ServerConfigError, type RewardServerSettings } from "../settings";

/** The options that have a flag, by flag. */
const byFlag = new Map(
  (Object.entries(SERVER_OPTIONS) as [keyof RewardServerSettings, ServerOption<unknown>][]).flatMap(
    ([setting, option]) => (option.flag === undefined ? [] : [[option.flag, { setting, option }] as const]),
  ),
);

/** The flags as citty takes them. */
export const SERVER_ARGUMENTS: ArgsDef = Object.fromEntries(
  [...byFlag].map(([flag, { option }]) => [flag, argument(option)]),
);

function argument(option: ServerOption<unknown>): ArgsDef[string] {
  const { hint, choices } = option;
  const description = describeOption(option);
  if (choices !== undefined) return { type: "enum", options: [...choices], description };
  if (hint === undefined) return { type: "boolean", description };
  return { type: "string", valueHint: hint, description };
}

/** Each flag's values in the order of the command line; those of a flag without a value are empty texts. */
export type ArgumentValues = ReadonlyMap<string, readonly string[]>;

/**
 * Reads a command line.
 *
 * @throws ServerConfigError for a flag that does not exist or lacks its value, or for an argument too many
 */
export function parseServerArguments(rawArgs: readonly string[]): ArgumentValues {
  const options = Object.fromEntries(
    [...byFlag].map(([flag, { option }]) => {
      const type = option.hint === undefined ? ("boolean" as const) : ("string" as const);
      return [flag, { type, multiple: true }];
    }),
  );
  try {
    const { values } = parseArgs({ args: [...rawArgs], options, strict: true, allowPositionals: false });
    return new Map(
      Object.entries(values).map(([flag, found]) => [
        flag,
        (found as (string | boolean)[]).map((value) => (typeof value === "string" ? value : "")),
      ]),
    );
  } catch (error) {
    throw new ServerConfigError({
      what: "The command line cannot be understood.",
      expected: "the options that --help lists",
      found: (error as Error).message.replace(/\. .*/s, ""),
      fix: "see v-triune-reward-server --help",
      cause: error,
    });
  }
}

/**
 * Turns flags into settings; reads the token's file and finds the verifiers' modules.
 *
 * @throws ServerConfigError naming the flag
 */
export function settingsFromArguments(values: ArgumentValues): Partial<RewardServerSettings> {
  return Object.fromEntries(
    [...values].flatMap(([flag, texts]) => {
      const known = byFlag.get(flag);
      return known === undefined ? [] : [[known.setting, known.option.read(texts)] as const];
    }),
  );
}

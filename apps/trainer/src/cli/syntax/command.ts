import type { ArgsDef } from "citty";

/** Where the program writes; tests give their own. */
export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export interface CommandContext {
  /** By name; flags are boolean, options text. Of an option given several times this is the last. */
  readonly args: Readonly<Record<string, string | boolean | undefined>>;
  /** Every value of each option, in order. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly output: Output;
}

/**
 * One command of the program. Its definition is light; what it needs to run is imported when it runs, so that help and
 * complaints come at once.
 */
export interface Command {
  readonly meta: { readonly name: string; readonly description: string };
  readonly args: ArgsDef;
  /** The values that the first argument may have, for shells to complete. Default: a file name. */
  readonly firstArguments?: readonly string[];
  /** Command lines to copy, shown under the options. */
  readonly examples: readonly string[];
  /** Shown last: what else one should know. */
  readonly notes?: string;
  /** @returns the exit code; 0 when nothing is returned */
  execute(context: CommandContext): Promise<number | void>;
}

/** A text option that was given, undefined otherwise. */
export function textOption({ args }: CommandContext, name: string): string | undefined {
  const value = args[name];
  return typeof value === "string" ? value : undefined;
}

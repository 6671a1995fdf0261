import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { ArgsDef } from "citty";
import type { VerifierModule } from "@v-triune/rewards/isolated";
import { ServerConfigError, type RewardServerSettings, type ServerEpsilon } from "../settings";

/** The options of `v-triune-reward-server` and `v-triune serve`, one table for parsing, checking and help. */
export const SERVER_ARGUMENTS = {
  port: { type: "string", valueHint: "number", description: "Default 8000; 0 takes a free one" },
  host: { type: "string", valueHint: "address", description: "Default 127.0.0.1, this machine only; 0.0.0.0 for all" },
  workers: { type: "string", valueHint: "number", description: "Default one a core" },
  "max-spare-workers": {
    type: "string",
    valueHint: "number",
    description: "Most beyond these while some are stuck; default 4",
  },
  verifier: {
    type: "string",
    valueHint: "file",
    description: "A module with a verifier of yours, ./mine.ts or ./mine.js#name; may be repeated",
  },
  isolation: {
    type: "enum",
    options: ["thread", "process"],
    description: "process holds up against verifiers that end their process",
  },
  "deadline-ms": {
    type: "string",
    valueHint: "number",
    description: "What one sample may take once it runs; default 5000",
  },
  "memory-mb": { type: "string", valueHint: "number", description: "Memory of a worker; default 256" },
  "iou-threshold": {
    type: "string",
    valueHint: "average|dynamic|number",
    description: "Of detection, where a sample states none; default average",
  },
  sum: { type: "boolean", description: "Rewards are the weighted sum, not divided by the weights" },
  compat: {
    type: "enum",
    options: ["none", "original"],
    description: "original: the original server's numbers, zeros for faults included",
  },
  "default-verifier": {
    type: "string",
    valueHint: "name",
    description: "For /openrlhf and /slime labels that name none; default mathverify",
  },
  "unscored-reward": {
    type: "string",
    valueHint: "number",
    description: "What /openrlhf and /slime answer for a sample that is not scored; default 0",
  },
  "on-error": {
    type: "enum",
    options: ["skip", "raise"],
    description: "A sample of these that cannot be judged is left out, or its request refused; default skip",
  },
  "token-file": { type: "string", valueHint: "file", description: "Requests must carry this bearer token" },
  cors: { type: "string", valueHint: "origin", description: "Pages of this origin may ask; off unless given" },
  "max-body-mb": { type: "string", valueHint: "number", description: "Largest request; default 32" },
  "max-batch": { type: "string", valueHint: "number", description: "Most samples in a request; default 4096" },
  "max-queue": { type: "string", valueHint: "number", description: "Most samples waiting, 503 beyond; default 32768" },
  "request-timeout-ms": {
    type: "string",
    valueHint: "number",
    description: "What a client may take to send a request; default 60000",
  },
  "idle-timeout-ms": {
    type: "string",
    valueHint: "number",
    description: "A connection without any traffic is closed; default 300000",
  },
  "drain-ms": {
    type: "string",
    valueHint: "number",
    description: "Time to answer what was accepted after SIGTERM; default 30000",
  },
  "log-level": { type: "enum", options: ["debug", "info", "warn", "error", "silent"], description: "Default info" },
  "log-text": { type: "boolean", description: "Let texts of requests appear in the log" },
} as const satisfies ArgsDef;

/** Each option's values in order of appearance; a flag's are empty texts. */
export type ArgumentValues = ReadonlyMap<string, readonly string[]>;

/**
 * Reads a command line.
 *
 * @throws ServerConfigError for an option that does not exist, lacks its value, or an argument too many
 */
export function parseServerArguments(rawArgs: readonly string[]): ArgumentValues {
  const options = Object.fromEntries(
    Object.entries(SERVER_ARGUMENTS).map(([name, { type }]) => [
      name,
      { type: type === "boolean" ? ("boolean" as const) : ("string" as const), multiple: true },
    ]),
  );
  try {
    const { values } = parseArgs({ args: [...rawArgs], options, strict: true, allowPositionals: false });
    return new Map(
      Object.entries(values).map(([name, found]) => [
        name,
        (found as (string | boolean)[]).map((value) => (typeof value === "string" ? value : "")),
      ]),
    );
  } catch (error) {
    throw new ServerConfigError(
      "The command line can't be understood.",
      "the options that --help lists",
      (error as Error).message.replace(/\. .*/s, ""),
      "see v-triune-reward-server --help",
      { cause: error },
    );
  }
}

/**
 * Turns options into settings; reads the token's file and finds the verifiers' modules.
 *
 * @throws ServerConfigError naming the option
 */
export function settingsFromArguments(values: ArgumentValues): Partial<RewardServerSettings> {
  const text = (name: keyof typeof SERVER_ARGUMENTS): string | undefined => values.get(name)?.at(-1);
  const number = (name: keyof typeof SERVER_ARGUMENTS, scale = 1): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    if (!/^-?\d+(\.\d+)?$/.test(value))
      throw new ServerConfigError(`The option --${name} can't be used.`, "a number", value || "nothing");
    return Math.round(Number(value) * scale);
  };
  const oneOf = <T extends string>(name: keyof typeof SERVER_ARGUMENTS): T | undefined => {
    const value = text(name);
    const { options } = SERVER_ARGUMENTS[name] as { readonly options: readonly string[] };
    if (value !== undefined && !options.includes(value))
      throw new ServerConfigError(
        `The option --${name} can't be used.`,
        `one of ${options.join(", ")}`,
        value || "nothing",
      );
    return value as T | undefined;
  };
  const flag = (name: keyof typeof SERVER_ARGUMENTS): boolean | undefined => (values.has(name) ? true : undefined);
  const unscored = text("unscored-reward");
  const requestMs = number("request-timeout-ms");
  return given({
    port: number("port"),
    host: text("host"),
    workers: number("workers"),
    maxSpareWorkers: number("max-spare-workers"),
    verifiers: values.get("verifier")?.map(verifierModule),
    isolation: oneOf("isolation"),
    deadlineMs: number("deadline-ms"),
    memoryMb: number("memory-mb"),
    epsilon: epsilonOf(text("iou-threshold")),
    normalised: flag("sum") === true ? false : undefined,
    compat: oneOf("compat"),
    defaultVerifier: text("default-verifier"),
    unscoredReward: unscored === undefined ? undefined : Number(unscored === "" ? Number.NaN : unscored),
    onError: oneOf("on-error"),
    token: readToken(text("token-file")),
    corsOrigin: text("cors"),
    bodyBytes: number("max-body-mb", 2 ** 20),
    batch: number("max-batch"),
    queue: number("max-queue"),
    requestMs,
    idleMs: number("idle-timeout-ms"),
    drainMs: number("drain-ms"),
    logLevel: oneOf("log-level"),
    logText: flag("log-text"),
  });
}

function given(settings: {
  readonly [K in keyof RewardServerSettings]?: RewardServerSettings[K] | undefined;
}): Partial<RewardServerSettings> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function epsilonOf(value: string | undefined): ServerEpsilon | undefined {
  if (value === undefined || value === "average" || value === "dynamic") return value;
  const epsilon = Number(value);
  if (value !== "" && epsilon > 0 && epsilon <= 1) return epsilon;
  throw new ServerConfigError(
    "The option --iou-threshold can't be used.",
    "average, dynamic or a number in (0, 1]",
    value || "nothing",
  );
}

/** `./mine.ts#name` or a package's name; a path is one that starts with a dot or a slash, or names a file that is there. */
function verifierModule(value: string): VerifierModule {
  const [, module = "", name] = /^(.*?)(?:#([\w$]+))?$/.exec(value) ?? [];
  const isPath = /^(\.|\/|[A-Za-z]:\\)/.test(module) || existsSync(module);
  if (isPath && !existsSync(module))
    throw new ServerConfigError("The option --verifier can't be used.", "a file that exists", resolve(module));
  if (module === "")
    throw new ServerConfigError("The option --verifier can't be used.", "a file or a package", "nothing");
  return { module: isPath ? pathToFileURL(resolve(module)).href : module, ...(name !== undefined && { export: name }) };
}

function readToken(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  let token: string;
  try {
    token = readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new ServerConfigError(
      "The option --token-file can't be used.",
      "a file that can be read",
      (error as Error).message,
      undefined,
      { cause: error },
    );
  }
  if (!/^[\x21-\x7e]{8,}$/.test(token))
    throw new ServerConfigError(
      `The token in ${path} can't be used.`,
      "at least 8 visible ASCII characters",
      `${token.length} characters`,
      "openssl rand -hex 32 makes one",
    );
  return token;
}

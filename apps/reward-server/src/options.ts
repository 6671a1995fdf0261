/**
 * Every option of the server, stated once: default, limits, flag and help. The checks, the command line, its help and
 * the table in docs/reward-server.md are made from this.
 */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { VerifierModule } from "@v-triune/rewards/isolated";
import { ServerConfigError, type RewardServerSettings } from "./settings";

/** One option, as a setting and on the command line. */
export interface ServerOption<Value> {
  /** The flag without its dashes; undefined for a setting that only programs have. */
  readonly flag: string | undefined;
  readonly help: string;
  /** What the flag's value is called in the help; undefined for a flag without a value. */
  readonly hint: string | undefined;
  /** The values, if there are only a few. */
  readonly choices: readonly string[] | undefined;
  /** The default as the help shows it; undefined if off is the default. */
  readonly shownDefault: string | undefined;
  initial(): Value;
  /**
   * Reads the flag's values in the order of the command line; one empty text for a flag without a value.
   * @throws ServerConfigError
   */
  read(texts: readonly string[]): Value;
  /** What a value has to be, if this one cannot be used. */
  problem(value: Value): string | undefined;
}

/** An option's help with its default. */
export function describeOption({ help, shownDefault }: ServerOption<unknown>): string {
  return shownDefault === undefined ? help : `${help} (default: ${shownDefault})`;
}

type Given<Value> = Pick<ServerOption<Value>, "flag" | "help"> & Partial<ServerOption<Value>>;

/** An option whose value is read from the last text given. */
function option<Value>(
  initial: Value | (() => Value),
  parse: (text: string, flag: string) => Value,
  given: Given<Value>,
): ServerOption<Value> {
  const isComputed = typeof initial === "function";
  return {
    hint: undefined,
    choices: undefined,
    shownDefault: isComputed || initial === undefined ? undefined : String(initial),
    initial: isComputed ? (initial as () => Value) : () => initial,
    read: (texts) => parse(texts.at(-1) ?? "", given.flag ?? ""),
    problem: () => undefined,
    ...given,
  };
}

interface WholeNumberGiven extends Given<number> {
  readonly initial: () => number;
  readonly least: number;
  readonly most?: number;
  /**
   * How many of the setting's units one of the flag's units is: 1024 for KB on the command line and bytes in the
   * settings.
   */
  readonly unit?: number;
}

function wholeNumber({ least, most, unit = 1, initial, ...given }: WholeNumberGiven): ServerOption<number> {
  const expected = most === undefined ? `a whole number of at least ${least}` : `${least} to ${most}`;
  return option(initial, (text, flag) => Math.round(readNumber(text, flag) * unit), {
    hint: "number",
    shownDefault: String(initial() / unit),
    problem: (value) =>
      Number.isSafeInteger(value) && value >= least && value <= (most ?? Infinity) ? undefined : expected,
    ...given,
  });
}

function oneOf<const Choice extends string>(
  initial: Choice,
  choices: readonly Choice[],
  given: Given<Choice>,
): ServerOption<Choice> {
  const parse = (text: string, flag: string): Choice => {
    if ((choices as readonly string[]).includes(text)) return text as Choice;
    throw refused(flag, `one of ${choices.join(", ")}`, text);
  };
  return option(initial as Choice, parse, { hint: choices.join("|"), choices, ...given });
}

const text = (initial: string, hint: string, given: Given<string>): ServerOption<string> =>
  option(initial, (value) => value, { hint, ...given });

/** A flag without a value, and what the setting is if it is given. */
const toggle = (whenGiven: boolean, given: Given<boolean>): ServerOption<boolean> =>
  option<boolean>(!whenGiven, () => whenGiven, { shownDefault: undefined, ...given });

/** The options by setting, in the order of the help. */
export const SERVER_OPTIONS: {
  readonly [Name in keyof RewardServerSettings]: ServerOption<RewardServerSettings[Name]>;
} = {
  port: wholeNumber({
    flag: "port",
    help: "Port to listen on; 0 takes a free one",
    initial: () => 8000,
    least: 0,
    most: 65_535,
  }),
  host: text("127.0.0.1", "address", {
    flag: "host",
    help: "Address to listen on; 0.0.0.0 lets other machines ask",
  }),
  workers: wholeNumber({
    flag: "workers",
    help: "Workers that judge",
    initial: availableParallelism,
    shownDefault: "one per core",
    least: 1,
  }),
  maxSpareWorkers: wholeNumber({
    flag: "max-spare-workers",
    help: "More workers while some are stuck in a sample",
    initial: () => 4,
    least: 0,
  }),
  verifiers: option<readonly VerifierModule[]>([], (value, flag) => [verifierModule(value, flag)], {
    flag: "verifier",
    hint: "file",
    help: "A module with your own verifier, ./mine.mts or ./mine.mjs#name; may be repeated",
    shownDefault: undefined,
    read: (values) => values.map((value) => verifierModule(value, "verifier")),
  }),
  judge: option<string | undefined>(undefined, (value) => value, {
    flag: "judge",
    hint: "file",
    help: "Settings of a judge, for samples whose verifier is judge",
    problem: (path) => (path === undefined || existsSync(path) ? undefined : "a file that exists"),
  }),
  isolation: oneOf("thread", ["thread", "process"], {
    flag: "isolation",
    help: "What a worker is; processes withstand verifiers that end their process",
  }),
  deadlineMs: wholeNumber({
    flag: "deadline-ms",
    help: "Time that judging one sample may take, counted from its start",
    initial: () => 5000,
    least: 1,
  }),
  memoryMb: wholeNumber({ flag: "memory-mb", help: "Memory of a worker", initial: () => 256, least: 16 }),
  epsilon: option<RewardServerSettings["epsilon"]>("average", readEpsilon, {
    flag: "iou-threshold",
    hint: "average|dynamic|number",
    help: "IoU threshold of detection for samples that state none",
    problem: (value) => (isEpsilon(value) ? undefined : '"average", "dynamic" or a number in (0, 1]'),
  }),
  normalized: toggle(false, {
    flag: "sum",
    help: "Rewards are the weighted sum, not divided by the weights",
  }),
  compat: oneOf("none", ["none", "original"], {
    flag: "compat",
    help: "original: the original server's numbers, and its zeros for faults",
  }),
  defaultVerifier: text("mathverify", "name", {
    flag: "default-verifier",
    help: "Verifier of /openrlhf and /slime labels that name none",
  }),
  unscoredReward: option<number>(0, (value) => Number(value === "" ? Number.NaN : value), {
    flag: "unscored-reward",
    hint: "number",
    help: "Reward on /openrlhf and /slime of a sample that is not scored",
    problem: (value) => (Number.isFinite(value) ? undefined : "a finite number"),
  }),
  onError: oneOf("skip", ["skip", "raise"], {
    flag: "on-error",
    help: "Samples of these that cannot be judged: skip gives them the unscored reward, raise refuses the request",
  }),
  token: option<string | undefined>(undefined, readToken, {
    flag: "token-file",
    hint: "file",
    help: "File with a bearer token that requests must carry",
    problem: (token) => (token === undefined || token.length >= 8 ? undefined : "at least 8 characters"),
  }),
  corsOrigin: option<string | undefined>(undefined, (value) => value, {
    flag: "cors",
    hint: "origin",
    help: "Origin whose pages may ask",
  }),
  bodyBytes: wholeNumber({
    flag: "max-body-mb",
    help: "Largest request",
    initial: () => 32 * 2 ** 20,
    least: 1,
    unit: 2 ** 20,
  }),
  batch: wholeNumber({ flag: "max-batch", help: "Most samples in a request", initial: () => 4096, least: 1 }),
  queue: wholeNumber({
    flag: "max-queue",
    help: "Most samples that wait; beyond it the server answers 503",
    initial: () => 32_768,
    least: 1,
  }),
  headersMs: wholeNumber({
    flag: undefined,
    help: "Time that a client may take to send its headers",
    initial: () => 10_000,
    least: 1,
  }),
  requestMs: wholeNumber({
    flag: "request-timeout-ms",
    help: "Time that a client may take to send a request",
    initial: () => 60_000,
    least: 1,
  }),
  idleMs: wholeNumber({
    flag: "idle-timeout-ms",
    help: "Time without traffic after which a connection is closed",
    initial: () => 300_000,
    least: 1,
  }),
  drainMs: wholeNumber({
    flag: "drain-ms",
    help: "Time to answer what was accepted before SIGTERM",
    initial: () => 30_000,
    least: 0,
  }),
  untilStdinEnds: toggle(true, {
    flag: "until-stdin-ends",
    help: "Stop when standard input ends, for programs that start the server",
  }),
  logLevel: oneOf("info", ["debug", "info", "warn", "error", "silent"], {
    flag: "log-level",
    help: "Least severe messages of the log",
  }),
  logText: toggle(true, { flag: "log-text", help: "Allow texts of requests in the log" }),
};

/** An option's flag whose value cannot be used. */
function refused(flag: string, expected: string, found: string): ServerConfigError {
  return new ServerConfigError({
    what: `The option --${flag} cannot be used.`,
    expected,
    found: found === "" ? "nothing" : found,
  });
}

function readNumber(value: string, flag: string): number {
  if (/^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  throw refused(flag, "a number", value);
}

function readEpsilon(value: string, flag: string): RewardServerSettings["epsilon"] {
  if (value === "average" || value === "dynamic") return value;
  const epsilon = Number(value);
  if (value !== "" && isEpsilon(epsilon)) return epsilon;
  throw refused(flag, "average, dynamic or a number in (0, 1]", value);
}

const isEpsilon = (value: unknown): boolean =>
  value === "average" || value === "dynamic" || (typeof value === "number" && value > 0 && value <= 1);

/** `./mine.mts#name` or a package's name. A path starts with a dot or a slash, or names a file that exists. */
function verifierModule(value: string, flag: string): VerifierModule {
  const [, module = "", name] = /^(.*?)(?:#([\w$]+))?$/.exec(value) ?? [];
  const isPath = /^(\.|\/|[A-Za-z]:\\)/.test(module) || existsSync(module);
  if (isPath && !existsSync(module)) throw refused(flag, "a file that exists", resolve(module));
  if (module === "") throw refused(flag, "a file or a package", "");
  return { module: isPath ? pathToFileURL(resolve(module)).href : module, ...(name !== undefined && { export: name }) };
}

function readToken(path: string, flag: string): string {
  let token: string;
  try {
    token = readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new ServerConfigError({
      what: `The option --${flag} cannot be used.`,
      expected: "a file that can be read",
      found: (error as Error).message,
      cause: error,
    });
  }
  if (/^[\x21-\x7e]{8,}$/.test(token)) return token;
  throw new ServerConfigError({
    what: "The bearer token cannot be used.",
    where: path,
    expected: "at least 8 visible ASCII characters",
    found: `${token.length} characters`,
    fix: "make one with: openssl rand -hex 32",
  });
}

/** What a reward server is told, and its defaults. */
import { availableParallelism } from "node:os";
import type { VerifierModule } from "@v-triune/rewards/isolated";

/** The IoU threshold of the built-in detection verifier: a number, the mean over eleven of them, or the schedule by step. */
export type ServerEpsilon = number | "average" | "dynamic";

/** Settings of a reward server. */
export interface RewardServerSettings {
  /** Default 127.0.0.1: other machines reach it only when told so. */
  readonly host: string;
  /** Default 8000; 0 takes a free one. */
  readonly port: number;
  /** Default one a core. */
  readonly workers: number;
  /** Most workers beyond these while some are stuck in a sample, so that those still judging stay as many. */
  readonly maxSpareWorkers: number;
  /** `process` for verifiers that can end their whole process. */
  readonly isolation: "thread" | "process";
  /** Milliseconds that judging one sample may take, from when it starts. */
  readonly deadlineMs: number;
  /** Most old-generation memory of a worker, in MB. */
  readonly memoryMb: number;
  /** Verifiers beside the built-in ones. */
  readonly verifiers: readonly VerifierModule[];
  /** Divide rewards by the sum of the ratios. */
  readonly normalised: boolean;
  readonly epsilon: ServerEpsilon;
  /** `original`: the original server's numbers and its zeros for faults. */
  readonly compat: "none" | "original";
  /** The verifier of `/openrlhf` and `/slime` samples whose label names none. */
  readonly defaultVerifier: string;
  /** What `/openrlhf` and `/slime`, which have no word for it, answer for a sample that is not scored. */
  readonly unscoredReward: number;
  /** What `/openrlhf` and `/slime` do when a sample cannot be judged: give it `unscoredReward`, or refuse the request. */
  readonly onError: "skip" | "raise";
  /** The bearer token that requests must carry; none unless given. */
  readonly token: string | undefined;
  /** The origin whose pages may ask; none unless given. */
  readonly corsOrigin: string | undefined;
  /** Largest request body. */
  readonly bodyBytes: number;
  /** Most samples in one request. */
  readonly batch: number;
  /** Most samples accepted and not yet answered; beyond them 503. */
  readonly queue: number;
  /** How long a client may take to send its headers, and its whole request. */
  readonly headersMs: number;
  readonly requestMs: number;
  /** A connection on which nothing moves for so long is closed, also in the middle of a reply that nobody reads. */
  readonly idleMs: number;
  /** How long what was accepted may take once the server was told to stop. */
  readonly drainMs: number;
  readonly logLevel: "debug" | "info" | "warn" | "error" | "silent";
  /** Whether responses and gold answers may appear in the log. */
  readonly logText: boolean;
}

/** Settings that cannot be used: what was expected and found, and what to do. */
export class ServerConfigError extends Error {
  override readonly name = "ServerConfigError";
  constructor(
    readonly what: string,
    readonly expected: string,
    readonly found: string,
    readonly fix?: string,
    options?: ErrorOptions,
  ) {
    super(
      [
        what,
        `  expected: ${expected}`,
        `  found:    ${found}`,
        ...(fix === undefined ? [] : [`  do:       ${fix}`]),
      ].join("\n"),
      options,
    );
  }
}

/** The defaults. */
export function defaultSettings(): RewardServerSettings {
  return {
    host: "127.0.0.1",
    port: 8000,
    workers: availableParallelism(),
    maxSpareWorkers: 4,
    isolation: "thread",
    deadlineMs: 5000,
    memoryMb: 256,
    verifiers: [],
    normalised: true,
    epsilon: "average",
    compat: "none",
    defaultVerifier: "mathverify",
    unscoredReward: 0,
    onError: "skip",
    token: undefined,
    corsOrigin: undefined,
    bodyBytes: 32 * 2 ** 20,
    batch: 4096,
    queue: 32_768,
    headersMs: 10_000,
    requestMs: 60_000,
    idleMs: 300_000,
    drainMs: 30_000,
    logLevel: "info",
    logText: false,
  };
}

const LEAST = {
  port: 0,
  workers: 1,
  maxSpareWorkers: 0,
  deadlineMs: 1,
  memoryMb: 16,
  bodyBytes: 1,
  batch: 1,
  queue: 1,
  headersMs: 1,
  requestMs: 1,
  idleMs: 1,
  drainMs: 0,
} as const;

/**
 * Fills in the defaults and checks the ranges.
 *
 * @throws ServerConfigError naming the setting
 */
export function completeSettings(given: Partial<RewardServerSettings>): RewardServerSettings {
  const settings = {
    ...defaultSettings(),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  } as RewardServerSettings;
  for (const [name, least] of Object.entries(LEAST) as [keyof typeof LEAST, number][]) {
    const value = settings[name];
    if (!(Number.isSafeInteger(value) && value >= least))
      throw new ServerConfigError(
        `The setting ${name} can't be used.`,
        `a whole number of at least ${least}`,
        String(value),
      );
  }
  if (settings.port > 65_535)
    throw new ServerConfigError("The setting port can't be used.", "0 to 65535", String(settings.port));
  if (settings.queue < settings.batch)
    throw new ServerConfigError(
      "The queue is smaller than one batch.",
      `queue of at least batch, ${settings.batch}`,
      String(settings.queue),
      "raise --max-queue or lower --max-batch",
    );
  if (!Number.isFinite(settings.unscoredReward))
    throw new ServerConfigError(
      "The setting unscoredReward can't be used.",
      "a finite number",
      String(settings.unscoredReward),
    );
  if (settings.onError !== "skip" && settings.onError !== "raise")
    throw new ServerConfigError("The setting onError can't be used.", '"skip" or "raise"', String(settings.onError));
  const { epsilon } = settings;
  if (
    !(epsilon === "average" || epsilon === "dynamic" || (typeof epsilon === "number" && epsilon > 0 && epsilon <= 1))
  ) {
    throw new ServerConfigError(
      "The setting epsilon can't be used.",
      '"average", "dynamic" or a number in (0, 1]',
      String(epsilon),
    );
  }
  if (settings.token !== undefined && settings.token.length < 8)
    throw new ServerConfigError("The bearer token is too short.", "at least 8 characters", `${settings.token.length}`);
  return settings;
}

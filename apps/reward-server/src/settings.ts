/** What a reward server can be told. Defaults, limits and flags of the command line are in options.ts. */
import { VTriuneError } from "@v-triune/errors";
import type { VerifierModule } from "@v-triune/rewards/isolated";
import type { DetectionVerifierOptions } from "@v-triune/verifiers";

/** Settings of a reward server. */
export interface RewardServerSettings {
  /** The address to listen on. Other machines reach the server only if this is not a loopback address. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly workers: number;
  /** The number of workers beyond these that may run while some are stuck in a sample. */
  readonly maxSpareWorkers: number;
  /** Verifiers besides the built-in ones. */
  readonly verifiers: readonly VerifierModule[];
  /** The settings of a judge, for samples whose verifier is `judge`: a JSON file. */
  readonly judge: string | undefined;
  /** `process` for verifiers that can end their whole process. */
  readonly isolation: "thread" | "process";
  /** Milliseconds that judging one sample may take, counted from its start. */
  readonly deadlineMs: number;
  /** The largest old generation of a worker's memory, in MB. */
  readonly memoryMb: number;
  /**
   * The IoU threshold of the built-in detection verifier: a number, the mean over eleven of them, or the schedule by
   * step.
   */
  readonly epsilon: NonNullable<DetectionVerifierOptions["epsilon"]>;
  /** Divide rewards by the sum of the ratios. */
  readonly normalized: boolean;
  /** `original`: the original server's numbers, and its zeros for faults. */
  readonly compat: "none" | "original";
  /** The verifier of `/openrlhf` and `/slime` samples whose label names none. */
  readonly defaultVerifier: string;
  /** The reward on `/openrlhf` and `/slime` of a sample that is not scored: their contracts cannot say so. */
  readonly unscoredReward: number;
  /**
   * What `/openrlhf` and `/slime` do with a sample that cannot be judged: give it `unscoredReward`, or refuse the
   * request.
   */
  readonly onError: "skip" | "raise";
  /** The bearer token that requests must carry, if any. */
  readonly token: string | undefined;
  /** The origin whose pages may ask, if any. */
  readonly corsOrigin: string | undefined;
  /** The largest request body, in bytes. */
  readonly bodyBytes: number;
  /** The largest number of samples in one request. */
  readonly batch: number;
  /** The largest number of samples that are accepted and not yet answered; beyond it the server answers 503. */
  readonly queue: number;
  /** Milliseconds that a client may take to send its headers. */
  readonly headersMs: number;
  /** Milliseconds that a client may take to send its whole request. */
  readonly requestMs: number;
  /**
   * Milliseconds without traffic after which a connection is closed, also in the middle of a reply that nobody reads.
   */
  readonly idleMs: number;
  /** Milliseconds for the answers to what was accepted before the server was told to stop. */
  readonly drainMs: number;
  /** Whether `serveUntilSignal` also stops when standard input ends, so that the server does not outlive its parent. */
  readonly untilStdinEnds: boolean;
  readonly logLevel: "debug" | "info" | "warn" | "error" | "silent";
  /** Whether responses and gold answers may appear in the log. */
  readonly logText: boolean;
}

/** Settings that cannot be used. */
export class ServerConfigError extends VTriuneError {
  override readonly name = "ServerConfigError";
}

import type { RewardServerHealth } from "./remote-servers";

/** Settings of an HTTP source. */
export interface HttpRewardSourceOptions {
  /** The servers, e.g. `["http://127.0.0.1:8000"]`. */
  readonly urls: readonly string[];
  readonly token?: string;
  /** The number of samples in one HTTP request. Default 64. */
  readonly batch?: number;
  /** The number of HTTP requests to one server at the same time. Default 4. */
  readonly parallel?: number;
  /** How long a request waits for others to share its HTTP request. Default 3 ms. */
  readonly lingerMs?: number;
  /** How long one HTTP request may take. Default 120,000 ms. */
  readonly timeoutMs?: number;
  /** The number of further tries of a sample after faults of servers. Default 6, about 16 s with one server. */
  readonly retries?: number;
  /**
   * `error`: a sample whose tries are used up becomes `error: server ..`; if no server is left, all that wait become so
   * immediately. `wait`: samples wait until a server is back, and so does the reader of the verdicts. Default `error`.
   */
  readonly whenDown?: "error" | "wait";
  /** Called when the last server goes down; each server's last fault says why. */
  readonly onPause?: (health: readonly RewardServerHealth[]) => void;
  /** Called when a server is back after that. */
  readonly onResume?: (pause: RewardPause) => void;
  /** Called when the state of a server changes. */
  readonly onHealth?: (health: RewardServerHealth) => void;
  /**
   * Milliseconds without an answer after which a sample is sent to a second server too; the first answer counts.
   * Default never.
   */
  readonly hedgeAfterMs?: number;
  /** Default the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** A time without any server. */
export interface RewardPause {
  readonly pausedMs: number;
  /** The first server that is back. */
  readonly url: string;
}

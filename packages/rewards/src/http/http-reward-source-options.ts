import type { RewardServerHealth } from "./reward-servers";

/** Settings of an HTTP source. */
export interface HttpRewardSourceOptions {
  /** The servers, e.g. `["http://127.0.0.1:8000"]`. */
  readonly urls: readonly string[];
  readonly token?: string;
  /** Samples in one HTTP request. Default 64. */
  readonly batch?: number;
  /** HTTP requests to one server at once. Default 4. */
  readonly parallel?: number;
  /** How long a request waits for others to share its HTTP request. Default 3 ms. */
  readonly lingerMs?: number;
  /** How long one HTTP request may take. Default 120,000 ms. */
  readonly timeoutMs?: number;
  /** Further tries of a sample after faults of servers. Default 6, with one server about 16 s. */
  readonly retries?: number;
  /**
   * `error`: a sample whose tries are used up is `error: server ..`, and while no server is left the others become so at once.
   * `wait`: samples wait until a server is back; who reads the verdicts pauses by that alone. Default `error`.
   */
  readonly whenDown?: "error" | "wait";
  /** Called when the last server is gone; each server's last fault says why. */
  readonly onPause?: (health: readonly RewardServerHealth[]) => void;
  /** Called when a server is back after that. */
  readonly onResume?: (pause: RewardPause) => void;
  /** Called when a server goes over to another state. */
  readonly onHealth?: (health: RewardServerHealth) => void;
  /** After this time without an answer a sample is sent to a second server too; the first answer counts. Default never. */
  readonly hedgeAfterMs?: number;
  /** Default the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** A time without any server. */
export interface RewardPause {
  readonly pausedMs: number;
  /** The server that was back first. */
  readonly url: string;
}

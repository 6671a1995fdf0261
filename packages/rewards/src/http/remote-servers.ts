/** The servers of an HTTP source: which one gets the next batch, and which rest. */
import type { BatchError } from "./score-batch";

/** The state of one server, for monitoring. */
export interface RewardServerHealth {
  readonly url: string;
  /** `busy`: it said when to come again. `down`: it has answered nothing since it was last found gone. */
  readonly state: "up" | "busy" | "down";
  /** Samples sent and not yet answered. */
  readonly outstanding: number;
  readonly answered: number;
  readonly failures: number;
  /** Smoothed time from sending a batch to its last answer. */
  readonly latencyMs: number | undefined;
  readonly lastFault: string | undefined;
}

const SHORTEST_REST_MS = 250;
const LONGEST_REST_MS = 10_000;

/** One server's state, as its client knows it. */
export class RemoteServer {
  readonly url: string;
  readonly #clock: () => number;
  readonly #changed: (server: RemoteServer) => void;
  outstanding = 0;
  batches = 0;
  state: RewardServerHealth["state"] = "up";
  failuresInARow = 0;
  #answered = 0;
  #failures = 0;
  #restUntil = 0;
  #latencyMs: number | undefined;
  #lastFault: string | undefined;

  /**
   * @param clock milliseconds, monotonic
   * @param changed called when the server's state changes
   */
  constructor(url: string, clock: () => number, changed: (server: RemoteServer) => void) {
    this.url = url;
    this.#clock = clock;
    this.#changed = changed;
  }

  get restMs(): number {
    return Math.max(0, this.#restUntil - this.#clock());
  }

  /** Whether it may have one more batch. A server that is down gets a single one, to see whether it is back. */
  hasRoom(mostBatches: number): boolean {
    return this.batches < (this.state === "down" ? 1 : mostBatches);
  }

  /** Notes a batch that was answered in full. */
  succeeded(samples: number, tookMs: number): void {
    this.#answered += samples;
    this.failuresInARow = 0;
    this.#latencyMs = this.#latencyMs === undefined ? tookMs : this.#latencyMs * 0.8 + tookMs * 0.2;
    this.#become("up");
  }

  /** Notes a fault. The rest doubles with each fault in a row, unless the server says how long to wait. */
  failed({ message, kind, retryAfterMs }: BatchError, samplesAnswered: number): void {
    this.#answered += samplesAnswered;
    this.#failures++;
    this.#lastFault = message;
    if (kind === "busy") this.#restUntil = this.#clock() + Math.min(retryAfterMs ?? SHORTEST_REST_MS, LONGEST_REST_MS);
    else if (this.restMs === 0) {
      // Batches that fail together are one fault: only the first of them counts.
      this.#restUntil = this.#clock() + Math.min(LONGEST_REST_MS, SHORTEST_REST_MS * 2 ** this.failuresInARow);
      this.failuresInARow++;
    }
    if (kind === "gone") this.#become("down");
    else if (kind === "busy") this.#become("busy");
  }

  get health(): RewardServerHealth {
    return {
      url: this.url,
      state: this.state,
      outstanding: this.outstanding,
      answered: this.#answered,
      failures: this.#failures,
      latencyMs: this.#latencyMs,
      lastFault: this.#lastFault,
    };
  }

  #become(state: RewardServerHealth["state"]): void {
    if (state === this.state) return;
    this.state = state;
    this.#changed(this);
  }
}

/** The server that does not rest, has room, and has the least to do; the first of equals. */
export function leastBusy(
  servers: readonly RemoteServer[],
  mostBatches: number,
  except?: RemoteServer,
): RemoteServer | undefined {
  let best: RemoteServer | undefined;
  for (const server of servers) {
    if (server === except || !server.hasRoom(mostBatches) || server.restMs > 0) continue;
    if (best === undefined || server.outstanding < best.outstanding) best = server;
  }
  return best;
}

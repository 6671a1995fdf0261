/** The servers of an HTTP source: which one gets the next batch, and which are given a rest. */

/** What is known of one server, for monitoring. */
export interface RewardServerHealth {
  readonly url: string;
  /** False while it rests after a fault. */
  readonly up: boolean;
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

/** One server's state. */
export class RewardServer {
  outstanding = 0;
  batches = 0;
  private answered = 0;
  private failures = 0;
  private failuresInARow = 0;
  private restUntil = 0;
  private latencyMs: number | undefined;
  private lastFault: string | undefined;

  constructor(
    readonly url: string,
    private readonly clock: () => number,
  ) {}

  get restMs(): number {
    return Math.max(0, this.restUntil - this.clock());
  }

  /** Notes a batch that was answered in full. */
  succeeded(samples: number, tookMs: number): void {
    this.answered += samples;
    this.failuresInARow = 0;
    this.latencyMs = this.latencyMs === undefined ? tookMs : this.latencyMs * 0.8 + tookMs * 0.2;
  }

  /** Notes a fault; the rest doubles with each in a row, unless the server says how long it wants. */
  failed(fault: string, samplesAnswered: number, retryAfterMs?: number): void {
    this.answered += samplesAnswered;
    this.failures++;
    this.lastFault = fault;
    const rest = retryAfterMs ?? Math.min(LONGEST_REST_MS, SHORTEST_REST_MS * 2 ** this.failuresInARow);
    this.failuresInARow++;
    this.restUntil = this.clock() + Math.min(rest, LONGEST_REST_MS);
  }

  get health(): RewardServerHealth {
    return { url: this.url, up: this.restMs === 0, outstanding: this.outstanding, answered: this.answered, failures: this.failures, latencyMs: this.latencyMs, lastFault: this.lastFault };
  }
}

/** The server that is up, has room, and has the least to do; the first of equals. */
export function leastBusy(servers: readonly RewardServer[], mostBatches: number, except?: RewardServer): RewardServer | undefined {
  let best: RewardServer | undefined;
  for (const server of servers) {
    if (server === except || server.batches >= mostBatches || server.restMs > 0) continue;
    if (best === undefined || server.outstanding < best.outstanding) best = server;
  }
  return best;
}

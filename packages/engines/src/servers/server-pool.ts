/**
 * The servers of an engine: each request goes to the one with the least to do; one that faults rests, twice as long
 * after each fault in a row; one that is gone is looked at with a single request before it gets more.
 */
import { NoAnswerError } from "./http-json";
import { serverAddress } from "./server-address";

/** What is known of one server. */
export class EngineServer {
  outstanding = 0;
  /** Whether the server holds the weights that are asked of it, as far as is known; false after each fault. */
  ready = false;
  /** The giving of weights that is under way. */
  preparing: Promise<void> | undefined;
  /** Nobody listened there the last time. */
  gone = false;
  failures = 0;
  lastFault: string | undefined;
  readonly #clock: () => number;
  readonly #shortestRestMs: number;
  #failuresInARow = 0;
  #restUntil = 0;

  /** @param url without a slash at its end */
  constructor(
    readonly url: string,
    clock: () => number,
    shortestRestMs: number,
  ) {
    this.#clock = clock;
    this.#shortestRestMs = shortestRestMs;
  }

  get restMs(): number {
    return Math.max(0, this.#restUntil - this.#clock());
  }

  succeeded(): void {
    this.#failuresInARow = 0;
    this.gone = false;
  }

  failed({ kind, message, retryAfterMs }: NoAnswerError): void {
    this.failures++;
    this.lastFault = message;
    this.ready = false;
    if (kind === "gone") this.gone = true;
    // Requests that fail together are one fault.
    if (this.restMs > 0) return;
    const restMs = retryAfterMs ?? Math.min(10_000, this.#shortestRestMs * 2 ** this.#failuresInARow);
    this.#restUntil = this.#clock() + Math.max(restMs, this.#shortestRestMs);
    this.#failuresInARow++;
  }
}

export interface ServerPoolOptions {
  readonly urls: readonly string[];
  /** Requests to one server at once. */
  readonly parallel: number;
  /** All servers are gone; said once. */
  readonly onPause?: (message: string) => void;
  /** One is back; said once, after `onPause`. */
  readonly onResume?: (message: string) => void;
  readonly clock?: () => number;
  /** Default 500 ms. */
  readonly shortestRestMs?: number;
}

/** Hands out servers. */
export class ServerPool {
  readonly servers: readonly EngineServer[];
  readonly #options: ServerPoolOptions;
  readonly #clock: () => number;
  readonly #waiting = new Set<() => void>();
  #pausedAt: number | undefined;
  /** Milliseconds in which no server was there. */
  waitedMs = 0;

  constructor(options: ServerPoolOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    this.servers = options.urls.map(
      (url) => new EngineServer(serverAddress(url), this.#clock, options.shortestRestMs ?? 500),
    );
  }

  get paused(): boolean {
    return this.#pausedAt !== undefined;
  }

  /** Waits for a server with room. @throws the signal's reason */
  async take(signal: AbortSignal): Promise<EngineServer> {
    for (;;) {
      signal.throwIfAborted();
      const server = this.#leastBusy();
      if (server !== undefined) {
        server.outstanding++;
        return server;
      }
      await this.#change(signal);
    }
  }

  /** Gives a server back: it answered, it faulted, or the request was called off (which says nothing about it). */
  give(server: EngineServer, outcome: "answered" | "called off" | NoAnswerError): void {
    server.outstanding--;
    if (outcome === "answered") server.succeeded();
    else if (outcome !== "called off") server.failed(outcome);
    this.#look();
    for (const wake of this.#waiting) wake();
  }

  #leastBusy(): EngineServer | undefined {
    let best: EngineServer | undefined;
    for (const server of this.servers) {
      if (server.restMs > 0 || server.outstanding >= (server.gone ? 1 : this.#options.parallel)) continue;
      if (best === undefined || server.outstanding < best.outstanding) best = server;
    }
    return best;
  }

  #look(): void {
    const gone = this.servers.every((server) => server.gone);
    const list = this.servers.map(({ url, lastFault }) => `${url} (${lastFault ?? "not asked yet"})`).join(", ");
    if (gone && this.#pausedAt === undefined) {
      this.#pausedAt = this.#clock();
      this.#options.onPause?.(`No rollout server answers: ${list}. Waiting for one; the step goes on when it is back.`);
    } else if (!gone && this.#pausedAt !== undefined) {
      const ms = this.#clock() - this.#pausedAt;
      this.#pausedAt = undefined;
      this.waitedMs += ms;
      const back = this.servers.filter((server) => !server.gone).map(({ url }) => url);
      this.#options.onResume?.(`${back.join(", ")} is back after ${Math.round(ms / 1000)} s.`);
    }
  }

  /** Resolves when a server is given back, or the shortest rest is over. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const rests = this.servers
        .filter(({ outstanding, gone }) => outstanding < (gone ? 1 : this.#options.parallel))
        .map(({ restMs }) => restMs);
      const timer = rests.length === 0 ? undefined : setTimeout(() => done(resolve), Math.ceil(Math.min(...rests)) + 1);
      const done = (then: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", abort);
        then();
      };
      const wake = (): void => done(resolve);
      const abort = (): void => done(() => reject(signal.reason as Error));
      this.#waiting.add(wake);
      signal.addEventListener("abort", abort, { once: true });
    });
  }
}

import type { RewardOutcome } from "../score-request";
import { PendingRequest } from "../pending-request";
import type { RewardRequest } from "../reward-source";
import { CLOSED_OUTCOME } from "../stream-through";
import type { HttpRewardSourceOptions } from "./http-reward-source-options";
import { RemoteServer, leastBusy } from "./remote-servers";
import { RewardServerError, BatchError, scoreBatch } from "./score-batch";

/** The options of an HTTP source with their defaults filled in. */
export type DispatcherSettings = Required<Omit<HttpRewardSourceOptions, Optional>> &
  Pick<HttpRewardSourceOptions, Optional>;
type Optional = "token" | "onPause" | "onResume" | "onHealth";

/** A request, and what has been tried to get its outcome. */
class CarriedRequest extends PendingRequest {
  readonly since = performance.now();
  tries = 0;
  isHedged = false;
  /** The HTTP requests that carry this sample: each ends early if none of its answers is wanted any more. */
  readonly carriers = new Set<() => void>();

  protected override onEnd(): void {
    for (const look of this.carriers) look();
  }
}

/** Why an HTTP request ends early: all its samples were answered by another server or called off. */
const NOT_WANTED = new Error("no answer of this batch is wanted any more");

/** Gathers samples, sends them in batches, and sends again what a server left unanswered. */
export class Dispatcher {
  readonly servers: readonly RemoteServer[];
  readonly #settings: DispatcherSettings;
  readonly #queue: CarriedRequest[] = [];
  readonly #closing = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isGathering = false;
  #pausedSince: number | undefined;

  constructor(settings: DispatcherSettings) {
    this.#settings = settings;
    this.servers = settings.urls.map(
      (url) =>
        new RemoteServer(
          url.replace(/\/+$/, ""),
          () => performance.now(),
          (server) => this.#changed(server),
        ),
    );
  }

  submit(request: RewardRequest): { outcome: Promise<RewardOutcome>; cancel: () => void } {
    const pending = new CarriedRequest(request);
    if (this.#closing.signal.aborted) pending.settle(CLOSED_OUTCOME);
    else {
      this.#queue.push(pending);
      if (this.#queue.length >= this.#settings.batch) this.#pump();
      else this.#pumpSoon();
    }
    return { outcome: pending.outcome, cancel: () => pending.cancel() };
  }

  /** Waits a moment for more samples to share the HTTP request. */
  #pumpSoon(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    setTimeout(() => {
      this.#isGathering = false;
      this.#pump();
    }, this.#settings.lingerMs);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    for (const pending of this.#queue.splice(0)) pending.settle(CLOSED_OUTCOME);
    this.#closing.abort(new Error("closed"));
  }

  /** Sends batches while samples wait and a server has room. */
  #pump(): void {
    while (this.#queue.length > 0) {
      const server = leastBusy(this.servers, this.#settings.parallel);
      if (server === undefined) return this.#isGivenUp() ? this.#giveUp() : this.#wakeWhenRested();
      const batch: CarriedRequest[] = [];
      while (batch.length < this.#settings.batch && this.#queue.length > 0) {
        const pending = this.#queue.shift() as CarriedRequest;
        if (!pending.isSettled) batch.push(pending);
      }
      if (batch.length > 0) void this.#send(server, batch);
    }
  }

  /**
   * Whether no server is left: each has failed as often as one sample may, and rests. A server is asked again when its
   * rest is over.
   */
  #isGivenUp(): boolean {
    return (
      this.#settings.whenDown === "error" &&
      this.servers.every(
        (server) => server.state === "down" && server.failuresInARow > this.#settings.retries && server.restMs > 0,
      )
    );
  }

  /** Fails all that wait: ten thousand samples must not each wait for servers that are gone. */
  #giveUp(): void {
    const faults = this.servers.map(({ url, health }) => `${url}: ${health.lastFault}`).join("; ");
    for (const pending of this.#queue.splice(0))
      pending.settle({ status: "error", reason: `server: ${faults}`, code: "server" });
  }

  /**
   * No server took the queue. A full server calls `pump` when it is done. One with room rests and has to be waited for,
   * even for 0 ms: its rest may have ended since it was passed over, and nothing else would come back to the queue.
   */
  #wakeWhenRested(): void {
    const rests = this.servers.filter((server) => server.hasRoom(this.#settings.parallel)).map(({ restMs }) => restMs);
    if (rests.length === 0 || this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#pump();
      },
      Math.ceil(Math.min(...rests)),
    );
  }

  async #send(server: RemoteServer, batch: readonly CarriedRequest[]): Promise<void> {
    const { token, timeoutMs, hedgeAfterMs } = this.#settings;
    const started = performance.now();
    const overtime = new AbortController();
    const abort = () => overtime.abort(this.#closing.signal.reason);
    this.#closing.signal.addEventListener("abort", abort, { once: true });
    const timeout = setTimeout(
      () => overtime.abort(new BatchError(`no end of the reply within ${timeoutMs} ms`, "gone")),
      timeoutMs,
    );
    const hedge = Number.isFinite(hedgeAfterMs)
      ? setTimeout(() => this.#hedge(server, batch), hedgeAfterMs)
      : undefined;
    server.batches++;
    server.outstanding += batch.length;
    const answered = new Set<number>();
    const look = () => {
      if (answered.size < batch.length && batch.every(({ isSettled }) => isSettled)) overtime.abort(NOT_WANTED);
    };
    for (const { carriers } of batch) carriers.add(look);
    try {
      for await (const { index, ...outcome } of scoreBatch(
        server.url,
        batch.map(({ request }) => request),
        { fetch: this.#settings.fetch, signal: overtime.signal, ...(token !== undefined && { token }) },
      )) {
        if (batch[index] === undefined)
          throw new BatchError(`an answer to sample ${index} of ${batch.length}`, "broken");
        answered.add(index);
        batch[index].settle(outcome as RewardOutcome);
      }
      if (answered.size < batch.length)
        throw new BatchError(`the reply ended after ${answered.size} of ${batch.length} answers`, "broken");
      server.succeeded(batch.length, performance.now() - started);
    } catch (error) {
      this.#recover(server, batch, answered, error);
    } finally {
      for (const { carriers } of batch) carriers.delete(look);
      clearTimeout(timeout);
      clearTimeout(hedge);
      this.#closing.signal.removeEventListener("abort", abort);
      server.batches--;
      server.outstanding -= batch.length;
      this.#pump();
    }
  }

  #recover(
    server: RemoteServer,
    batch: readonly CarriedRequest[],
    answered: ReadonlySet<number>,
    error: unknown,
  ): void {
    if (error === NOT_WANTED) return;
    const left = batch.filter((pending, index) => !answered.has(index) && !pending.isSettled);
    if (this.#closing.signal.aborted) {
      for (const pending of left) pending.settle(CLOSED_OUTCOME);
      return;
    }
    if (!(error instanceof BatchError)) {
      // A refusal, or a bug here: either way the caller has to know.
      for (const pending of left)
        pending.fail(
          error instanceof RewardServerError
            ? error
            : new Error(`the reward client failed: ${String(error)}`, { cause: error }),
        );
      return;
    }
    server.failed(error, answered.size);
    const again: CarriedRequest[] = [];
    for (const pending of left) {
      if (this.#countsAsTry(pending, error) && ++pending.tries > this.#settings.retries)
        pending.settle({ status: "error", reason: `server: ${server.url}: ${error.message}`, code: "server" });
      else again.push(pending);
    }
    this.#queue.unshift(...again);
  }

  /**
   * Whether a fault uses up a try of a sample: not if a busy server is waited for, nor if the caller waits for servers
   * that are gone.
   */
  #countsAsTry({ since }: CarriedRequest, { kind }: BatchError): boolean {
    if (kind === "busy")
      return this.#settings.whenDown === "error" && performance.now() - since > this.#settings.timeoutMs;
    return kind === "broken" || this.#settings.whenDown === "error";
  }

  /** Sends what is still unanswered to another server as well, if one is free. */
  #hedge(slow: RemoteServer, batch: readonly CarriedRequest[]): void {
    const other = leastBusy(this.servers, this.#settings.parallel, slow);
    const unanswered = batch.filter(({ isSettled, isHedged }) => !isSettled && !isHedged);
    if (other === undefined || unanswered.length === 0) return;
    for (const pending of unanswered) pending.isHedged = true;
    void this.#send(other, unanswered);
  }

  /** Calls listeners outside of the work: what they throw must not cost a sample its verdict. */
  #changed(server: RemoteServer): void {
    const { onHealth, onPause, onResume } = this.#settings;
    const { health } = server;
    queueMicrotask(() => onHealth?.(health));
    const isPaused = this.servers.every(({ state }) => state === "down");
    if (isPaused && this.#pausedSince === undefined) {
      this.#pausedSince = performance.now();
      const all = this.servers.map(({ health: each }) => each);
      queueMicrotask(() => onPause?.(all));
    } else if (!isPaused && this.#pausedSince !== undefined) {
      const pause = { pausedMs: performance.now() - this.#pausedSince, url: server.url };
      this.#pausedSince = undefined;
      queueMicrotask(() => onResume?.(pause));
    }
  }
}

import type { RewardOutcome } from "../judge-request";
import type { RewardRequest } from "../reward-source";
import { CLOSED_OUTCOME } from "../stream-through";
import type { HttpRewardSourceOptions } from "./http-reward-source-options";
import { RewardServer, leastBusy } from "./reward-servers";
import { RewardServerError, ServerFault, scoreBatch } from "./score-batch";

/** The options of an HTTP source with their defaults filled in. */
export type DispatcherSettings = Required<Omit<HttpRewardSourceOptions, Optional>> &
  Pick<HttpRewardSourceOptions, Optional>;
type Optional = "token" | "onPause" | "onResume" | "onHealth";

interface Pending {
  readonly request: RewardRequest;
  readonly settle: (outcome: RewardOutcome) => void;
  readonly reject: (error: unknown) => void;
  readonly since: number;
  tries: number;
  hedged: boolean;
  done: boolean;
  /** The HTTP requests that carry this sample: each ends early once nobody wants any of its answers. */
  readonly carriers: Set<() => void>;
}

/** Why an HTTP request is broken off when all its samples are answered by another server or called off. */
const NOT_WANTED = new Error("no answer of this batch is wanted any more");

/** Gathers samples, sends batches, and sends again what a server left unanswered. */
export class Dispatcher {
  readonly servers: readonly RewardServer[];
  private readonly queue: Pending[] = [];
  private readonly closing = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private gathering = false;
  private pausedSince: number | undefined;

  constructor(private readonly settings: DispatcherSettings) {
    this.servers = settings.urls.map(
      (url) =>
        new RewardServer(
          url.replace(/\/+$/, ""),
          () => performance.now(),
          (server) => this.changed(server),
        ),
    );
  }

  submit(request: RewardRequest): { outcome: Promise<RewardOutcome>; cancel: () => void } {
    let cancel = () => {};
    const outcome = new Promise<RewardOutcome>((resolve, rejectOutcome) => {
      const finish =
        <T>(how: (value: T) => void) =>
        (value: T) => {
          if (pending.done) return;
          how(value);
          drop();
        };
      const drop = () => {
        pending.done = true;
        for (const look of pending.carriers) look();
      };
      const pending: Pending = {
        request,
        since: performance.now(),
        tries: 0,
        hedged: false,
        done: false,
        carriers: new Set(),
        settle: finish(resolve),
        reject: finish(rejectOutcome),
      };
      cancel = drop;
      if (this.closing.signal.aborted) return pending.settle(CLOSED_OUTCOME);
      this.queue.push(pending);
      if (this.queue.length >= this.settings.batch) this.pump();
      else if (!this.gathering) {
        this.gathering = true;
        setTimeout(() => {
          this.gathering = false;
          this.pump();
        }, this.settings.lingerMs);
      }
    });
    return { outcome, cancel: () => cancel() };
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
    for (const pending of this.queue.splice(0)) pending.settle(CLOSED_OUTCOME);
    this.closing.abort(new Error("closed"));
  }

  /** Sends batches while there is something to send and somebody to send it to. */
  private pump(): void {
    while (this.queue.length > 0) {
      const server = leastBusy(this.servers, this.settings.parallel);
      if (server === undefined) return this.isGivenUp() ? this.giveUp() : this.wakeWhenRested();
      const batch: Pending[] = [];
      while (batch.length < this.settings.batch && this.queue.length > 0) {
        const pending = this.queue.shift() as Pending;
        if (!pending.done) batch.push(pending);
      }
      if (batch.length > 0) void this.send(server, batch);
    }
  }

  /** Whether no server is left: each has been asked as often as a sample is, and rests. Once a rest is over it is asked again. */
  private isGivenUp(): boolean {
    return (
      this.settings.whenDown === "error" &&
      this.servers.every(
        (server) => server.state === "down" && server.failuresInARow > this.settings.retries && server.restMs > 0,
      )
    );
  }

  /** Ten thousand samples must not each wait for servers that are gone. */
  private giveUp(): void {
    const faults = this.servers.map(({ url, health }) => `${url}: ${health.lastFault}`).join("; ");
    for (const pending of this.queue.splice(0))
      pending.settle({ status: "error", reason: `server: ${faults}`, code: "server" });
  }

  /**
   * Nobody took the queue. A full server calls `pump` when it is done; one with room rests and has to be waited for, for 0 ms too:
   * its rest may have ended since it was passed over, and nothing else would come back to the queue.
   */
  private wakeWhenRested(): void {
    const rests = this.servers.filter((server) => server.hasRoom(this.settings.parallel)).map(({ restMs }) => restMs);
    if (rests.length === 0 || this.timer !== undefined) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.pump();
      },
      Math.ceil(Math.min(...rests)),
    );
  }

  private async send(server: RewardServer, batch: readonly Pending[]): Promise<void> {
    const { token, timeoutMs, hedgeAfterMs } = this.settings;
    const started = performance.now();
    const overtime = new AbortController();
    const abort = () => overtime.abort(this.closing.signal.reason);
    this.closing.signal.addEventListener("abort", abort, { once: true });
    const timeout = setTimeout(
      () => overtime.abort(new ServerFault(`no end of the reply within ${timeoutMs} ms`, "gone")),
      timeoutMs,
    );
    const hedge = Number.isFinite(hedgeAfterMs) ? setTimeout(() => this.hedge(server, batch), hedgeAfterMs) : undefined;
    server.batches++;
    server.outstanding += batch.length;
    const answered = new Set<number>();
    const look = () => {
      if (answered.size < batch.length && batch.every(({ done }) => done)) overtime.abort(NOT_WANTED);
    };
    for (const { carriers } of batch) carriers.add(look);
    try {
      for await (const { index, ...outcome } of scoreBatch(
        server.url,
        batch.map(({ request }) => request),
        { fetch: this.settings.fetch, signal: overtime.signal, ...(token !== undefined && { token }) },
      )) {
        if (batch[index] === undefined)
          throw new ServerFault(`an answer to sample ${index} of ${batch.length}`, "broken");
        answered.add(index);
        batch[index].settle(outcome as RewardOutcome);
      }
      if (answered.size < batch.length)
        throw new ServerFault(`the reply ended after ${answered.size} of ${batch.length} answers`, "broken");
      server.succeeded(batch.length, performance.now() - started);
    } catch (error) {
      this.recover(server, batch, answered, error);
    } finally {
      for (const { carriers } of batch) carriers.delete(look);
      clearTimeout(timeout);
      clearTimeout(hedge);
      this.closing.signal.removeEventListener("abort", abort);
      server.batches--;
      server.outstanding -= batch.length;
      this.pump();
    }
  }

  private recover(
    server: RewardServer,
    batch: readonly Pending[],
    answered: ReadonlySet<number>,
    error: unknown,
  ): void {
    if (error === NOT_WANTED) return;
    const left = batch.filter((pending, index) => !answered.has(index) && !pending.done);
    if (this.closing.signal.aborted) {
      for (const pending of left) pending.settle(CLOSED_OUTCOME);
      return;
    }
    if (!(error instanceof ServerFault)) {
      // A refusal, or a bug here: either way a person has to know.
      for (const pending of left)
        pending.reject(
          error instanceof RewardServerError
            ? error
            : new Error(`the reward client failed: ${String(error)}`, { cause: error }),
        );
      return;
    }
    server.failed(error, answered.size);
    const again: Pending[] = [];
    for (const pending of left) {
      if (this.isTry(pending, error) && ++pending.tries > this.settings.retries)
        pending.settle({ status: "error", reason: `server: ${server.url}: ${error.message}`, code: "server" });
      else again.push(pending);
    }
    this.queue.unshift(...again);
  }

  /** A busy server costs a sample no try until it has waited too long; one that is gone costs none where that is waited for. */
  private isTry({ since }: Pending, { kind }: ServerFault): boolean {
    if (kind === "busy")
      return this.settings.whenDown === "error" && performance.now() - since > this.settings.timeoutMs;
    return kind === "broken" || this.settings.whenDown === "error";
  }

  /** Sends what is still unanswered to another server as well, if one is free. */
  private hedge(slow: RewardServer, batch: readonly Pending[]): void {
    const other = leastBusy(this.servers, this.settings.parallel, slow);
    const unanswered = batch.filter(({ done, hedged }) => !done && !hedged);
    if (other === undefined || unanswered.length === 0) return;
    for (const pending of unanswered) pending.hedged = true;
    void this.send(other, unanswered);
  }

  /** Listeners are called on their own: what they throw is theirs, and must not cost a sample its verdict. */
  private changed(server: RewardServer): void {
    const { onHealth, onPause, onResume } = this.settings;
    const { health } = server;
    queueMicrotask(() => onHealth?.(health));
    const isPaused = this.servers.every(({ state }) => state === "down");
    if (isPaused && this.pausedSince === undefined) {
      this.pausedSince = performance.now();
      const all = this.servers.map(({ health: each }) => each);
      queueMicrotask(() => onPause?.(all));
    } else if (!isPaused && this.pausedSince !== undefined) {
      const pause = { pausedMs: performance.now() - this.pausedSince, url: server.url };
      this.pausedSince = undefined;
      queueMicrotask(() => onResume?.(pause));
    }
  }
}

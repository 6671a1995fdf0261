import type { RewardOutcome } from "../judge-request";
import type { RewardRequest, RewardSource } from "../reward-source";
import { streamThrough } from "../stream-through";
import { RewardServer, leastBusy, type RewardServerHealth } from "./reward-servers";
import { RewardServerError, ServerFault, scoreBatch } from "./score-batch";

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
  /** Further tries of a sample after faults of servers. Default 6. */
  readonly retries?: number;
  /** `error`: a sample whose tries are used up is `error: server`. `wait`: it waits until a server is back. Default `error`. */
  readonly whenDown?: "error" | "wait";
  /** After this time without an answer a sample is sent to a second server too; the first answer counts. Default never. */
  readonly hedgeAfterMs?: number;
  /** Default the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** Rewards from one or several reward servers. */
export interface HttpRewardSource extends RewardSource {
  /** What is known of each server. */
  health(): RewardServerHealth[];
  close(): Promise<void>;
}

interface Pending {
  readonly request: RewardRequest;
  readonly settle: (outcome: RewardOutcome) => void;
  readonly reject: (error: unknown) => void;
  tries: number;
  hedged: boolean;
  done: boolean;
  /** The HTTP requests that carry this sample: each ends early once nobody wants any of its answers. */
  readonly carriers: Set<() => void>;
}

/**
 * A reward source over HTTP (`POST /v1/score`, score-contract.ts). Samples are gathered into batches and go to the server with the
 * least outstanding work; verdicts are handed on as their lines arrive. A server that faults rests, and what it left unanswered
 * goes to another: judging is pure, so asking twice does no harm. Verdicts of status `error` are the server's word and are not
 * asked for again.
 *
 * Iteration throws RewardServerError when a server refuses a request for what it is (a wrong token, an unknown verifier).
 *
 * @throws RangeError when there is no server, an address is none, or a setting is out of range
 * @example createHttpRewardSource({ urls: ["http://10.0.0.1:8000", "http://10.0.0.2:8000"], hedgeAfterMs: 2000 })
 */
export function createHttpRewardSource(options: HttpRewardSourceOptions): HttpRewardSource {
  const settings = { batch: 64, parallel: 4, lingerMs: 3, timeoutMs: 120_000, retries: 6, whenDown: "error", hedgeAfterMs: Infinity, fetch, ...stated(options) } as const;
  if (settings.urls.length === 0) throw new RangeError("createHttpRewardSource: urls is empty; give at least one server, e.g. http://127.0.0.1:8000");
  for (const url of settings.urls) if (!/^https?:\/\/[^/\s]+/.test(url)) throw new RangeError(`createHttpRewardSource: ${JSON.stringify(url)} is no server address, expected something like http://127.0.0.1:8000`);
  for (const [name, low] of [["batch", 1], ["parallel", 1], ["lingerMs", 0], ["timeoutMs", 1], ["retries", 0], ["hedgeAfterMs", 1]] as const) {
    if (!(settings[name] >= low)) throw new RangeError(`createHttpRewardSource: ${name} is ${settings[name]}, expected at least ${low}`);
  }
  const dispatcher = new Dispatcher(settings);
  const window = settings.urls.length * settings.parallel * settings.batch;
  return {
    score: (requests, scoreOptions) => streamThrough((request) => dispatcher.submit(request), requests, window, scoreOptions),
    health: () => dispatcher.servers.map(({ health }) => health),
    close: () => dispatcher.close(),
  };
}

/** The options without those that are undefined, which would hide their defaults. */
function stated(options: HttpRewardSourceOptions): HttpRewardSourceOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as unknown as HttpRewardSourceOptions;
}

/** Why an HTTP request is broken off when all its samples are answered by another server or called off. */
const NOT_WANTED = new Error("no answer of this batch is wanted any more");

type Settings = Required<Omit<HttpRewardSourceOptions, "token">> & Pick<HttpRewardSourceOptions, "token">;

/** Gathers samples, sends batches, and sends again what a server left unanswered. */
class Dispatcher {
  readonly servers: readonly RewardServer[];
  private readonly queue: Pending[] = [];
  private readonly closing = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private gathering = false;

  constructor(private readonly settings: Settings) {
    this.servers = settings.urls.map((url) => new RewardServer(url.replace(/\/+$/, ""), () => performance.now()));
  }

  submit(request: RewardRequest): { outcome: Promise<RewardOutcome>; cancel: () => void } {
    let cancel = () => {};
    const outcome = new Promise<RewardOutcome>((resolve, rejectOutcome) => {
      const finish = <T>(how: (value: T) => void) => (value: T) => {
        if (pending.done) return;
        how(value);
        drop();
      };
      const drop = () => {
        pending.done = true;
        for (const look of pending.carriers) look();
      };
      const pending: Pending = { request, tries: 0, hedged: false, done: false, carriers: new Set(), settle: finish(resolve), reject: finish(rejectOutcome) };
      cancel = drop;
      if (this.closing.signal.aborted) return pending.settle({ status: "error", reason: "closed" });
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
    for (const pending of this.queue.splice(0)) pending.settle({ status: "error", reason: "closed" });
    this.closing.abort(new Error("closed"));
  }

  /** Sends batches while there is something to send and somebody to send it to. */
  private pump(): void {
    while (this.queue.length > 0) {
      const server = leastBusy(this.servers, this.settings.parallel);
      if (server === undefined) return this.wakeWhenRested();
      const batch: Pending[] = [];
      while (batch.length < this.settings.batch && this.queue.length > 0) {
        const pending = this.queue.shift() as Pending;
        if (!pending.done) batch.push(pending);
      }
      if (batch.length > 0) void this.send(server, batch);
    }
  }

  /**
   * Nobody took the queue. A full server calls `pump` when it is done; one with room rests and has to be waited for, for 0 ms too:
   * its rest may have ended since it was passed over, and nothing else would come back to the queue.
   */
  private wakeWhenRested(): void {
    const rests = this.servers.filter(({ batches }) => batches < this.settings.parallel).map(({ restMs }) => restMs);
    if (rests.length === 0 || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.pump();
    }, Math.ceil(Math.min(...rests)));
  }

  private async send(server: RewardServer, batch: readonly Pending[]): Promise<void> {
    const { token, timeoutMs, hedgeAfterMs } = this.settings;
    const started = performance.now();
    const overtime = new AbortController();
    const abort = () => overtime.abort(this.closing.signal.reason);
    this.closing.signal.addEventListener("abort", abort, { once: true });
    const timeout = setTimeout(() => overtime.abort(new ServerFault(`no end of the reply within ${timeoutMs} ms`)), timeoutMs);
    const hedge = Number.isFinite(hedgeAfterMs) ? setTimeout(() => this.hedge(server, batch), hedgeAfterMs) : undefined;
    server.batches++;
    server.outstanding += batch.length;
    const answered = new Set<number>();
    const look = () => {
      if (answered.size < batch.length && batch.every(({ done }) => done)) overtime.abort(NOT_WANTED);
    };
    for (const { carriers } of batch) carriers.add(look);
    try {
      for await (const { index, ...outcome } of scoreBatch(server.url, batch.map(({ request }) => request), { fetch: this.settings.fetch, signal: overtime.signal, ...(token !== undefined && { token }) })) {
        if (batch[index] === undefined) throw new ServerFault(`an answer to sample ${index} of ${batch.length}`);
        answered.add(index);
        batch[index].settle(outcome as RewardOutcome);
      }
      if (answered.size < batch.length) throw new ServerFault(`the reply ended after ${answered.size} of ${batch.length} answers`);
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

  private recover(server: RewardServer, batch: readonly Pending[], answered: ReadonlySet<number>, error: unknown): void {
    if (error === NOT_WANTED) return;
    const left = batch.filter((pending, index) => !answered.has(index) && !pending.done);
    if (this.closing.signal.aborted) {
      for (const pending of left) pending.settle({ status: "error", reason: "closed" });
      return;
    }
    if (!(error instanceof ServerFault)) {
      // A refusal, or a bug here: either way a person has to know.
      for (const pending of left) pending.reject(error instanceof RewardServerError ? error : new Error(`the reward client failed: ${String(error)}`, { cause: error }));
      return;
    }
    server.failed(error.message, answered.size, error.retryAfterMs);
    const again: Pending[] = [];
    for (const pending of left) {
      if (++pending.tries > this.settings.retries && this.settings.whenDown === "error") pending.settle({ status: "error", reason: `server: ${server.url}: ${error.message}` });
      else again.push(pending);
    }
    this.queue.unshift(...again);
  }

  /** Sends what is still unanswered to another server as well, if one is free. */
  private hedge(slow: RewardServer, batch: readonly Pending[]): void {
    const other = leastBusy(this.servers, this.settings.parallel, slow);
    const unanswered = batch.filter(({ done, hedged }) => !done && !hedged);
    if (other === undefined || unanswered.length === 0) return;
    for (const pending of unanswered) pending.hedged = true;
    void this.send(other, unanswered);
  }
}

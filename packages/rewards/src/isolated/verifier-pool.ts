import { UnknownVerifierError, createVerifierRegistry } from "@v-triune/verifiers";
import type { RewardOutcome } from "../judge-request";
import type { RewardRequest } from "../reward-source";
import { CLOSED_OUTCOME } from "../stream-through";
import { VerifierLoadError } from "./load-verifiers";
import type { FromWorker, WorkerTask } from "./protocol";
import type { WorkerEvents, WorkerHandle } from "./worker-handle";

/**
 * A pool of workers in which no sample can hurt another.
 *
 * Each sample's deadline runs from the moment its verifier is called, never from when it was queued or from when an answer was
 * read, so that a busy event loop turns no answer into a timeout. A worker that overruns or dies is replaced; the sample it ran is
 * the culprit, its other samples are done again elsewhere (verifiers are pure, so twice does no harm). While a sample takes
 * unusually long, the samples behind it in the same worker are handed to the others at once, and once it looks stuck a spare worker
 * is started: a worker takes longer to start than anybody should wait, so its successor must be there before the deadline ends it.
 */

/** What the pool is told; defaults are in {@link POOL_DEFAULTS}. */
export interface PoolOptions {
  readonly workers: number;
  /** Milliseconds that one verifier call may take. */
  readonly deadlineMs: number;
  /** How often a sample that was running when its worker died is tried again. */
  readonly crashRetries: number;
  /** Samples a worker holds at once. */
  readonly batch: number;
  /** Workers beyond `workers` that may be there while some are stuck in a sample. */
  readonly maxSpareWorkers: number;
  /** Spares end when no worker was stuck for so many milliseconds; until then one is kept ready, as a hang seldom comes alone. */
  readonly spareIdleMs: number;
}

/** One worker for each core but one is the source's business; the rest is here. */
export const POOL_DEFAULTS: Omit<PoolOptions, "workers"> = {
  deadlineMs: 5000,
  crashRetries: 1,
  batch: 32,
  maxSpareWorkers: 4,
  spareIdleMs: 10_000,
};

/** Counters since the start, for metrics. */
export interface PoolStats {
  /** All workers, spares among them. */
  readonly workers: number;
  /** Workers beyond those asked for. */
  readonly spares: number;
  /** Workers that can take samples; the others are starting. */
  readonly ready: number;
  readonly queued: number;
  readonly running: number;
  readonly timeouts: number;
  readonly crashes: number;
  readonly restarts: number;
}

interface Task {
  readonly request: RewardRequest;
  readonly settle: (outcome: RewardOutcome) => void;
  crashes: number;
  settled: boolean;
}

interface Slot {
  handle: WorkerHandle;
  ready: boolean;
  retired: boolean;
  /** It runs an unusually long sample: nothing is put behind that. */
  stalled: boolean;
  /** It may stay in its sample until the deadline: another does its work. */
  stuck: boolean;
  sequence: number;
  readonly outstanding: Map<number, Task>;
}

/** A sample that runs for this long is unusual: what waits behind it goes elsewhere. */
const STALL_MS = 25;
/** One that has run for this long may become so: nothing more is put behind it. */
const SLOW_MS = 3;
/** One that has run for this long may be there until its deadline: a spare worker is started. */
const STUCK_MS = 75;
const WATCH_MS = 10;
/** A watch this late means that this process was busy and has messages to read before it may judge. */
const LATE_MS = 40;
/** Workers that die one after the other before they are ready mean that none ever will be. */
const MOST_FAILED_STARTS = 3;

/** See the file's header. */
export class VerifierPool {
  private readonly slots: Slot[] = [];
  private readonly queue: Task[] = [];
  private queueHead = 0;
  private watch: NodeJS.Timeout | undefined;
  private lastWatch = 0;
  private lastStuck = Number.NEGATIVE_INFINITY;
  private failedStarts = 0;
  private closed = false;
  private fatal: Error | undefined;
  private names: readonly string[] | undefined;
  private readonly firstReady: Promise<void>;
  private settleFirst: { resolve: () => void; reject: (error: Error) => void } | undefined;
  private readonly counts = { timeouts: 0, crashes: 0, restarts: 0 };

  constructor(
    private readonly start: (events: WorkerEvents) => WorkerHandle,
    private readonly options: PoolOptions,
  ) {
    this.firstReady = new Promise((resolve, reject) => (this.settleFirst = { resolve, reject }));
    for (let i = 0; i < options.workers; i++) this.addWorker();
  }

  /** Waits for the first worker. @throws VerifierLoadError when the verifiers cannot be loaded */
  async ready(): Promise<readonly string[]> {
    await this.firstReady;
    return this.names ?? [];
  }

  get stats(): PoolStats {
    return {
      workers: this.slots.length,
      spares: Math.max(0, this.slots.length - this.options.workers),
      ready: this.slots.filter(({ ready }) => ready).length,
      queued: this.queue.length - this.queueHead,
      running: this.slots.reduce((sum, { outstanding }) => sum + outstanding.size, 0),
      ...this.counts,
    };
  }

  /**
   * Judges one request. Call after {@link ready}.
   *
   * @returns the outcome, and how to call it off: the promise then never settles
   * @throws UnknownVerifierError for a verifier that the workers do not have; VerifierLoadError once no worker can be started
   */
  submit(request: RewardRequest): { readonly outcome: Promise<RewardOutcome>; readonly cancel: () => void } {
    if (this.fatal !== undefined) throw this.fatal;
    if (this.names?.includes(request.verifier) === false) throw this.unknown(request.verifier);
    let cancel = () => {};
    const outcome = new Promise<RewardOutcome>((resolve, reject) => {
      const task: Task = {
        request,
        crashes: 0,
        settled: false,
        settle: (found) => {
          if (task.settled) return;
          task.settled = true;
          if (this.fatal !== undefined && found.status === "error" && found.code === "closed") reject(this.fatal);
          else resolve(found);
        },
      };
      cancel = () => (task.settled = true);
      if (this.closed) return task.settle(CLOSED_OUTCOME);
      this.queue.push(task);
      this.dispatch();
    });
    return { outcome, cancel: () => cancel() };
  }

  /** Ends all workers; what is unfinished settles as `error: closed`. */
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.watch);
    this.watch = undefined;
    this.settleFirst?.resolve();
    const slots = this.slots.splice(0);
    const unfinished = [
      ...slots.flatMap(({ outstanding }) => [...outstanding.values()]),
      ...this.queue.splice(0).slice(this.queueHead),
    ];
    this.queueHead = 0;
    for (const slot of slots) slot.retired = true;
    for (const task of unfinished) task.settle(CLOSED_OUTCOME);
    await Promise.all(slots.map(({ handle }) => handle.kill()));
  }

  private unknown(name: string): UnknownVerifierError {
    try {
      createVerifierRegistry(
        (this.names ?? []).map((known) => ({
          name: known,
          verify: () => ({ status: "error", reason: "never called" }),
        })),
      ).get(name);
    } catch (error) {
      if (error instanceof UnknownVerifierError) return error;
      throw error;
    }
    throw new RangeError(`${name} is known`);
  }

  private addWorker(): void {
    const slot: Slot = {
      handle: undefined as unknown as WorkerHandle,
      ready: false,
      retired: false,
      stalled: false,
      stuck: false,
      sequence: 0,
      outstanding: new Map(),
    };
    slot.handle = this.start({
      message: (message) => this.receive(slot, message),
      exit: (reason) => this.replaceDead(slot, reason),
    });
    // Somebody waits for the first worker, and nothing else may keep the process alive meanwhile.
    slot.handle.hold(this.names === undefined || this.queue.length > this.queueHead);
    this.slots.push(slot);
  }

  private receive(slot: Slot, message: FromWorker): void {
    if (slot.retired) return;
    switch (message.type) {
      case "ready":
        slot.ready = true;
        this.failedStarts = 0;
        this.names = message.names;
        this.settleFirst?.resolve();
        this.dispatch();
        break;
      case "failed":
        this.fail(new VerifierLoadError(message.message));
        break;
      case "results":
        slot.stalled = slot.stuck = false;
        for (const [sequence, outcome] of message.results) {
          slot.outstanding.get(sequence)?.settle(outcome);
          slot.outstanding.delete(sequence);
        }
        this.dispatch();
        break;
      case "started":
        break;
    }
  }

  private fail(error: Error): void {
    this.fatal = error;
    this.settleFirst?.reject(error);
    void this.close();
  }

  /** Hands waiting samples to workers with room, in small portions so that all workers get some. */
  private dispatch(): void {
    let waiting = this.queue.length - this.queueHead;
    if (waiting > 0) {
      const portion = Math.max(1, Math.min(this.options.batch, Math.ceil(waiting / (2 * this.slots.length))));
      for (const slot of this.takers()) {
        const room = this.options.batch - slot.outstanding.size;
        if (!slot.ready || slot.stalled || room < Math.min(portion, this.options.batch / 2)) continue;
        const tasks: WorkerTask[] = [];
        while (tasks.length < Math.min(portion, room) && this.queueHead < this.queue.length) {
          const task = this.queue[this.queueHead++] as Task;
          if (task.settled) continue;
          slot.sequence++;
          slot.outstanding.set(slot.sequence, task);
          tasks.push({ sequence: slot.sequence, request: task.request });
        }
        this.post(slot, tasks);
      }
      if (this.queueHead > 1024 && this.queueHead * 2 > this.queue.length)
        this.queueHead -= this.queue.splice(0, this.queueHead).length;
      waiting = this.queue.length - this.queueHead;
    }
    // Spares are watched until they are gone.
    let busy = waiting > 0 || this.slots.length > this.options.workers;
    for (const { handle, outstanding } of this.slots) {
      handle.hold(outstanding.size > 0 || waiting > 0);
      busy ||= outstanding.size > 0;
    }
    if (busy && this.watch === undefined && !this.closed) {
      this.lastWatch = performance.now();
      this.watch = setInterval(() => this.look(), WATCH_MS);
      this.watch.unref();
    } else if (!busy) {
      clearInterval(this.watch);
      this.watch = undefined;
    }
  }

  /**
   * The workers that may get samples, those with the least to do first. One that has been at its sample for a while may stay there:
   * where another goes on, nothing is put behind it.
   */
  private takers(): readonly Slot[] {
    if (this.slots.length === 1) return this.slots;
    const usable = this.slots.filter(({ ready, stalled }) => ready && !stalled);
    const quick = usable.filter(
      ({ handle, outstanding }) => outstanding.size === 0 || (handle.running()?.forMs ?? 0) < SLOW_MS,
    );
    return (quick.length > 0 ? quick : usable).sort((a, b) => a.outstanding.size - b.outstanding.size);
  }

  /** Parameters nested a million deep cannot be copied to a worker: that is the sample's fault, and the others go all the same. */
  private post(slot: Slot, tasks: readonly WorkerTask[]): void {
    if (tasks.length === 0) return;
    try {
      slot.handle.post(tasks);
    } catch (error) {
      if (tasks.length > 1) return tasks.forEach((task) => this.post(slot, [task]));
      const { sequence } = tasks[0] as WorkerTask;
      slot.outstanding.get(sequence)?.settle({
        status: "error",
        reason: `params: cannot be handed to a worker (${error instanceof Error ? error.message : String(error)})`,
        code: "params",
      });
      slot.outstanding.delete(sequence);
    }
  }

  /** Looks at what each worker runs. */
  private look(): void {
    const now = performance.now();
    const late = now - this.lastWatch > LATE_MS;
    this.lastWatch = now;
    if (late) return;
    for (const slot of this.slots.slice()) {
      const running = slot.handle.running();
      if (running === undefined || !slot.outstanding.has(running.sequence)) continue;
      if (running.forMs >= this.options.deadlineMs) this.replaceOverdue(slot, running.sequence);
      else if (running.forMs >= STALL_MS) this.relieve(slot, running.sequence);
      if (running.forMs < Math.min(STUCK_MS, this.options.deadlineMs)) continue;
      slot.stuck = true;
      this.lastStuck = now;
    }
    this.adjustSpares(now);
    this.dispatch();
  }

  /** Starts a spare for each stuck worker and one for the next, within the bound; ends what is left over when none was stuck for long. */
  private adjustSpares(now: number): void {
    const { workers, maxSpareWorkers, spareIdleMs } = this.options;
    const isQuiet = now - this.lastStuck >= spareIdleMs;
    const spares = isQuiet ? 0 : 1 + this.slots.filter(({ stuck }) => stuck).length;
    const wanted = workers + Math.min(spares, maxSpareWorkers);
    while (this.slots.length < wanted) this.addWorker();
    if (!isQuiet) return;
    // Those with the least to do; the oldest stay, their code is compiled.
    const leastBusy = this.slots.toReversed().sort((a, b) => a.outstanding.size - b.outstanding.size);
    for (const slot of leastBusy.slice(0, this.slots.length - wanted)) {
      this.remove(slot);
      void slot.handle.kill();
    }
  }

  /** Takes back what waits behind a long sample, if somebody else can do it. */
  private relieve(slot: Slot, running: number): void {
    slot.stalled = true;
    if (!this.slots.some((other) => other !== slot && other.ready && !other.stalled)) return;
    const behind = [...slot.outstanding].filter(([sequence]) => sequence > running);
    if (behind.length === 0) return;
    slot.handle.skipThrough(slot.sequence);
    for (const [sequence] of behind) slot.outstanding.delete(sequence);
    this.putBack(behind.map(([, task]) => task));
  }

  private replaceOverdue(slot: Slot, running: number): void {
    this.counts.timeouts++;
    slot.outstanding.get(running)?.settle({ status: "error", reason: "timeout", code: "timeout" });
    slot.outstanding.delete(running);
    this.replace(slot);
    void slot.handle.kill();
  }

  private replaceDead(slot: Slot, reason: string): void {
    if (slot.retired || this.closed) return;
    this.counts.crashes++;
    const running = slot.handle.running()?.sequence;
    const culprit = running === undefined ? undefined : slot.outstanding.get(running);
    if (culprit !== undefined && ++culprit.crashes > this.options.crashRetries) {
      culprit.settle({ status: "error", reason: "crash", code: "crash" });
      slot.outstanding.delete(running as number);
    }
    if (!slot.ready && ++this.failedStarts >= MOST_FAILED_STARTS) {
      this.fail(
        new VerifierLoadError(
          `verifier workers die before they are ready (${reason}); ${MOST_FAILED_STARTS} starts in a row failed`,
        ),
      );
      return;
    }
    this.replace(slot);
  }

  private replace(slot: Slot): void {
    this.remove(slot);
    this.counts.restarts++;
    if (this.slots.length < this.options.workers) this.addWorker();
    this.dispatch();
  }

  /** Takes a worker out of the pool; the others do its samples. */
  private remove(slot: Slot): void {
    slot.retired = true;
    this.slots.splice(this.slots.indexOf(slot), 1);
    this.putBack([...slot.outstanding.values()]);
    slot.outstanding.clear();
  }

  /** To the front of the queue: they have waited longest. */
  private putBack(tasks: readonly Task[]): void {
    const unsettled = tasks.filter(({ settled }) => !settled);
    this.queue.splice(0, this.queueHead, ...unsettled);
    this.queueHead = 0;
  }
}

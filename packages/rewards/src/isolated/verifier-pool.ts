/**
 * A pool of workers in which no sample can hurt another.
 *
 * Each sample's deadline runs from the moment its verifier is called, never from when it was queued or from when an
 * answer was read, so that a busy event loop turns no answer into a timeout. A worker that overruns or dies is
 * replaced. The sample it ran is the culprit; its other samples are done again elsewhere (verifiers are pure, so twice
 * does no harm). While a sample takes unusually long, the samples behind it in the same worker go to the other workers.
 * Once it looks stuck, a spare worker is started: a worker takes longer to start than anyone should wait, so its
 * successor must be there before the deadline ends it.
 */
import { UnknownVerifierError } from "@v-triune/verifiers";
import type { RewardRequest } from "../reward-source";
import type { RewardOutcome } from "../score-request";
import { CLOSED_OUTCOME } from "../stream-through";
import { VerifierLoadError } from "./load-verifiers";
import type { FromWorker } from "./protocol";
import { Task, TaskQueue } from "./task-queue";
import { WorkerSlot, type StartWorker } from "./worker-slot";

/** Settings of the pool; defaults are in {@link POOL_DEFAULTS}. */
export interface PoolOptions {
  readonly workers: number;
  /** Milliseconds that one verifier call may take. */
  readonly deadlineMs: number;
  /** How often a sample that was running when its worker died is tried again. */
  readonly crashRetries: number;
  /** The number of samples that a worker holds at once. */
  readonly batch: number;
  /** The number of workers beyond `workers` that may run while some are stuck in a sample. */
  readonly maxSpareWorkers: number;
  /**
   * Spares end when no worker was stuck for this many milliseconds. Until then one is kept ready, since one hang often
   * follows another.
   */
  readonly spareIdleMs: number;
}

/** The caller chooses the number of workers. */
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
  readonly #start: StartWorker;
  readonly #options: PoolOptions;
  readonly #slots: WorkerSlot[] = [];
  readonly #queue = new TaskQueue();
  readonly #counts = { timeouts: 0, crashes: 0, restarts: 0 };
  readonly #firstReady: Promise<void>;
  #settleFirst: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #names: readonly string[] | undefined;
  #watch: NodeJS.Timeout | undefined;
  #lastWatch = 0;
  #lastStuck = Number.NEGATIVE_INFINITY;
  #failedStarts = 0;
  #isClosed = false;
  /** Why no worker can be started. */
  #fatal: Error | undefined;

  constructor(start: StartWorker, options: PoolOptions) {
    this.#start = start;
    this.#options = options;
    this.#firstReady = new Promise((resolve, reject) => (this.#settleFirst = { resolve, reject }));
    for (let i = 0; i < options.workers; i++) this.#addWorker();
  }

  /** Waits for the first worker. @throws VerifierLoadError when the verifiers cannot be loaded */
  async ready(): Promise<readonly string[]> {
    await this.#firstReady;
    return this.#names ?? [];
  }

  get stats(): PoolStats {
    return {
      workers: this.#slots.length,
      spares: Math.max(0, this.#slots.length - this.#options.workers),
      ready: this.#slots.filter(({ isReady }) => isReady).length,
      queued: this.#queue.waiting,
      running: this.#slots.reduce((sum, { size }) => sum + size, 0),
      ...this.#counts,
    };
  }

  /**
   * Judges one request. Call after {@link ready}.
   *
   * @returns the outcome, and how to call it off: the promise then never settles
   * @throws UnknownVerifierError for a verifier that the workers do not have; VerifierLoadError if no worker can be
   *   started any more
   */
  submit(request: RewardRequest): { readonly outcome: Promise<RewardOutcome>; readonly cancel: () => void } {
    if (this.#fatal !== undefined) throw this.#fatal;
    if (this.#names?.includes(request.verifier) === false)
      throw new UnknownVerifierError(request.verifier, this.#names);
    const task = new Task(request);
    if (this.#isClosed) task.settle(CLOSED_OUTCOME);
    else {
      this.#queue.push(task);
      this.#dispatch();
    }
    return { outcome: task.outcome, cancel: () => task.cancel() };
  }

  /** Ends all workers; what is unfinished settles as `error: closed`. */
  async close(): Promise<void> {
    await this.#end((task) => task.settle(CLOSED_OUTCOME));
  }

  async #end(settle: (task: Task) => void): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#watch);
    this.#watch = undefined;
    this.#settleFirst?.resolve();
    const slots = this.#slots.splice(0);
    for (const slot of slots) slot.isRetired = true;
    for (const task of [...slots.flatMap((slot) => slot.takeAll()), ...this.#queue.clear()]) settle(task);
    await Promise.all(slots.map(({ handle }) => handle.kill()));
  }

  /** No worker can be started: everything fails, now and later. */
  #fail(error: Error): void {
    this.#fatal = error;
    this.#settleFirst?.reject(error);
    void this.#end((task) => task.fail(error));
  }

  #addWorker(): void {
    const slot = new WorkerSlot(this.#start, {
      message: (from, message) => this.#receive(from, message),
      exit: (from, reason) => this.#replaceDead(from, reason),
    });
    // Someone waits for the first worker, and nothing else may keep the process alive meanwhile.
    slot.handle.hold(this.#names === undefined || this.#queue.waiting > 0);
    this.#slots.push(slot);
  }

  #receive(slot: WorkerSlot, message: FromWorker): void {
    if (slot.isRetired) return;
    switch (message.type) {
      case "ready":
        slot.isReady = true;
        this.#failedStarts = 0;
        this.#names = message.names;
        this.#settleFirst?.resolve();
        this.#dispatch();
        break;
      case "failed":
        this.#fail(new VerifierLoadError(message.error));
        break;
      case "results":
        slot.isStalled = slot.isStuck = false;
        for (const [sequence, outcome] of message.results) slot.settle(sequence, outcome);
        this.#dispatch();
        break;
      case "started":
        break;
    }
  }

  /**
   * Gives out what waits; what follows from who is busy then: which workers keep this process alive, and whether they
   * are watched.
   */
  #dispatch(): void {
    if (this.#queue.waiting > 0) this.#handOut();
    const isWaiting = this.#queue.waiting > 0;
    for (const { handle, size } of this.#slots) handle.hold(size > 0 || isWaiting);
    // Spares are watched until they are gone.
    const hasSpares = this.#slots.length > this.#options.workers;
    this.#setWatch(isWaiting || hasSpares || this.#slots.some(({ size }) => size > 0));
  }

  /** Hands waiting samples to workers with room, in small portions so that all workers get some. */
  #handOut(): void {
    const { batch } = this.#options;
    const share = Math.ceil(this.#queue.waiting / (2 * this.#slots.length));
    const portion = Math.max(1, Math.min(batch, share));
    for (const slot of this.#takers()) {
      const room = batch - slot.size;
      if (!slot.isReady || slot.isStalled || room < Math.min(portion, batch / 2)) continue;
      const tasks: Task[] = [];
      while (tasks.length < Math.min(portion, room)) {
        const task = this.#queue.take();
        if (task === undefined) break;
        tasks.push(task);
      }
      slot.post(tasks);
    }
  }

  /**
   * The workers that may get samples, those with the least to do first. One that has been at its sample for a while may
   * stay there: if another makes progress, nothing is put behind it.
   */
  #takers(): readonly WorkerSlot[] {
    if (this.#slots.length === 1) return this.#slots;
    const usable = this.#slots.filter(({ isReady, isStalled }) => isReady && !isStalled);
    const quick = usable.filter(({ handle, size }) => size === 0 || (handle.running()?.forMs ?? 0) < SLOW_MS);
    return (quick.length > 0 ? quick : usable).sort((a, b) => a.size - b.size);
  }

  #setWatch(isOn: boolean): void {
    if (!isOn) {
      clearInterval(this.#watch);
      this.#watch = undefined;
    } else if (this.#watch === undefined && !this.#isClosed) {
      this.#lastWatch = performance.now();
      this.#watch = setInterval(() => this.#look(), WATCH_MS);
      this.#watch.unref();
    }
  }

  /** Looks at what each worker runs. */
  #look(): void {
    const now = performance.now();
    const isLate = now - this.#lastWatch > LATE_MS;
    this.#lastWatch = now;
    if (isLate) return;
    const { deadlineMs } = this.#options;
    for (const slot of this.#slots.slice()) {
      const running = slot.running();
      if (running === undefined) continue;
      if (running.forMs >= deadlineMs) this.#replaceOverdue(slot, running.sequence);
      else if (running.forMs >= STALL_MS) this.#relieve(slot, running.sequence);
      if (running.forMs < Math.min(STUCK_MS, deadlineMs)) continue;
      slot.isStuck = true;
      this.#lastStuck = now;
    }
    this.#adjustSpares(now);
    this.#dispatch();
  }

  /**
   * Starts a spare for each stuck worker and one for the next, within the bound; ends what is left over when none was
   * stuck for long.
   */
  #adjustSpares(now: number): void {
    const { workers, maxSpareWorkers, spareIdleMs } = this.#options;
    const isQuiet = now - this.#lastStuck >= spareIdleMs;
    const spares = isQuiet ? 0 : 1 + this.#slots.filter(({ isStuck }) => isStuck).length;
    const wanted = workers + Math.min(spares, maxSpareWorkers);
    while (this.#slots.length < wanted) this.#addWorker();
    if (!isQuiet) return;
    // Those with the least to do; the oldest stay, their code is compiled.
    const leastBusy = this.#slots.toReversed().sort((a, b) => a.size - b.size);
    for (const slot of leastBusy.slice(0, this.#slots.length - wanted)) {
      this.#remove(slot);
      void slot.handle.kill();
    }
  }

  /** Takes back what waits behind a long sample, if another worker can do it. */
  #relieve(slot: WorkerSlot, running: number): void {
    slot.isStalled = true;
    if (this.#slots.some((other) => other !== slot && other.isReady && !other.isStalled))
      this.#queue.putBack(slot.takeBehind(running));
  }

  #replaceOverdue(slot: WorkerSlot, running: number): void {
    this.#counts.timeouts++;
    slot.settle(running, { status: "error", reason: "timeout", code: "timeout" });
    this.#replace(slot);
    void slot.handle.kill();
  }

  #replaceDead(slot: WorkerSlot, reason: string): void {
    if (slot.isRetired || this.#isClosed) return;
    this.#counts.crashes++;
    const culprit = slot.running();
    if (culprit !== undefined && ++culprit.task.crashes > this.#options.crashRetries)
      slot.settle(culprit.sequence, { status: "error", reason: "crash", code: "crash" });
    if (!slot.isReady && ++this.#failedStarts >= MOST_FAILED_STARTS) {
      this.#fail(
        new VerifierLoadError({
          what: "The workers of the verifiers die before they are ready.",
          expected: "verifier modules that load and leave their process alone",
          found: `${reason}; ${MOST_FAILED_STARTS} starts in a row failed`,
          fix: "load the verifier modules in a process of your own to see what they do",
        }),
      );
      return;
    }
    this.#replace(slot);
  }

  #replace(slot: WorkerSlot): void {
    this.#remove(slot);
    this.#counts.restarts++;
    if (this.#slots.length < this.#options.workers) this.#addWorker();
    this.#dispatch();
  }

  /** Takes a worker out of the pool; the others do its samples. */
  #remove(slot: WorkerSlot): void {
    slot.isRetired = true;
    this.#slots.splice(this.#slots.indexOf(slot), 1);
    this.#queue.putBack(slot.takeAll());
  }
}

/** One worker of a pool, and the samples that it has. */
import type { RewardOutcome } from "../score-request";
import type { FromWorker, WorkerTask } from "./protocol";
import type { Task } from "./task-queue";
import type { WorkerEvents, WorkerHandle } from "./worker-handle";

export type StartWorker = (events: WorkerEvents) => WorkerHandle;

/** What a slot tells its pool. */
export interface SlotEvents {
  message(slot: WorkerSlot, message: FromWorker): void;
  /** The worker is gone. */
  exit(slot: WorkerSlot, reason: string): void;
}

/** See the file's header. */
export class WorkerSlot {
  readonly handle: WorkerHandle;
  /** Its verifiers are loaded. */
  isReady = false;
  /** It is not part of the pool any more: what it still says does not count. */
  isRetired = false;
  /** It runs an unusually long sample: nothing is put behind that. */
  isStalled = false;
  /** It may stay in its sample until the deadline: another does its work. */
  isStuck = false;
  readonly #tasks = new Map<number, Task>();
  #sequence = 0;

  constructor(start: StartWorker, events: SlotEvents) {
    this.handle = start({
      message: (message) => events.message(this, message),
      exit: (reason) => events.exit(this, reason),
    });
  }

  /** The number of its samples. */
  get size(): number {
    return this.#tasks.size;
  }

  /**
   * Sends samples. One that cannot be copied to a worker (nested a million deep) is at fault itself, and the others go
   * all the same.
   */
  post(tasks: readonly Task[]): void {
    const numbered = tasks.map((task): WorkerTask => {
      this.#tasks.set(++this.#sequence, task);
      return { sequence: this.#sequence, request: task.request };
    });
    this.#send(numbered);
  }

  #send(tasks: readonly WorkerTask[]): void {
    if (tasks.length === 0) return;
    try {
      this.handle.post(tasks);
    } catch (error) {
      if (tasks.length > 1) return tasks.forEach((task) => this.#send([task]));
      const { sequence } = tasks[0] as WorkerTask;
      const cause = error instanceof Error ? error.message : String(error);
      this.settle(sequence, {
        status: "error",
        reason: `params: cannot be handed to a worker (${cause})`,
        code: "params",
      });
    }
  }

  settle(sequence: number, outcome: RewardOutcome): void {
    this.#tasks.get(sequence)?.settle(outcome);
    this.#tasks.delete(sequence);
  }

  /** The sample that it runs and for how many milliseconds; undefined if it runs none that is still its own. */
  running(): { readonly sequence: number; readonly task: Task; readonly forMs: number } | undefined {
    const running = this.handle.running();
    const task = running && this.#tasks.get(running.sequence);
    return running && task && { ...running, task };
  }

  /** Takes back the samples behind one, which the worker then skips. */
  takeBehind(sequence: number): Task[] {
    const behind = [...this.#tasks].filter(([other]) => other > sequence);
    if (behind.length === 0) return [];
    this.handle.skipThrough(this.#sequence);
    for (const [other] of behind) this.#tasks.delete(other);
    return behind.map(([, task]) => task);
  }

  /** Takes back all its samples. */
  takeAll(): Task[] {
    const all = [...this.#tasks.values()];
    this.#tasks.clear();
    return all;
  }
}

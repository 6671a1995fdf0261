/** Samples that wait for a worker: first come, first served, and those that a worker gives back go to the front. */
import { PendingRequest } from "../pending-request";

/** One sample of a pool. */
export class Task extends PendingRequest {
  /** How many workers have died while they ran it. */
  crashes = 0;
}

/** Taken tasks are removed from the list together, this many at least. */
const REMOVED_TOGETHER = 1024;

/** See the file's header. */
export class TaskQueue {
  readonly #tasks: Task[] = [];
  /** Tasks before this place are taken: removing each by itself would take the square of their number. */
  #head = 0;

  /** The number of tasks that wait, canceled ones among them. */
  get waiting(): number {
    return this.#tasks.length - this.#head;
  }

  push(task: Task): void {
    this.#tasks.push(task);
  }

  /** The next task that still wants an outcome. */
  take(): Task | undefined {
    while (this.#head < this.#tasks.length) {
      const task = this.#tasks[this.#head++] as Task;
      if (this.#head > REMOVED_TOGETHER && this.#head * 2 > this.#tasks.length) {
        this.#tasks.splice(0, this.#head);
        this.#head = 0;
      }
      if (!task.isSettled) return task;
    }
    return undefined;
  }

  /** Puts tasks to the front: they have waited longest. */
  putBack(tasks: readonly Task[]): void {
    this.#tasks.splice(0, this.#head, ...tasks.filter(({ isSettled }) => !isSettled));
    this.#head = 0;
  }

  /** Empties the queue. @returns what waited */
  clear(): Task[] {
    const waiting = this.#tasks.splice(0).slice(this.#head);
    this.#head = 0;
    return waiting;
  }
}

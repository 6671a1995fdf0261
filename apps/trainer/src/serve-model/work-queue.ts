/**
 * The work of all clients, one piece after another: there is one backend. Requests for answers of the same weights are
 * done together, also if others came between them, as their weights do not change.
 */
export interface Work {
  /** Pieces of the same kind that wait are done together with the first; undefined: alone. */
  readonly kind?: string | undefined;
  /** @param together this piece and those of its kind, in the order in which they came */
  run(together: readonly Work[]): Promise<void>;
  /** Called in place of `run` when the server stops before it is this piece's turn. */
  cancel(): void;
}

export class WorkQueue {
  #waiting: Work[] = [];
  #running: Promise<void> | undefined;
  #isClosed = false;

  /** Pieces that wait or are at work. */
  get length(): number {
    return this.#waiting.length + (this.#running ? 1 : 0);
  }

  add(work: Work): void {
    if (this.#isClosed) return work.cancel();
    this.#waiting.push(work);
    this.#running ??= this.#work();
  }

  /** Ends what is at work; what waits is canceled. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const work of this.#waiting.splice(0)) work.cancel();
    await this.#running;
  }

  async #work(): Promise<void> {
    // Requests that come in the same moment wait for each other.
    await new Promise((resolve) => setImmediate(resolve));
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const { kind } = next;
      const together = this.#waiting.filter((work) => work === next || (kind !== undefined && work.kind === kind));
      this.#waiting = this.#waiting.filter((work) => !together.includes(work));
      await next.run(together);
    }
    this.#running = undefined;
  }
}

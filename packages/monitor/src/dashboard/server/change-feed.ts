/**
 * Which runs have changed. A listener who says since when is told what it missed: between a page's first data and its
 * listening, or while its connection was down.
 */
import { randomUUID } from "node:crypto";

type Listener = (runs: readonly string[], moment: string) => void;

export class ChangeFeed {
  /** Moments of another server say nothing here. */
  readonly #server = randomUUID();
  #count = 0;
  /** The count at which each run changed last. */
  readonly #changedAt = new Map<string, number>();
  readonly #listeners = new Set<Listener>();

  /** Now, as text to be given to `since`. */
  get moment(): string {
    return `${this.#server}:${this.#count}`;
  }

  tell(runs: readonly string[]): void {
    this.#count += 1;
    for (const run of runs) this.#changedAt.set(run, this.#count);
    for (const listener of this.#listeners) listener(runs, this.moment);
  }

  /** The runs that changed after a moment; undefined where that cannot be told. */
  since(moment: string): readonly string[] | undefined {
    const [server, count] = moment.split(":");
    if (server !== this.#server || !/^\d+$/.test(count ?? "")) return undefined;
    return [...this.#changedAt].flatMap(([run, changedAt]) => (changedAt > Number(count) ? [run] : []));
  }

  /** @returns stops listening */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Ends all listening. */
  close(): void {
    this.#listeners.clear();
  }
}

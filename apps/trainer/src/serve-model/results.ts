/** Results of requests that were taken, until they are fetched: by id, for a while. */
import { RequestRefusal } from "./request-refusal";

/** What a client reads in place of a result. */
export interface Failure {
  readonly error: string;
  readonly category: "user" | "server" | "unknown";
}

export type Outcome<Value> = { readonly value: Value } | Failure;

/** The body of a reply; a text is JSON already. */
export type ReplyBody = object | string;

interface Entry {
  readonly done: Promise<Outcome<ReplyBody>>;
  settle(outcome: Outcome<ReplyBody>): void;
  settledAt: number | undefined;
}

/** Results that were settled longer ago than this are forgotten when new ones come. */
const KEPT_MS = 15 * 60_000;

export class Results {
  #next = 1;
  readonly #entries = new Map<string, Entry>();

  /** @param holdMs how long a request for a result is held before it is answered "not yet" */
  constructor(readonly holdMs: number) {}

  /** @returns the id by which the result is fetched */
  open(): string {
    this.#forgetOld();
    const id = String(this.#next++);
    let settle!: Entry["settle"];
    const done = new Promise<Outcome<ReplyBody>>((resolve) => (settle = resolve));
    this.#entries.set(id, { done, settle, settledAt: undefined });
    return id;
  }

  settle(id: string, outcome: Outcome<ReplyBody>): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.settledAt = performance.now();
    entry.settle(outcome);
  }

  /**
   * @returns undefined if the result is not ready in time
   * @throws RequestRefusal 404 for an id that is not known
   */
  async fetch(id: string): Promise<Outcome<ReplyBody> | undefined> {
    const entry = this.#entries.get(id);
    if (!entry) throw new RequestRefusal(404, `request ${id} is not known: results are kept for 15 minutes`);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), this.holdMs)));
    const found = await Promise.race([entry.done, late]);
    clearTimeout(timer);
    return found;
  }

  #forgetOld(): void {
    const now = performance.now();
    for (const [id, { settledAt }] of this.#entries)
      if (settledAt !== undefined && now - settledAt > KEPT_MS) this.#entries.delete(id);
  }
}

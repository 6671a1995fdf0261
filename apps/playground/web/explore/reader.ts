/** The worker's side of the page: questions as promises. */
import type { CorpusSummary, FoundRows } from "../../src/explore/corpus-file";
import type { Message, Question, Questions } from "./protocol";

interface Waiting {
  readonly fulfill: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onFound: (found: FoundRows) => void;
}

/** How the check of all rows goes. */
export type OnChecked = (summary: CorpusSummary, problem: string | null) => void;

export class Reader {
  readonly #worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;

  constructor(onChecked: OnChecked = () => undefined) {
    this.#worker.addEventListener("message", ({ data }: MessageEvent<Message>) => {
      if (data.type === "checked") return onChecked(data.summary, data.problem);
      const waiting = this.#waiting.get(data.id);
      if (data.type === "found") return waiting?.onFound(data.found);
      this.#waiting.delete(data.id);
      if (data.type === "failed") waiting?.reject(new Error(data.problem));
      else waiting?.fulfill(data.value);
    });
    this.#worker.addEventListener("error", ({ message }) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(message || "The reader failed."));
      this.#waiting.clear();
    });
  }

  /** @param onFound for `find`: the rows so far */
  ask<Name extends keyof Questions>(
    name: Name,
    given: Questions[Name]["given"],
    onFound: (found: FoundRows) => void = () => undefined,
  ): Promise<Questions[Name]["answer"]> {
    const id = this.#next++;
    return new Promise((fulfill, reject) => {
      this.#waiting.set(id, { fulfill: fulfill as (value: unknown) => void, reject, onFound });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is a worker, not a window
      this.#worker.postMessage({ id, name, given } as Question, transferred(given));
    });
  }

  close(): void {
    this.#worker.terminate();
  }
}

function transferred(given: unknown): Transferable[] {
  const { port } = given as { port?: unknown };
  return port instanceof MessagePort ? [port] : [];
}

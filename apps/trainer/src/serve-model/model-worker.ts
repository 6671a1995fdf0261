/**
 * The thread that computes, as the server's thread sees it. If it ends by itself, its models are gone: what waits for it
 * fails, and the next call starts another one.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { VTriuneError } from "@v-triune/errors";
import { entryFile } from "@v-triune/node-kit/entry-file";
import { packageRoot } from "../package-root";
import type { CompleteModelSettings } from "./model-settings";
import type { FromModelThread, ModelWork, ToModelThread, WorkName, WorkOutcome } from "./model-work";
import type { Failure } from "./results";

interface Waiting {
  settle(outcome: { readonly value: unknown } | Failure): void;
}

/** The file of the thread: the built one, or in a clone its source. */
export function modelThreadFile(): Promise<URL> {
  return entryFile({
    source: new URL("./model-thread.ts", import.meta.url),
    built: () => pathToFileURL(join(packageRoot, "dist", "serve-model", "model-thread.js")),
  });
}

export class ModelWorker {
  #thread: Promise<{ readonly worker: Worker; readonly backend: string }> | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #jobs = 0;
  #workedMs = 0;
  #isClosed = false;

  /**
   * @param file of the thread, see {@link modelThreadFile}
   * @param note told what a person should know
   * @param onLost called when the thread has ended by itself, with all models
   */
  constructor(
    readonly file: URL,
    readonly settings: CompleteModelSettings,
    readonly note: (message: string) => void,
    readonly onLost: () => void,
  ) {}

  /** Time that calls took so far, in ms. */
  get workedMs(): number {
    return this.#workedMs;
  }

  /** @returns what computes. @throws BackendError, TokenizerError as a VTriuneError of the same words */
  async start(): Promise<string> {
    return (await this.#running()).backend;
  }

  /** Does a call in the thread; never rejects. */
  async do<Name extends WorkName>(name: Name, ...given: Parameters<ModelWork[Name]>): Promise<WorkOutcome<Name>> {
    try {
      const { worker } = await this.#running();
      const job = this.#jobs++;
      const outcome = await new Promise<{ readonly value: unknown } | Failure>((settle) => {
        this.#waiting.set(job, { settle });
        worker.postMessage({ job, name, given } satisfies ToModelThread, []);
      });
      return outcome as WorkOutcome<Name>;
    } catch (error) {
      const { message } = error as Error;
      this.note(message);
      return { error: `the server failed: ${message}`, category: "server" } as WorkOutcome<Name>;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const thread = await this.#thread?.catch(() => undefined);
    await thread?.worker.terminate();
  }

  #running(): Promise<{ readonly worker: Worker; readonly backend: string }> {
    return (this.#thread ??= this.#start().catch((error: unknown) => {
      this.#thread = undefined;
      throw error;
    }));
  }

  #start(): Promise<{ readonly worker: Worker; readonly backend: string }> {
    const { token: _, ...settings } = this.settings;
    const worker = new Worker(this.file, { execArgv: [], workerData: settings });
    return new Promise((resolve, reject) => {
      let failure: unknown;
      let isReady = false;
      worker.on("message", (message: FromModelThread) => {
        if (message.type === "ready") {
          isReady = true;
          resolve({ worker, backend: message.backend });
        } else if (message.type === "cannot-start") reject(new VTriuneError(message.error));
        else if (message.type === "note") this.note(message.message);
        else {
          this.#workedMs += message.ms;
          this.#waiting.get(message.job)?.settle(message.outcome);
          this.#waiting.delete(message.job);
        }
      });
      worker.on("error", (error) => (failure = error));
      worker.on("exit", (code) => {
        const reason = failure instanceof Error ? failure.message : `exit code ${code}`;
        const lost = `the thread that computes has ended (${reason}); its models are gone`;
        reject(new Error(lost));
        if (!isReady || this.#isClosed) return;
        this.#thread = undefined;
        this.note(lost);
        this.onLost();
        for (const { settle } of this.#waiting.values()) settle({ error: lost, category: "server" });
        this.#waiting.clear();
      });
    });
  }
}

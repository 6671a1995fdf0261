/**
 * The tools of a module, in a thread of their own. A call that does not end in time, ends its thread or fills its memory
 * costs its own conversation a fault; the thread is started again for the next call. Calls are made one after the other,
 * so that a call that hangs takes no other with it, and each has the whole deadline.
 */
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { ConfigError, type ErrorDetails } from "@v-triune/errors";
import type { Tool, ToolContext, ToolResult } from "@v-triune/rollouts/tools";
import { threadFile } from "../threads/start-thread";
import type { FromToolThread, ToToolThread, ToolDescription } from "./tool-protocol";

export interface IsolatedToolsOptions {
  /** Milliseconds that a call may take, from its start. */
  readonly deadlineMs: number;
  /** The largest old generation of the thread's memory in MB. */
  readonly memoryMb: number;
}

export interface IsolatedTools {
  readonly tools: readonly Tool[];
  close(): Promise<void>;
}

/** Within which the module must be loaded. */
const START_MS = 60_000;
/** Verifier threads have as much: results are short-lived. */
const YOUNG_MB = 12;

/**
 * @param module its URL
 * @throws ConfigError for a module that cannot be imported, exports no tool, or ends its thread while it is imported
 */
export async function openIsolatedTools(module: string, options: IsolatedToolsOptions): Promise<IsolatedTools> {
  const caller = new ToolCaller(module, options);
  let described: readonly ToolDescription[];
  try {
    described = (await caller.thread()).tools;
  } catch (error) {
    await caller.close();
    throw error;
  }
  return {
    tools: described.map((tool): Tool => ({
      ...tool,
      // The thread has the tool's own schema.
      schema: { "~standard": { version: 1, vendor: "v-triune", validate: (value) => ({ value }) } },
      keepsDeadline: true,
      call: (args, context) => caller.call(tool.name, args, context),
    })),
    close: () => caller.close(),
  };
}

/** A thread that has imported the module. */
interface ToolThread {
  readonly worker: Worker;
  readonly tools: readonly ToolDescription[];
  /** Why it ended, once it has. */
  readonly ended: Promise<string>;
}

class ToolCaller {
  #thread: Promise<ToolThread> | undefined;
  /** Ends when the newest call does. */
  #queue: Promise<unknown> = Promise.resolve();
  #calls = 0;
  #closed = false;

  constructor(
    readonly module: string,
    readonly options: IsolatedToolsOptions,
  ) {}

  thread(): Promise<ToolThread> {
    return (this.#thread ??= this.#start());
  }

  call(tool: string, args: unknown, context: ToolContext): Promise<ToolResult> {
    const made = this.#queue.then(() => this.#make(tool, args, context));
    this.#queue = made.catch(() => undefined);
    return made;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#end();
  }

  async #end(): Promise<void> {
    const thread = await this.#thread?.catch(() => undefined);
    this.#thread = undefined;
    await thread?.worker.terminate();
  }

  async #start(): Promise<ToolThread> {
    const worker = new Worker(await threadFile("sampling/tool-thread"), {
      execArgv: process.execArgv.filter((word) => word.startsWith("--conditions=")),
      resourceLimits: { maxOldGenerationSizeMb: this.options.memoryMb, maxYoungGenerationSizeMb: YOUNG_MB },
    });
    let failure: string | undefined;
    worker.on("error", (error: NodeJS.ErrnoException) => {
      failure =
        error.code === "ERR_WORKER_OUT_OF_MEMORY" ? `it used more than ${this.options.memoryMb} MB` : error.message;
    });
    const ended = new Promise<string>((resolve) =>
      worker.once("exit", (code) => resolve(failure ?? `it ended its thread with code ${code}`)),
    );
    post(worker, { type: "setup", module: this.module });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<ErrorDetails>((resolve) => {
      timer = setTimeout(() => resolve(startProblem(this.module, `nothing within ${START_MS / 1000} s`)), START_MS);
    });
    const first = new Promise<readonly ToolDescription[] | ErrorDetails>((resolve) =>
      worker.once("message", (message: FromToolThread) => {
        if (message.type === "ready") resolve(message.tools);
        else if (message.type === "failed") resolve(message.error);
      }),
    );
    const began = await Promise.race([first, ended.then((why) => startProblem(this.module, why)), late]);
    clearTimeout(timer);
    if ("what" in began) {
      await worker.terminate();
      throw new ConfigError(began);
    }
    worker.unref();
    return { worker, tools: began, ended };
  }

  async #make(tool: string, args: unknown, context: ToolContext): Promise<ToolResult> {
    if (this.#closed) return { fault: "the run has ended" };
    let thread: ToolThread;
    try {
      thread = await this.thread();
    } catch (error) {
      // It was started once; what a tool leaves behind may keep it from starting again.
      this.#thread = undefined;
      return {
        fault: `the tool cannot be started again: ${error instanceof Error ? error.message.split("\n")[0] : error}`,
      };
    }
    const { worker, ended } = thread;
    const call = (this.#calls += 1);
    // While a call is made the process waits for it.
    worker.ref();
    const stop = new AbortController();
    const pictures = pixelServer(worker, call, context);
    const result = resultOf(worker, call, stop.signal);
    const { promptPictures } = context;
    const sizes = context.pictures.map(({ width, height, seen }) => ({ width, height, seen }));
    post(worker, { type: "call", call, tool, arguments: args, pictures: sizes, promptPictures });
    const outcome = await Promise.race([
      result,
      ended.then((why) => ({ ended: `the tool failed: ${why}` })),
      this.#deadline(pictures, stop.signal).then(() => {
        return { ended: `no result within ${this.options.deadlineMs / 1000} s` };
      }),
    ]);
    stop.abort();
    pictures.stop();
    if ("result" in outcome) {
      worker.unref();
      return outcome.result;
    }
    await this.#end();
    return { fault: outcome.ended };
  }

  /**
   * Resolves when the call has had its time: what the tool waited for pixels is not counted, and a process that was busy
   * itself reads its messages first.
   */
  async #deadline(pictures: { readonly served: number; readonly open: number }, signal: AbortSignal): Promise<void> {
    let served: number;
    do {
      served = pictures.served;
      await sleep(this.options.deadlineMs, signal);
      await turnOfTheLoop();
      await turnOfTheLoop();
    } while (!signal.aborted && (pictures.open > 0 || pictures.served > served));
    if (signal.aborted) await new Promise<never>(() => {});
  }
}

const post = (worker: Worker, message: ToToolThread): void => worker.postMessage(message, []);

/** Resolves early, and keeps nothing alive, when the signal fires. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const stop = (): void => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}

function resultOf(worker: Worker, call: number, signal: AbortSignal): Promise<{ readonly result: ToolResult }> {
  return new Promise((resolve) => {
    const listen = (message: FromToolThread): void => {
      if (message.type === "result" && message.call === call) resolve({ result: message.result });
    };
    worker.on("message", listen);
    signal.addEventListener("abort", () => worker.off("message", listen), { once: true });
  });
}

/** Sends the pixels that a call asks for. */
function pixelServer(worker: Worker, call: number, { pictures }: ToolContext) {
  const state = { served: 0, open: 0, stop: () => void worker.off("message", listen) };
  const listen = (message: FromToolThread): void => {
    if (message.type !== "pixels" || message.call !== call) return;
    const { picture } = message;
    state.open += 1;
    void (async () => {
      const pixels = await (pictures[picture]?.pixels() ?? Promise.reject(new Error("no such picture"))).catch(
        (error: unknown) => ({ problem: error instanceof Error ? error.message : String(error) }),
      );
      post(worker, { type: "pixels", call, picture, pixels });
      state.open -= 1;
      state.served += 1;
    })();
  };
  worker.on("message", listen);
  return state;
}

function startProblem(module: string, found: string): ErrorDetails {
  return {
    what: "The module of a tool cannot be loaded.",
    where: module,
    expected: "a module that exports tools and does nothing else when it is imported",
    found,
    fix: "remove what runs at its top level",
  };
}

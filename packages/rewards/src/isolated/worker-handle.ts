import { fork, type ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker, type ResourceLimits } from "node:worker_threads";
import { entryFile } from "@v-triune/node-kit/entry-file";
import { RunningMark, type FromWorker, type ToWorker, type WorkerSetup, type WorkerTask } from "./protocol";

/** A worker, thread or process, as the pool uses it. */
export interface WorkerHandle {
  post(tasks: readonly WorkerTask[]): void;
  /** Tells the worker to skip all samples up to this one. */
  skipThrough(sequence: number): void;
  /** The sample that runs and for how many milliseconds, or undefined. */
  running(): { readonly sequence: number; readonly forMs: number } | undefined;
  /** Whether the worker keeps this process alive. */
  hold(busy: boolean): void;
  /** Ends it immediately, also in the middle of a sample. */
  kill(): Promise<void>;
}

/** What a worker tells its pool. */
export interface WorkerEvents {
  message(message: FromWorker): void;
  /** The worker has ended. */
  exit(reason: string): void;
}

/** How a worker is started. */
export interface WorkerStart {
  /** What the worker runs, see {@link workerFile}. */
  readonly file: URL;
  readonly setup: Omit<WorkerSetup, "mark">;
  readonly resourceLimits?: ResourceLimits;
  /** More Node options for the worker. */
  readonly execArgv?: readonly string[];
}

/** The file that a worker runs. */
export function workerFile(): Promise<URL> {
  return entryFile({
    source: new URL("./verifier-worker.ts", import.meta.url),
    built: () => pathToFileURL(createRequire(import.meta.url).resolve("@v-triune/rewards/verifier-worker")),
  });
}

/** A verifier's module finds packages in a worker as it does here: by the same export conditions. */
function exportConditions(): string[] {
  return process.execArgv.filter(
    (word, i, words) => /^(--conditions|-C)(=|$)/.test(word) || /^(--conditions|-C)$/.test(words[i - 1] ?? ""),
  );
}

/** Starts a worker thread. */
export function startThread(
  { file, setup, resourceLimits, execArgv = [] }: WorkerStart,
  events: WorkerEvents,
): WorkerHandle {
  const memory = RunningMark.allocate();
  const mark = new RunningMark(memory);
  const worker = new Worker(file, {
    execArgv: [...exportConditions(), ...execArgv],
    ...(resourceLimits !== undefined && { resourceLimits }),
  });
  let failure: string | undefined;
  worker.on("message", (message: FromWorker) => events.message(message));
  worker.on("error", (error) => (failure = error instanceof Error ? `${error.name}: ${error.message}` : String(error)));
  worker.on("exit", (code) => events.exit(failure ?? `exit code ${code}`));
  const send = (message: ToWorker) => worker.postMessage(message, []);
  send({ type: "setup", setup: { ...setup, mark: memory } });
  return {
    post: (tasks) => send({ type: "tasks", tasks }),
    skipThrough: (sequence) => mark.skipThrough(sequence),
    running: () => mark.running(),
    hold: (busy) => (busy ? worker.ref() : worker.unref()),
    kill: async () => {
      // A process with nothing else to do must not exit before the caller's wait for the end is over.
      worker.ref();
      await worker.terminate();
    },
  };
}

/** Starts a worker process, for verifiers that can take their whole process down (native code, `process.abort`). */
export function startProcess(
  { file, setup, resourceLimits, execArgv = [] }: WorkerStart,
  events: WorkerEvents,
): WorkerHandle {
  const memoryLimit = resourceLimits?.maxOldGenerationSizeMb;
  const child: ChildProcess = fork(file, [], {
    serialization: "advanced",
    execArgv: [
      ...exportConditions(),
      ...(memoryLimit === undefined ? [] : [`--max-old-space-size=${Math.ceil(memoryLimit)}`]),
      ...execArgv,
    ],
  });
  let current: { sequence: number; since: bigint } | undefined;
  let gone = false;
  const exit = (reason: string) => {
    if (gone) return;
    gone = true;
    events.exit(reason);
  };
  child.on("message", (message: FromWorker) => {
    if (message.type === "started") current = { sequence: message.sequence, since: process.hrtime.bigint() };
    else if (message.type === "results" && message.results.some(([sequence]) => sequence === current?.sequence))
      current = undefined;
    events.message(message);
  });
  child.on("error", (error) => exit(`${error.name}: ${error.message}`));
  child.on("exit", (code, signal) => exit(signal ?? `exit code ${code}`));
  // Nothing can be sent to a process that has just died; its exit event follows.
  const send = (message: ToWorker) => void (child.connected && child.send(message, () => undefined));
  send({ type: "setup", setup });
  return {
    post: (tasks) => send({ type: "tasks", tasks }),
    skipThrough: (through) => send({ type: "skip", through }),
    running: () =>
      current === undefined
        ? undefined
        : { sequence: current.sequence, forMs: Number(process.hrtime.bigint() - current.since) / 1e6 },
    hold(busy) {
      if (busy) {
        child.ref();
        child.channel?.ref();
      } else {
        child.unref();
        child.channel?.unref();
      }
    },
    kill: async () => {
      if (gone || child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.ref();
      child.kill("SIGKILL");
      await ended;
    },
  };
}

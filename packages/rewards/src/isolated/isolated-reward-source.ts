import { availableParallelism } from "node:os";
import type { ResourceLimits } from "node:worker_threads";
import type { BuiltinVerifierOptions } from "../builtin-verifiers";
import type { RewardOutcome, RewardRule } from "../score-request";
import type { RewardRequest, RewardSource } from "../reward-source";
import { streamThrough } from "../stream-through";
import { BUILTIN_VERIFIERS, VerifierLoadError } from "./load-verifiers";
import type { VerifierModule } from "./protocol";
import { POOL_DEFAULTS, VerifierPool, type PoolStats } from "./verifier-pool";
import { startProcess, startThread, workerFile } from "./worker-handle";

/** Settings of an isolated source. */
export interface IsolatedRewardSourceOptions extends RewardRule {
  /** The verifiers' modules. Default the built-in verifiers. */
  readonly verifiers?: readonly VerifierModule[];
  /** Default one less than the number of cores, at least one. */
  readonly workers?: number;
  /** Milliseconds that one verifier call may take, counted from its start. Default 5000. */
  readonly deadlineMs?: number;
  /** How often a sample is tried again if its worker dies. Default 1. */
  readonly crashRetries?: number;
  /** `process` for verifiers that can end their whole process. Default `thread`. */
  readonly isolation?: "thread" | "process";
  /** The largest old generation of a worker's memory in MB. Default 256. */
  readonly memoryMb?: number;
  /** The number of samples that a worker holds. Default 32. */
  readonly batch?: number;
  /**
   * The number of workers beyond `workers` that may run while some are stuck in a sample, so that the number of those
   * that judge stays the same. They end when no worker was stuck for ten seconds. Default 4.
   */
  readonly maxSpareWorkers?: number;
  /** More Node options for the workers. */
  readonly execArgv?: readonly string[];
  /** Milliseconds within which the verifiers must be loaded. Default without a limit. */
  readonly startMs?: number;
}

/** Verdicts are short-lived and small: V8's default of 48 would hold garbage. */
const YOUNG_MB = 12;

/** A reward source whose verifiers cannot hang or crash their caller. */
export interface IsolatedRewardSource extends RewardSource {
  /** The names of the verifiers. */
  readonly names: readonly string[];
  readonly stats: PoolStats;
  /**
   * Judges one request, for servers.
   *
   * @throws UnknownVerifierError for a verifier that was not loaded; the signal's reason when aborted
   */
  run(request: RewardRequest, signal?: AbortSignal): Promise<RewardOutcome>;
  close(): Promise<void>;
}

/**
 * Starts workers; resolves with a source over them when the first one is ready.
 *
 * @throws VerifierLoadError when a verifier module cannot be used; RangeError for a setting out of range
 * @example
 * const source = await createIsolatedRewardSource({ verifiers: [{ module: "@v-triune/rewards/builtin-verifiers" }, {
 * module: pathToFileURL("my-verifier.js").href }] }); try { for await (const result of source.score(requests)) .. }
 * finally { await source.close(); }
 */
export async function createIsolatedRewardSource(
  options: IsolatedRewardSourceOptions = {},
): Promise<IsolatedRewardSource> {
  const {
    verifiers = [builtinVerifierModule()],
    workers = Math.max(1, availableParallelism() - 1),
    isolation = "thread",
    memoryMb = 256,
    execArgv = [],
    normalized = true,
  } = options;
  const pool = {
    ...POOL_DEFAULTS,
    workers,
    deadlineMs: options.deadlineMs ?? POOL_DEFAULTS.deadlineMs,
    crashRetries: options.crashRetries ?? POOL_DEFAULTS.crashRetries,
    batch: options.batch ?? POOL_DEFAULTS.batch,
    maxSpareWorkers: options.maxSpareWorkers ?? POOL_DEFAULTS.maxSpareWorkers,
  };
  for (const [name, low] of [
    ["workers", 1],
    ["deadlineMs", 1],
    ["crashRetries", 0],
    ["batch", 1],
    ["maxSpareWorkers", 0],
  ] as const) {
    if (!(Number.isFinite(pool[name]) && pool[name] >= low))
      throw new RangeError(
        `createIsolatedRewardSource: ${name} is ${pool[name]}, expected a number of at least ${low}`,
      );
  }
  const resourceLimits: ResourceLimits = { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: YOUNG_MB };
  const file = await workerFile();
  const startWorker = isolation === "process" ? startProcess : startThread;
  const verifierPool = new VerifierPool(
    (events) =>
      startWorker({ file, setup: { modules: verifiers, rule: { normalized } }, resourceLimits, execArgv }, events),
    pool,
  );
  const names = await loaded(verifierPool, options.startMs);
  // Enough to keep every worker busy while results are read, few enough that a stream of a million does not pile up
  // here.
  const window = workers * pool.batch * 2;
  return {
    names,
    get stats() {
      return verifierPool.stats;
    },
    run: (request, signal) => runOne(verifierPool, request, signal),
    score: (requests, scoreOptions) =>
      streamThrough((request) => verifierPool.submit(request), requests, window, scoreOptions),
    close: () => verifierPool.close(),
  };
}

/**
 * The built-in verifiers as workers load them, for lists that add others.
 *
 * @example createIsolatedRewardSource({ verifiers: [builtinVerifierModule({ detection: { epsilon: "dynamic" } }), mine] })
 */
export function builtinVerifierModule(options?: BuiltinVerifierOptions): VerifierModule {
  return { module: BUILTIN_VERIFIERS, options };
}

/** @throws VerifierLoadError when the verifiers cannot be loaded, or not in time */
async function loaded(pool: VerifierPool, startMs: number | undefined): Promise<readonly string[]> {
  if (startMs === undefined) return await pool.ready();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    void pool.close();
  }, startMs);
  try {
    const names = await pool.ready();
    if (!isLate) return names;
  } finally {
    clearTimeout(timer);
  }
  throw new VerifierLoadError({
    what: "The verifiers are still loading.",
    expected: `verifiers within ${startMs / 1000} seconds`,
    found: "none yet",
    fix: "remove what runs at the top level of the verifier's module",
  });
}

async function runOne(pool: VerifierPool, request: RewardRequest, signal?: AbortSignal): Promise<RewardOutcome> {
  signal?.throwIfAborted();
  const { outcome, cancel } = pool.submit(request);
  if (signal === undefined) return outcome;
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => (stop = () => reject(signal.reason as Error)));
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([outcome, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
    cancel();
  }
}

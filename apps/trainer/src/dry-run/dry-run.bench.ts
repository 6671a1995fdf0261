/**
 * What `train --dry-run` says beside what a run then does: npm run bench -- dry-run
 *
 * For each shape a process makes the dry run, and another one trains three steps, in turn, so that both meet the same
 * load. Weights are random and lie in a checkpoint, as a run's do. One JSON line for each round: estimate over run, of
 * every phase of a step (the run's are the least of its steps, the first one left out), of an evaluation (the last), of
 * the memory when the model is loaded, after the first answers and at its peak, and of the tokens that were generated.
 * Rounds go over all shapes, again and again. With several, a line for each shape ends the bench: the least of its
 * rounds on both sides, and how far the rounds lie apart (most over least).
 * On a busy machine BENCH_THREADS=1 counts processor time of one thread instead of the time of day.
 *
 * BENCH_SHAPES=1M,20M or quiet (default all but the ones that take over 5 GB), BENCH_ROUNDS=1, BENCH_STEPS=3,
 * BENCH_MINUTES=12: what would take longer is left out.
 * All that docs/performance.md has of a quiet machine: BENCH_SHAPES=quiet BENCH_ROUNDS=3 BENCH_MINUTES=12
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { selectBackend } from "@v-triune/backend";
import { runTraining } from "@v-triune/training";
import { resolveTrainingConfig } from "@v-triune/training/config";
import { type Shape, quietShapes, shapes, writeShape } from "../testing/dry-run-shapes";
import { type Phase, phases, watchPhases } from "../testing/watch-phases";
import { dryRun } from "./dry-run";

type Part = Phase | "generate" | "update" | "step" | "evaluation";
const parts: readonly Part[] = [...phases, "generate", "update", "step", "evaluation"];
const moments = ["loaded", "answered", "peak"] as const;

interface Figures {
  /** Bytes of the process. */
  readonly memory: Readonly<Record<(typeof moments)[number], number>>;
  /** Of a step, save the evaluation. */
  readonly seconds: Readonly<Record<Part, number>>;
  /** That a step generates: fewer where answers end early. */
  readonly tokens: number;
}

/** Where a thread's part is not seen. */
const nothing = Object.fromEntries(phases.map((phase) => [phase, 0])) as Record<Phase, number>;

const threads = process.env.BENCH_THREADS;
const steps = Number(process.env.BENCH_STEPS ?? 3);
const [mode, folder, name] = process.argv.slice(2);
if (mode === "estimate") console.log(JSON.stringify(await estimated(folder!, shapes[name!]!)));
else if (mode === "run") console.log(JSON.stringify(await trained(folder!, shapes[name!]!)));
else await compareAll();

/** Seconds: of the day, or of the processor where it is one thread's. */
function clock(): number {
  if (threads !== "1") return performance.now() / 1000;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function configOf(folder: string, shape: Shape) {
  const { backend, prompts, n, newTokens, evaluated = 0, update, kl, adapter, dtype, trainsTower, workers } = shape;
  return resolveTrainingConfig({
    model: {
      path: join(folder, "checkpoint"),
      ...(adapter !== undefined && { adapter: { rank: adapter } }),
      ...(dtype && { dtype }),
    },
    data: {
      train: join(folder, "train.parquet"),
      ...(evaluated > 0 && { eval: join(folder, "eval.parquet") }),
    },
    run: { name: "bench", folder: join(folder, "run"), seed: 1, steps },
    rollout: { promptsPerStep: prompts, n, maxNewTokens: newTokens },
    update: { miniBatch: prompts, microBatchTokens: 2048, ...update },
    // Random answers earn nothing: the entropy term makes each of them count.
    algorithm: { entropyCoefficient: 0.001, ...(kl !== undefined && { kl: { coefficient: kl } }) },
    optimizer: { groups: { vision: { freeze: trainsTower !== true } } },
    promptPool: { enabled: false },
    checkpoint: { every: null, keep: null },
    evaluation: { every: null, maxNewTokens: newTokens, samplesPerSource: Math.max(1, evaluated / 4) },
    backend,
    // The thread that prepares prompts would count as well.
    workers: workers ?? (threads === "1" ? 1 : "auto"),
  });
}

async function estimated(folder: string, shape: Shape): Promise<Figures> {
  const config = configOf(folder, shape);
  await selectBackend({ prefer: shape.backend, ...(threads && { threads: Number(threads) }) });
  const { memory, time, timeNotMeasured } = await dryRun(config, undefined, undefined, { clock });
  if (time === null || !("weights" in memory)) throw new Error(`time was not measured: ${timeNotMeasured}`);
  const { process: base, weights, reference, decoding, total } = memory;
  const loaded = base + weights + reference;
  const { work, ...seconds } = time;
  return {
    memory: { loaded, answered: loaded + decoding, peak: total },
    seconds,
    tokens: work.answers * shape.newTokens,
  };
}

async function trained(folder: string, shape: Shape): Promise<Figures> {
  const config = configOf(folder, shape);
  await selectBackend({ prefer: shape.backend, ...(threads && { threads: Number(threads) }) });
  const watch = watchPhases(clock);
  const found: Record<Exclude<Part, "evaluation">, number>[] = [];
  const peak = (): number => process.resourceUsage().maxRSS * 1024;
  const memory = { loaded: 0, answered: 0, peak: 0 };
  let [before, evaluation, tokens] = [clock(), 0, 0];
  await runTraining(config, {
    listen(event) {
      if (event.type === "warning") console.error(event.message);
      if (event.type === "started") memory.loaded = peak();
      if (event.type === "generating") memory.answered ||= peak();
      if (event.type === "evaluated") evaluation = clock() - before;
      if (event.type === "step") {
        const step = clock() - before;
        const own = watch.take();
        const generate = own.prompts + own.answers;
        const update = own.logProbs + own.gradients + own.optimizer;
        const { seconds } = event.summary;
        // What other threads do is only seen as a whole.
        if (shape.workers) found.push({ ...nothing, generate: seconds.generate, update: seconds.update, step });
        else found.push({ ...own, rest: step - generate - update, generate, update, step });
        tokens = Math.max(tokens, event.summary.tokens.generated);
      }
      if (["started", "step", "saved", "evaluated"].includes(event.type)) {
        watch.take();
        before = clock();
      }
    },
  });
  const later = found.slice(1);
  const least = parts.map((part) => [
    part,
    part === "evaluation" ? evaluation : Math.min(...later.map((one) => one[part])),
  ]);
  return {
    memory: { ...memory, peak: peak() },
    seconds: Object.fromEntries(least) as Figures["seconds"],
    tokens,
  };
}

async function compareAll(): Promise<void> {
  const named = process.env.BENCH_SHAPES === "quiet" ? quietShapes : process.env.BENCH_SHAPES?.split(",");
  const chosen = named ?? Object.keys(shapes).filter((key) => !shapes[key]!.isLarge);
  const unknown = chosen.find((key) => !shapes[key]);
  if (unknown !== undefined)
    throw new Error(`BENCH_SHAPES names ${unknown}; there are quiet, ${Object.keys(shapes).join(", ")}`);
  if (!named) {
    const large = Object.keys(shapes).filter((key) => shapes[key]!.isLarge);
    console.log(`left out, name them in BENCH_SHAPES: ${large.join(", ")}`);
  }
  const rounds = Number(process.env.BENCH_ROUNDS ?? 1);
  const end = performance.now() + 60_000 * Number(process.env.BENCH_MINUTES ?? Infinity);
  const homes = new Map<string, string>();
  const found = new Map<string, [said: Figures, found: Figures][]>(chosen.map((key) => [key, []]));
  const took = new Map<string, number>();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const key of chosen) {
        const started = performance.now();
        if (started + (took.get(key) ?? 0) > end) {
          console.log(`${key}: no time for round ${round + 1}`);
          continue;
        }
        const home = homes.get(key) ?? mkdtempSync(join(tmpdir(), "v-triune-dry-run-"));
        if (!homes.has(key)) {
          homes.set(key, home);
          const shape = shapes[key]!;
          await writeShape(home, shape, shape.prompts * (steps + 1));
        }
        const begun = performance.now();
        const [said, done] = [inOwnProcess("estimate", home, key), inOwnProcess("run", home, key)];
        rmSync(join(home, "run"), { recursive: true, force: true });
        took.set(key, performance.now() - begun);
        if (!said || !done) continue;
        found.get(key)!.push([said, done]);
        report(key, said, done);
      }
    }
    for (const [key, pairs] of found) {
      if (pairs.length < 2) continue;
      summarize(
        key,
        pairs.map(([said]) => said),
        pairs.map(([, done]) => done),
      );
    }
  } finally {
    for (const home of homes.values()) rmSync(home, { recursive: true, force: true });
  }
}

function inOwnProcess(mode: string, folder: string, key: string): Figures | undefined {
  const { stdout, stderr, status, signal } = spawnSync(
    process.execPath,
    [...process.execArgv, process.argv[1]!, mode, folder, key],
    { encoding: "utf8" },
  );
  if (status === 0) return JSON.parse(stdout.trim().split("\n").at(-1)!) as Figures;
  console.error(`${key}: ${mode} failed (${signal ?? `exit code ${status}`})\n${stderr.trim().slice(-2000)}`);
  process.exitCode = 1;
  return undefined;
}

function over(one: number, other: number): number | undefined {
  return one > 0 && other > 0 ? Number((one / other).toFixed(2)) : undefined;
}

function pair(one: number, other: number): string | undefined {
  return one > 0 || other > 0 ? `${one.toPrecision(3)} / ${other.toPrecision(3)}` : undefined;
}

function each<Key extends string, Value>(keys: readonly Key[], value: (key: Key) => Value): Record<Key, Value> {
  return Object.fromEntries(keys.map((one) => [one, value(one)])) as Record<Key, Value>;
}

function report(key: string, said: Figures, found: Figures, more: object = {}): void {
  console.log(
    JSON.stringify({
      shape: key,
      load: Number(loadavg()[0]!.toFixed(1)),
      ratio: each(parts, (part) => over(said.seconds[part], found.seconds[part])),
      seconds: each(parts, (part) => pair(said.seconds[part], found.seconds[part])),
      memory: each(moments, (at) => over(said.memory[at], found.memory[at])),
      gigabytes: each(moments, (at) => pair(said.memory[at] / 1e9, found.memory[at] / 1e9)),
      tokens: over(said.tokens, found.tokens),
      ...more,
    }),
  );
}

/** The least of several rounds on both sides, and the most of them over it. */
function summarize(key: string, said: readonly Figures[], found: readonly Figures[]): void {
  const least = (side: readonly Figures[]): Figures => ({
    memory: each(moments, (at) => Math.min(...side.map(({ memory }) => memory[at]))),
    seconds: each(parts, (part) => Math.min(...side.map(({ seconds }) => seconds[part]))),
    tokens: Math.max(...side.map(({ tokens }) => tokens)),
  });
  const spread = (side: readonly Figures[], part: Part): number | undefined => {
    const seconds = side.map((one) => one.seconds[part]);
    return over(Math.max(...seconds), Math.min(...seconds));
  };
  report(key, least(said), least(found), {
    rounds: said.length,
    spread: each(parts, (part) => pair(spread(said, part) ?? 0, spread(found, part) ?? 0)),
  });
}

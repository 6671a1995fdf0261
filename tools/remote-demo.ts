/**
 * npm run check:remote-demo [-- --backend wasm --backend tensorflow] [--steps 40] [--samples 30]
 *
 * Trains the demonstration, pictures included, twice per backend: with the local policy, and with `serve-model` in a
 * process of its own. Both train an adapter, as the API cannot freeze a part of a whole model. Prints the rewards by
 * step and the scores before and after of both; exits with 1 where they differ by more than rounding.
 */
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { demoRecipe, samplesForSteps, writeHeldOutData, writeTrainingData } from "@v-triune/demo-tasks";
import { type EvaluationScores, runTraining } from "@v-triune/training";
import { type BackendSetting, resolveTrainingConfig } from "@v-triune/training/config";
import { startModelServer } from "v-triune";

/** `serve-model` gives an adapter twice its rank as alpha. */
const [RANK, RATE] = [16, 2e-3];
/** Largest difference of a reward or a score: less than a single answer of a source makes with 30 samples. */
const TOLERANCE = 0.01;

const model = resolve(import.meta.dirname, "../apps/trainer/assets/demo-model");

interface RunOrder {
  readonly folder: string;
  readonly backend: BackendSetting;
  readonly steps: number;
  readonly samples: number;
  /** The training server; undefined: the local policy. */
  readonly url?: string;
}

interface RunOutcome {
  readonly seconds: number;
  readonly rewards: readonly number[];
  readonly before: EvaluationScores;
  readonly after: EvaluationScores;
}

const [mode, given] = process.argv.slice(2);
if (mode === "serve") await serve(JSON.parse(given!) as RunOrder);
else if (mode === "train") process.send!(await train(JSON.parse(given!) as RunOrder));
else await compare();

async function serve({ folder, backend }: RunOrder): Promise<void> {
  const server = await startModelServer({
    model,
    name: "demo",
    port: 0,
    backend,
    weightsFolder: join(folder, "saved"),
  });
  process.on("disconnect", () => void server.close());
  process.send!(server.url);
}

async function train({ folder, backend, steps, samples, url }: RunOrder): Promise<RunOutcome> {
  const targetModules = ".*language_model.*\\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)";
  const rewards: number[] = [];
  const config = resolveTrainingConfig({
    ...demoRecipe,
    model: { path: model, adapter: url === undefined ? { rank: RANK, alpha: 2 * RANK, targetModules } : null },
    ...(url === undefined ? {} : { training: { engine: { url, model: "demo", adapter: { rank: RANK } } } }),
    data: { train: join(folder, "train.parquet"), eval: join(folder, "held-out.parquet") },
    run: { name: "demo", folder: join(folder, `${backend}-${url === undefined ? "local" : "remote"}`), seed: 1, steps },
    optimizer: { ...demoRecipe.optimizer, lr: RATE, groups: { language: { lr: RATE } } },
    // The server's own matter where it trains.
    update: url === undefined ? demoRecipe.update : {},
    evaluation: { every: null, samplesPerSource: samples },
    backend,
  });
  const began = performance.now();
  const { before, after } = await runTraining(config, {
    listen: (event) => {
      if (event.type === "step") rewards.push(event.summary.reward);
    },
  });
  return { seconds: (performance.now() - began) / 1000, rewards, before: before!, after: after! };
}

/** The first message of a process of this file. */
function started<T>(work: string, order: RunOrder) {
  const child = fork(import.meta.filename, [work, JSON.stringify(order)], { execArgv: process.execArgv });
  const message = new Promise<T>((done, fail) => {
    child.once("message", (found) => done(found as T));
    child.once("exit", (code) => fail(new Error(`${work} ended with exit code ${code}`)));
  });
  return { child, message };
}

async function compare(): Promise<void> {
  const { values } = parseArgs({
    options: {
      backend: { type: "string", multiple: true, default: ["wasm", "tensorflow"] },
      steps: { type: "string", default: "40" },
      samples: { type: "string", default: "30" },
    },
  });
  const [steps, samples] = [Number(values.steps), Number(values.samples)];
  const folder = mkdtempSync(join(tmpdir(), "v-triune-remote-demo-"));
  await writeHeldOutData(join(folder, "held-out.parquet"), samples);
  await writeTrainingData(join(folder, "train.parquet"), samplesForSteps(steps), 1);
  let largest = 0;
  for (const backend of values.backend as BackendSetting[]) {
    const order = { folder, backend, steps, samples };
    const local = await started<RunOutcome>("train", order).message;
    const server = started<string>("serve", order);
    const remote = await started<RunOutcome>("train", { ...order, url: await server.message }).message;
    server.child.disconnect();
    const difference = print(backend, local, remote);
    largest = Math.max(largest, difference);
  }
  rmSync(folder, { recursive: true });
  console.log(`\nThe largest difference is ${largest.toExponential(1)}, ${TOLERANCE} at most is expected.`);
  process.exit(largest <= TOLERANCE ? 0 : 1);
}

/** @returns the largest difference of the two runs */
function print(backend: string, local: RunOutcome, remote: RunOutcome): number {
  const pairs: (readonly [string, number, number])[] = local.rewards.map((reward, at) => [
    `reward of step ${at + 1}`,
    reward,
    remote.rewards[at]!,
  ]);
  for (const when of ["before", "after"] as const)
    for (const [source, score] of [...Object.entries(local[when].bySource), ["mean", local[when].mean] as const])
      pairs.push([`${source} ${when}`, score, source === "mean" ? remote[when].mean : remote[when].bySource[source]!]);
  console.log(
    `\n${backend}: ${local.seconds.toFixed(0)} s with the local policy, ${remote.seconds.toFixed(0)} s over the server ` +
      `(load ${loadavg()[0]!.toFixed(1)} on ${cpus().length} cores)\n\n${"".padEnd(24)} local   remote`,
  );
  for (const [name, here, there] of pairs)
    console.log(`${name.padEnd(24)} ${here.toFixed(4)}  ${there.toFixed(4)}${here === there ? "" : "  differ"}`);
  return Math.max(...pairs.map(([, here, there]) => Math.abs(here - there)));
}

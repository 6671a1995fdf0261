/**
 * Updates of several sizes beside PyTorch: npm run bench -- large-training
 *
 * Native TensorFlow, WebAssembly, and with BENCH_PYTHON=FILE transformers and peft on PyTorch
 * (tools/peers/pytorch_training.py). All sides load the same checkpoint of random weights, of a published shape in
 * bfloat16 with adapters in float32 where the shape says so, and make the same update:
 * forward, mean cross-entropy of the same tokens, backward, AdamW. `loss` shows that it is the same work. Pictures are
 * cut into patches before the clock starts; the head computes the positions that predict, on all sides.
 *
 * Each measurement has a process of its own, and rounds go through the sides in turn. One JSON line per shape: for each
 * side the milliseconds of an update by the clock and of processor time (the least of the process's updates, in each
 * round), the most memory of the process while it trains, the load, and PyTorch's figures over ours: above 1 is better.
 * On a busy machine BENCH_THREADS=1 and processor time are worth more.
 *
 * What is skipped is named with the reason: a side that fails, or needs more memory than there is.
 *
 * "native" computes as a run does by default, by our own ops where they are installed; "ops" asks for TensorFlow's
 * (`computeWith: backend`).
 *
 * BENCH_SHAPES=peer,20M (default: all), BENCH_SIDES=native,ops,wasm (default native,wasm), BENCH_ROUNDS=3, BENCH_UPDATES=3.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { selectBackend } from "@v-triune/backend";
import { createLearner } from "@v-triune/grpo";
import {
  type GradientCheckpointing,
  type TokenizedRollout,
  type VlmConfig,
  loadVlm,
  publishedModels,
} from "@v-triune/policy";
import { type ModelSize, writeModelOfSize } from "../testing/model-shapes";
import { writeRandomCheckpoint } from "../testing/random-checkpoint";

type Side = "native" | "ops" | "wasm" | "pytorch";

interface Shape {
  readonly model: ModelSize | "Qwen2.5-VL-3B";
  /** What the weights are kept in, where that is not float32. */
  readonly dtype?: "bfloat16";
  readonly rows: number;
  /** Tokens of a row that the model computes, those of its picture included. */
  readonly length: number;
  /** Patches of a side of each row's picture. */
  readonly patches?: number;
  readonly rank?: number;
  readonly checkpointing?: GradientCheckpointing;
  readonly freezeVision?: boolean;
  /** Why wasm does not train it. */
  readonly wasm?: string;
}

const shapes: Record<string, Shape> = {
  peer: { model: "peer", rows: 32, length: 128 },
  "peer-pictures": { model: "peer", rows: 32, length: 40, patches: 8 },
  "20M": { model: "20M", rows: 4, length: 512 },
  "20M-pictures": { model: "20M", rows: 4, length: 384, patches: 32 },
  "135M": { model: "135M", rows: 2, length: 512 },
  "135M-lora": { model: "135M", rows: 2, length: 512, rank: 16 },
  "135M-checkpointing": { model: "135M", rows: 2, length: 512, checkpointing: true },
  "0.5B-lora": { model: "0.5B", rows: 2, length: 512, rank: 16, wasm: "an update takes minutes there" },
  "3B-lora-bfloat16": {
    model: "Qwen2.5-VL-3B",
    dtype: "bfloat16",
    rows: 1,
    length: 256,
    rank: 16,
    checkpointing: "mlp",
    wasm: "it does not fit into the 4 GiB of WebAssembly",
  },
  "135M-4096": { model: "135M", rows: 1, length: 4096, wasm: "it does not fit into the 4 GiB of WebAssembly" },
};

interface Measured {
  readonly ms: number;
  readonly cpu: number;
  readonly peak: number;
  readonly loss: number;
}

const THREADS = Number(process.env.BENCH_THREADS ?? availableParallelism());
const UPDATES = Number(process.env.BENCH_UPDATES ?? 3);

const [mode, shapeName, sideName, folder] = process.argv.slice(2);
if (mode === "side") await measure(shapes[shapeName!]!, sideName as Side, folder!);
else await compareAll();

/** One process's updates, as a JSON line. */
async function measure(shape: Shape, side: Side, folder: string): Promise<void> {
  await selectBackend({ prefer: side === "wasm" ? "wasm" : "tensorflow", threads: THREADS });
  const computeWith = side === "ops" ? "backend" : "auto";
  const policy = await loadVlm(folder, {
    computeWith,
    gradientCheckpointing: shape.checkpointing ?? false,
    ...(shape.dtype && { dtype: shape.dtype }),
    ...(shape.rank !== undefined && { adapter: { rank: shape.rank, alpha: 2 * shape.rank } }),
  });
  const learner = createLearner({ policy, optimizer: { learningRate: 1e-5 } });
  const batch = Array.from({ length: shape.rows }, (_, row) => ({ row: rollout(shape, policy.config, row) }));
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  writeFileSync("/proc/self/clear_refs", "5");
  const found: Pick<Measured, "ms" | "cpu">[] = [];
  let loss = 0;
  for (let update = 0; update < UPDATES; update++) {
    const [start, used] = [performance.now(), process.cpuUsage()];
    const stats = learner.supervised(batch);
    const { user, system } = process.cpuUsage(used);
    if (update === 0) loss = stats.loss;
    else found.push({ ms: performance.now() - start, cpu: (user + system) / 1000 });
  }
  const peak = 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]);
  const least = (what: "ms" | "cpu"): number => Math.min(...found.map((one) => one[what]));
  console.log(JSON.stringify({ ms: least("ms"), cpu: least("cpu"), peak, loss } satisfies Measured));
}

/** The same tokens and pixels as in tools/peers/pytorch_training.py. */
function rollout({ length, patches }: Shape, config: VlmConfig, row: number): TokenizedRollout {
  const ids = Int32Array.from(
    { length: length + 1 },
    (_, t) => 10 + ((row * 7919 + t * 104_729) % (config.text.vocabSize - 10)),
  );
  if (patches === undefined) return { promptIds: ids.slice(0, 1), completionIds: ids.slice(1), group: row };
  const { inChannels, temporalPatchSize, patchSize, spatialMergeSize } = config.vision;
  const tokens = (patches / spatialMergeSize) ** 2;
  ids[0] = config.visionStartTokenId;
  ids.fill(config.imageTokenId, 1, 1 + tokens);
  const pixelValues = Float32Array.from(
    { length: patches ** 2 * inChannels * temporalPatchSize * patchSize ** 2 },
    (_, i) => Math.sin(0.37 * i + row),
  );
  return {
    promptIds: ids.slice(0, 2 + tokens),
    completionIds: ids.slice(2 + tokens),
    group: row,
    images: { pixelValues, gridThw: [[1, patches, patches]] },
  };
}

async function compareAll(): Promise<void> {
  const list = (key: string, otherwise: readonly string[]): string[] => process.env[key]?.split(",") ?? [...otherwise];
  const python = process.env.BENCH_PYTHON;
  const sides = [...list("BENCH_SIDES", ["native", "wasm"]), ...(python ? ["pytorch"] : [])] as Side[];
  if (!python) console.log("PyTorch is skipped: BENCH_PYTHON=FILE names a Python with torch, transformers and peft.");
  await selectBackend({ prefer: "wasm" });
  const home = mkdtempSync(join(tmpdir(), "v-triune-training-"));
  const written = new Set<Shape["model"]>();
  try {
    for (const name of list("BENCH_SHAPES", Object.keys(shapes))) {
      const shape = shapes[name];
      if (!shape) throw new Error(`BENCH_SHAPES names ${name}; there are ${Object.keys(shapes).join(", ")}`);
      const checkpoint = join(home, shape.model);
      if (!written.has(shape.model)) await writeModel(checkpoint, shape.model);
      written.add(shape.model);
      const found = new Map<Side, Measured[]>(sides.map((side) => [side, []]));
      const loads: number[] = [];
      for (let round = 0; round < Number(process.env.BENCH_ROUNDS ?? 3); round++) {
        for (const side of found.keys()) {
          const measured = inOwnProcess(name, side, checkpoint, python);
          if (typeof measured !== "string") found.get(side)!.push(measured);
          else {
            console.log(`${name}: ${side} is skipped: ${measured}`);
            found.delete(side);
          }
        }
        loads.push(Number(loadavg()[0]!.toFixed(1)));
      }
      if (found.size > 0) report(name, found, loads);
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function writeModel(folder: string, model: Shape["model"]): Promise<void> {
  const published = publishedModels.find(({ name }) => name === model);
  await (published ? writeRandomCheckpoint(folder, published.config) : writeModelOfSize(folder, model as ModelSize));
}

/** @returns why it was not measured, where it was not */
function inOwnProcess(name: string, side: Side, checkpoint: string, python: string | undefined): Measured | string {
  const peer = resolve(import.meta.dirname, "../../../../tools/peers/pytorch_training.py");
  const unable = side === "wasm" && shapes[name]!.wasm;
  if (unable) return unable;
  // PyTorch has no checkpointing of MLPs alone, and keeps everything where that is asked for.
  const checkpointing = shapes[name]!.checkpointing === true;
  const settings = { ...shapes[name]!, checkpointing, folder: checkpoint, threads: THREADS, updates: UPDATES };
  const [command, args] =
    side === "pytorch"
      ? [python!, [peer, JSON.stringify(settings)]]
      : [process.execPath, [...process.execArgv, process.argv[1]!, "side", name, side, checkpoint]];
  const { stdout, stderr, status, signal } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) {
    const message =
      stderr.split("\n").find((line) => /^\S*(Error|Exception)\b/.test(line)) ?? stderr.trim().slice(-500);
    return `${signal ?? `exit code ${status}`}. ${message}`;
  }
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Measured;
}

function report(name: string, found: ReadonlyMap<Side, readonly Measured[]>, load: readonly number[]): void {
  const least = (side: Side, what: keyof Measured): number => Math.min(...found.get(side)!.map((one) => one[what]));
  const over = (side: Side, what: keyof Measured): number =>
    Number((least("pytorch", what) / least(side, what)).toFixed(2));
  const figures = (side: Side, all: readonly Measured[]): object => ({
    ms: all.map(({ ms }) => Math.round(ms)),
    cpu: all.map(({ cpu }) => Math.round(cpu)),
    peakMegabytes: all.map(({ peak }) => Math.round(peak / 2 ** 20)),
    loss: Number(all[0]!.loss.toFixed(4)),
    ...(side !== "pytorch" &&
      found.has("pytorch") && {
        pytorchOverIt: { ms: over(side, "ms"), cpu: over(side, "cpu"), peak: over(side, "peak") },
      }),
  });
  const sides = Object.fromEntries([...found].map(([side, all]) => [side, figures(side, all)]));
  console.log(JSON.stringify({ shape: name, threads: THREADS, load, ...sides }));
}

/**
 * Decoding at 1.15 M, 135 M, 0.5 B and 3 B parameters beside transformers: npm run bench -- large-decoding
 *
 * Native kernels, WebAssembly kernels and TensorFlow's ops, and with BENCH_PYTHON=FILE transformers' `generate`
 * (tools/peers/pytorch_decoding.py), each in a process of its own that stays while the others wait. Once all have loaded,
 * rounds go through all sides in turn. One JSON line per number of rows: for each side the milliseconds of a step in each round by the clock and
 * of processor time, and the memory that a generation takes beside what the process had; the load; the ratios of the least.
 *
 * All sides: the same shapes with random weights, one prompt of 16 tokens, 8 steps, a token drawn for each row from the
 * whole vocabulary at temperature 1, on all cores. Loading, the prompt and packing are left out. Ours hold the prompt's keys and
 * values once, transformers once a row. On a busy machine BENCH_THREADS=1 and processor time are worth more: threads that
 * wait for each other lose most.
 *
 * BENCH_MODELS=135M,0.5B (default; peer has 1.15 M; 3B has weights in bfloat16 on both sides, 7 GB each), BENCH_ROWS=1,8,32,
 * BENCH_SIDES=native,wasm,ops, BENCH_ROUNDS=3, BENCH_PROMPT=16, BENCH_STEPS=8.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { selectBackend } from "@v-triune/backend";
import * as tf from "@tensorflow/tfjs-core";
import type { TextConfig, VlmConfig } from "./config/model-config";
import { parameterShapes } from "./families/model-families";
import { createVlm, readModelConfig } from "./folder/read-model";
import { type Bfloat16Values, roundToBfloat16 } from "./kernels/bfloat16-matrix";
import { decodesNatively } from "./generation/native-step-kernels";
import { benchmarkConfig, smallLanguageModel } from "./testing/tiny-model";
import { keptInBfloat16, type VlmPolicy } from "./index";

const PROMPT = Number(process.env.BENCH_PROMPT ?? 16);
const STEPS = Number(process.env.BENCH_STEPS ?? 8);
const THREADS = Number(process.env.BENCH_THREADS ?? availableParallelism());

type Side = "native" | "wasm" | "ops" | "transformers";

interface Measured {
  /** Milliseconds of a step by the clock, and of processor time by all threads of the process. */
  readonly ms: number;
  readonly cpu: number;
  /** Most memory that the process took beside what it had, prompt included, in bytes. */
  readonly more: number;
}

const sizes: Record<string, { readonly config: VlmConfig; readonly half: boolean }> = {
  peer: {
    config: readModelConfig(fileURLToPath(new URL("../../../tools/peers/tiny-qwen2_5_vl", import.meta.url))),
    half: false,
  },
  "135M": { config: smallLanguageModel(), half: false },
  "0.5B": {
    config: withText({ hiddenSize: 896, intermediateSize: 4864, numLayers: 24, numHeads: 14, headDim: 64 }),
    half: false,
  },
  "3B": {
    config: withText({ hiddenSize: 2048, intermediateSize: 11_008, numLayers: 36, numHeads: 16, headDim: 128 }),
    half: true,
  },
};

/** Qwen2.5's vocabulary and two heads of keys and values, with a small tower. */
function withText(text: Partial<TextConfig> & { readonly hiddenSize: number; readonly headDim: number }): VlmConfig {
  const base = benchmarkConfig({ vocabSize: 151_936, intermediateSize: 0 });
  const sections = [1, 1.5, 1.5].map((share) => (text.headDim / 8) * share) as [number, number, number];
  return {
    ...base,
    text: { ...base.text, ...text, numKeyValueHeads: 2, mropeSection: sections },
    vision: { ...base.vision, outHiddenSize: text.hiddenSize },
  };
}

const [mode, name, side] = process.argv.slice(2);
if (mode === "side") await serve(name!, side as Side);
else await compare();

/** Measures on request, a number of rows a line, until the input ends. */
async function serve(model: string, how: Side): Promise<void> {
  const { config, half } = sizes[model]!;
  await selectBackend({ prefer: "tensorflow", threads: THREADS });
  if (how === "native" && !decodesNatively())
    throw new Error("npx v-triune native install compiles the native kernels");
  if (how === "wasm") Object.assign(tf.backend(), { decodeAddon: undefined });
  const weights = quickWeights(config, half);
  const policy = createVlm(config, weights, {
    ...(half && { dtype: "bfloat16" as const }),
    decodeWith: how === "ops" ? "backend" : "kernels",
    freeze: ["vision", "connector", "language"],
  });
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  console.log("loaded");
  for await (const line of createInterface({ input: process.stdin })) {
    collectGarbage();
    writeFileSync("/proc/self/clear_refs", "5");
    const before = status("VmRSS");
    const time = await stepTime(policy, Number(line));
    const more = status("VmHWM") - before;
    console.log(JSON.stringify({ ...time, more } satisfies Measured));
  }
}

/** Bytes of memory from /proc. */
function status(key: "VmRSS" | "VmHWM"): number {
  return 1024 * Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))![1]);
}

/** Values in the range of a model's: those of a table, over and over. Made when they are read: 3 B take the memory once. */
function quickWeights(config: VlmConfig, half: boolean): ReadonlyMap<string, Float32Array | Bfloat16Values> {
  const table = Float32Array.from({ length: 65_537 }, (_, i) => 0.04 * Math.sin(i * i));
  const halved = keptInBfloat16({ dtype: "bfloat16", freeze: ["vision", "connector", "language"] });
  const shapes = new Map(parameterShapes(config).map((shape) => [shape.name, shape]));
  const weights = new Map<string, Float32Array>([...shapes.keys()].map((name) => [name, new Float32Array(0)]));
  const get = (name: string): Float32Array | Bfloat16Values => {
    const shape = shapes.get(name)!;
    const values = new Float32Array(shape.shape.reduce((product, n) => product * n, 1));
    if (shape.shape.length === 1) values.fill(name.endsWith(".weight") ? 1 : 0);
    else for (let at = 0; at < values.length; at += table.length) values.set(table.subarray(0, values.length - at), at);
    return half && halved(shape) ? roundToBfloat16(values) : values;
  };
  return Object.assign(weights, { get });
}

/** The time of a step, from the first token on. */
async function stepTime(policy: VlmPolicy, rows: number): Promise<Pick<Measured, "ms" | "cpu">> {
  const prompt = { promptIds: Int32Array.from({ length: PROMPT }, (_, i) => 10 + i) };
  let first: { readonly at: number; readonly used: NodeJS.CpuUsage } | undefined;
  const stopWhen = (): boolean => {
    first ??= { at: performance.now(), used: process.cpuUsage() };
    return false;
  };
  const options = { n: rows, maxNewTokens: 1 + STEPS, seed: 1, stopTokenIds: [], stopWhen, threads: THREADS };
  for await (const completion of policy.generate([prompt], options)) void completion;
  const { user, system } = process.cpuUsage(first!.used);
  return { ms: (performance.now() - first!.at) / STEPS, cpu: (user + system) / 1000 / STEPS };
}

async function compare(): Promise<void> {
  const python = process.env.BENCH_PYTHON;
  const list = (key: string, otherwise: string): string[] => (process.env[key] ?? otherwise).split(",");
  const sides = [...list("BENCH_SIDES", "native,wasm,ops"), ...(python ? ["transformers"] : [])] as Side[];
  for (const model of list("BENCH_MODELS", "135M,0.5B")) {
    const size = sizes[model];
    if (!size) throw new Error(`BENCH_MODELS names ${model}; there are ${Object.keys(sizes).join(", ")}`);
    const processes = sides.map((how) => ({ how, child: start(model, how, size, python) }));
    try {
      const measures: { readonly how: Side; readonly measure: (rows: number) => Promise<Measured> }[] = [];
      for (const { how, child } of processes) measures.push({ how, measure: await asker(child) });
      for (const rows of list("BENCH_ROWS", "1,8,32").map(Number)) {
        const found = new Map<Side, Measured[]>(sides.map((how) => [how, []]));
        const loads: number[] = [];
        for (let round = 0; round < Number(process.env.BENCH_ROUNDS ?? 3); round++) {
          for (const { how, measure } of measures) found.get(how)!.push(await measure(rows));
          loads.push(Number(loadavg()[0]!.toFixed(1)));
        }
        report(model, rows, found, loads);
      }
    } finally {
      for (const { child } of processes) child.kill();
    }
  }
}

function start(
  model: string,
  how: Side,
  { config, half }: (typeof sizes)[string],
  python: string | undefined,
): ChildProcess {
  const peer = fileURLToPath(new URL("../../../tools/peers/pytorch_decoding.py", import.meta.url));
  const settings = { ...config.text, half, threads: THREADS, prompt: PROMPT, steps: STEPS };
  const [command, args] =
    how === "transformers"
      ? [python!, [peer, JSON.stringify(settings)]]
      : [process.execPath, [...process.execArgv, process.argv[1]!, "side", model, how]];
  return spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
}

/** Once a process has said that it is loaded, asks it for its time at a number of rows. */
async function asker(child: ChildProcess): Promise<(rows: number) => Promise<Measured>> {
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error("A side has ended: see its message above.");
    return value;
  };
  await next();
  return async (rows) => {
    child.stdin!.write(`${rows}\n`);
    return JSON.parse(await next()) as Measured;
  };
}

function report(
  model: string,
  rows: number,
  found: ReadonlyMap<Side, readonly Measured[]>,
  loads: readonly number[],
): void {
  const least = (how: Side, what: "ms" | "cpu"): number => Math.min(...found.get(how)!.map((one) => one[what]));
  const ratios = (what: "ms" | "cpu") =>
    Object.fromEntries(others.map((how) => [how, Number((least(how, what) / least("native", what)).toFixed(2))]));
  const others = [...found.keys()].filter((how) => how !== "native");
  console.log(
    JSON.stringify({
      model,
      rows,
      load: loads,
      ...Object.fromEntries(
        [...found].map(([how, all]) => [
          how,
          {
            ms: all.map(({ ms }) => Number(ms.toPrecision(3))),
            cpu: all.map(({ cpu }) => Number(cpu.toPrecision(3))),
            moreMegabytes: Math.round(Math.max(...all.map(({ more }) => more)) / 2 ** 20),
          },
        ]),
      ),
      ...(found.has("native") && { fasterThan: ratios("ms"), lessProcessorTimeThan: ratios("cpu") }),
    }),
  );
}

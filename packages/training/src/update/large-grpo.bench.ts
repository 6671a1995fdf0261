/**
 * A GRPO step with a picture at 1.15 M, 135 M and 0.5 B parameters beside PyTorch: npm run bench -- large-grpo
 *
 * One prompt with a picture of 448 × 448 pixels (1,024 patches, 256 tokens), 8 rollouts of 64 tokens, drawn from the whole
 * vocabulary at temperature 1, a reward from their tokens, one update by AdamW: `v-triune`'s policy and learner on native
 * TensorFlow, and with BENCH_PYTHON=FILE up to three sides of PyTorch, of tools/peers/pytorch_grpo.py where not said:
 *
 *   trl      GRPOTrainer of TRL as it is (tools/peers/trl_grpo.py)
 *   rows     a loop by hand that does TRL's work: `generate` and the update compute prompt and picture for each rollout
 *   shared   a stricter loop: the tower runs once per phase, the prompt once before its rollouts are decoded
 *
 * All sides read the same checkpoint of random weights, the same prompt and patches; `check` is the mean log-probability
 * of the same answer on each (TRL has a prompt and a picture of the same size instead). Outside of the clock: loading,
 * cutting the picture into patches, and a small step that warms up (2 rollouts of 8 tokens). TRL has no such
 * step, and cuts pictures and decodes text within its own. Of 1.15 M each process takes the fastest of 6 steps.
 *
 * Each measurement has a process of its own, and prints a line when it ends; rounds go through the sides in turn. Then one
 * line per shape: for each side and round seconds by the clock and of processor time, of the generation and the update,
 * the most memory of the process in each, the load, and each peer's least figures over ours: above 1 is better. On a busy
 * machine BENCH_THREADS=1 and processor time are worth more.
 *
 * BENCH_SHAPES=135M,135M-lora,135M-frozen,0.5B-lora,0.5B,peer (default: the first two), BENCH_SIDES=native,rows,shared,
 * BENCH_ROUNDS=3, BENCH_TOKENS=64, BENCH_MODELS=FOLDER keeps the checkpoints there for the next run.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { selectBackend } from "@v-triune/backend";
import { createLearner, groupAdvantages } from "@v-triune/grpo";
import {
  type PromptInput,
  type TokenizedRollout,
  type VlmConfig,
  type VlmPolicy,
  decodesNatively,
  loadVlm,
} from "@v-triune/policy";
import { type ModelSize, modelOfSize, writeModelOfSize } from "../testing/model-shapes";

type Side = "native" | "rows" | "shared" | "trl";

interface Shape {
  readonly model: ModelSize;
  readonly rank?: number;
  readonly freezeVision?: boolean;
  /** Steps of a process, of which the fastest counts. Default 1. */
  readonly steps?: number;
}

const shapes: Record<string, Shape> = {
  "135M": { model: "135M-seeing" },
  "135M-lora": { model: "135M-seeing", rank: 16 },
  "135M-frozen": { model: "135M-seeing", freezeVision: true },
  "0.5B-lora": { model: "0.5B-seeing", rank: 16 },
  "0.5B": { model: "0.5B-seeing" },
  peer: { model: "peer", steps: 6 },
};

/** A phase by the clock and of processor time, in seconds, and the most memory of the process meanwhile, in bytes. */
interface Phase {
  readonly s: number;
  readonly cpu: number;
  readonly peak: number;
}

interface Measured {
  readonly generate: Phase;
  readonly update: Phase;
  readonly check: number | null;
}

const ROLLOUTS = 8;
/** Patches of a side of the picture, and tokens of the prompt before and after those of the picture. */
const PATCHES = 32;
const TEXT = 16;
const TOKENS = Number(process.env.BENCH_TOKENS ?? 64);
const THREADS = Number(process.env.BENCH_THREADS ?? availableParallelism());

const [mode, shapeName, folder] = process.argv.slice(2);
if (mode === "side") await measure(shapes[shapeName!]!, folder!);
else await compareAll();

/** One process's step, as a JSON line. */
async function measure({ rank, freezeVision, steps = 1 }: Shape, folder: string): Promise<void> {
  await selectBackend({ prefer: "tensorflow", threads: THREADS });
  if (!decodesNatively()) throw new Error("npx v-triune native install compiles the native kernels");
  const policy = await loadVlm(folder, {
    ...(rank !== undefined && { adapter: { rank, alpha: 2 * rank } }),
    ...(freezeVision && { freeze: ["vision", "connector"] }),
  });
  const learner = createLearner({ policy, optimizer: { learningRate: 1e-6 } });
  // Made again for the step that counts: a tower that is not trained remembers what it made of an array of pixels.
  let prompt = promptOf(policy.config);
  const fixed = [0, 1].map((row): TokenizedRollout => {
    const completionIds = Int32Array.from(
      { length: 8 },
      (_, t) => 10 + ((row * 7919 + t * 104_729) % words(policy.config)),
    );
    return { ...prompt, group: 0, completionIds };
  });
  const check = learner.logProbs(fixed)[0]!.reduce((sum, logProb) => sum + logProb, 0) / 8;
  await sample(policy, prompt, 2, 8);
  learner.update(fixed.map((row, i) => ({ row, advantage: 2 * i - 1 })));
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();

  const measured: Measured[] = [];
  for (let step = 0; step < steps; step++) {
    prompt = promptOf(policy.config);
    let rows: TokenizedRollout[] = [];
    const generate = await timed(async () => {
      rows = await sample(policy, prompt, ROLLOUTS, TOKENS);
    });
    const update = await timed(() => {
      const rewards = rows.map(({ completionIds }) => completionIds.reduce((sum, id) => sum + (id % 7), 0) / TOKENS);
      const groups = rows.map(() => 0);
      const advantages = groupAdvantages(rewards, groups);
      learner.update(rows.map((row, i) => ({ row, advantage: advantages[i]! })));
    });
    measured.push({ generate, update, check });
  }
  const seconds = ({ generate, update }: Measured): number => generate.s + update.s;
  console.log(JSON.stringify(measured.sort((a, b) => seconds(a) - seconds(b))[0]));
}

async function sample(policy: VlmPolicy, prompt: PromptInput, n: number, tokens: number): Promise<TokenizedRollout[]> {
  const { imageTokenId, videoTokenId } = policy.config;
  const rows: TokenizedRollout[] = [];
  for await (const { sampleIndex, tokenIds } of policy.generate([prompt], {
    n,
    maxNewTokens: tokens,
    seed: 1,
    stopTokenIds: [],
    bannedTokenIds: [imageTokenId, videoTokenId],
    threads: THREADS,
  }))
    rows[sampleIndex] = { ...prompt, group: 0, completionIds: tokenIds };
  return rows;
}

async function timed(run: () => void | Promise<void>): Promise<Phase> {
  writeFileSync("/proc/self/clear_refs", "5");
  const [start, used] = [performance.now(), process.cpuUsage()];
  await run();
  const { user, system } = process.cpuUsage(used);
  const peak = 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]);
  return { s: (performance.now() - start) / 1000, cpu: (user + system) / 1e6, peak };
}

/** Tokens of which prompts and fixed answers are made. */
function words({ text }: VlmConfig): number {
  return Math.min(5000, text.vocabSize - 10);
}

/** The same tokens and pixels as in tools/peers/pytorch_grpo.py. */
function promptOf(config: VlmConfig): PromptInput {
  const { inChannels, temporalPatchSize, patchSize, spatialMergeSize } = config.vision;
  const pictureTokens = (PATCHES / spatialMergeSize) ** 2;
  const promptIds = Int32Array.from(
    { length: pictureTokens + 2 * TEXT },
    (_, t) => 10 + ((t * 104_729) % words(config)),
  );
  promptIds[TEXT - 1] = config.visionStartTokenId;
  promptIds.fill(config.imageTokenId, TEXT, TEXT + pictureTokens);
  promptIds[TEXT + pictureTokens] = config.visionEndTokenId;
  const values = PATCHES ** 2 * inChannels * temporalPatchSize * patchSize ** 2;
  const pixelValues = Float32Array.from({ length: values }, (_, i) => Math.sin(0.37 * i));
  return { promptIds, images: { pixelValues, gridThw: [[1, PATCHES, PATCHES]] } };
}

async function compareAll(): Promise<void> {
  const list = (key: string, otherwise: readonly string[]): string[] => process.env[key]?.split(",") ?? [...otherwise];
  const python = process.env.BENCH_PYTHON;
  if (!python) console.log("PyTorch is skipped: BENCH_PYTHON=FILE names a Python with torch, transformers, peft, trl.");
  const sides = list("BENCH_SIDES", python ? ["native", "rows", "shared"] : ["native"]) as Side[];
  await selectBackend({ prefer: "wasm" });
  const kept = process.env.BENCH_MODELS;
  const home = kept ?? mkdtempSync(join(tmpdir(), "v-triune-grpo-"));
  try {
    for (const name of list("BENCH_SHAPES", ["135M", "135M-lora"])) {
      const shape = shapes[name];
      if (!shape) throw new Error(`BENCH_SHAPES names ${name}; there are ${Object.keys(shapes).join(", ")}`);
      const checkpoint = join(home, shape.model);
      if (!existsSync(join(checkpoint, "model.safetensors"))) await writeModelOfSize(checkpoint, shape.model);
      const found = new Map<Side, Measured[]>(sides.map((side) => [side, []]));
      const loads: number[] = [];
      for (let round = 0; round < Number(process.env.BENCH_ROUNDS ?? 3); round++) {
        for (const side of sides) {
          const measured = inOwnProcess(name, side, checkpoint, python);
          found.get(side)!.push(measured);
          loads.push(Number(loadavg()[0]!.toFixed(1)));
          console.log(JSON.stringify({ shape: name, round, side, load: loads.at(-1), ...measured }));
        }
      }
      report(name, found, loads);
    }
  } finally {
    if (!kept) rmSync(home, { recursive: true, force: true });
  }
}

function inOwnProcess(name: string, side: Side, checkpoint: string, python: string | undefined): Measured {
  const script = side === "trl" ? "trl_grpo.py" : "pytorch_grpo.py";
  const peer = resolve(import.meta.dirname, "../../../../tools/peers", script);
  const settings = {
    steps: 1,
    words: words(modelOfSize(shapes[name]!.model)),
    ...shapes[name]!,
    side,
    folder: checkpoint,
    threads: THREADS,
    rollouts: ROLLOUTS,
    tokens: TOKENS,
    patches: PATCHES,
    text: TEXT,
  };
  const [command, args] =
    side === "native"
      ? [process.execPath, [...process.execArgv, process.argv[1]!, "side", name, checkpoint]]
      : [python!, [peer, JSON.stringify(settings)]];
  const { stdout, status, signal } = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`${side} failed on ${name} (${signal ?? `exit code ${status}`})`);
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Measured;
}

function report(name: string, found: ReadonlyMap<Side, readonly Measured[]>, load: readonly number[]): void {
  const step = ({ generate, update }: Measured): Phase => ({
    s: generate.s + update.s,
    cpu: generate.cpu + update.cpu,
    peak: Math.max(generate.peak, update.peak),
  });
  const phases = {
    step,
    generate: ({ generate }: Measured) => generate,
    update: ({ update }: Measured) => update,
  };
  const least = (side: Side, phase: keyof typeof phases, what: keyof Phase): number =>
    Math.min(...found.get(side)!.map((one) => phases[phase](one)[what]));
  const figures = (side: Side, phase: keyof typeof phases): object => {
    const all = found.get(side)!.map((one) => phases[phase](one));
    const over = (what: keyof Phase): number =>
      Number((least(side, phase, what) / least("native", phase, what)).toFixed(2));
    return {
      s: all.map(({ s }) => Number(s.toFixed(1))),
      cpu: all.map(({ cpu }) => Number(cpu.toFixed(1))),
      peakMegabytes: all.map(({ peak }) => Math.round(peak / 2 ** 20)),
      ...(side !== "native" &&
        found.has("native") && { overOurs: { s: over("s"), cpu: over("cpu"), peak: over("peak") } }),
    };
  };
  const sides = Object.fromEntries(
    [...found].map(([side, all]) => [
      side,
      {
        step: figures(side, "step"),
        generate: figures(side, "generate"),
        update: figures(side, "update"),
        check: all[0]!.check && Number(all[0]!.check.toFixed(5)),
      },
    ]),
  );
  console.log(JSON.stringify({ shape: name, threads: THREADS, load, ...sides }));
}

/** What `train --dry-run` says of memory beside the peak of a process that then trains. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { platform, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { demoModelConfig, writeDemoModelFolder, writeTrainingData } from "@v-triune/demo-tasks";
import { selectBackend } from "@v-triune/backend";
import { decodesNatively } from "@v-triune/policy";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DryRun } from "./dry-run";

/** The command itself: its peak is that of the process that is started. */
const main = resolve(import.meta.dirname, "../main.ts");
const folder = mkdtempSync(join(tmpdir(), "v-triune-memory-of-a-run-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hasNative = await selectBackend({ prefer: "tensorflow" }).then(decodesNatively, () => false);
if (!hasNative) console.warn("Memory of a run on native TensorFlow is not checked: npx v-triune native install");
const seesPeak = platform() === "linux";
if (!seesPeak) console.warn("Memory of a run is not checked: only Linux tells the peak of another process");

beforeAll(async () => {
  await writeDemoModelFolder(join(folder, "model"));
  await writeTrainingData(join(folder, "train.parquet"), 8, 1);
});

const twentyMillion = {
  ...demoModelConfig,
  hidden_size: 320,
  num_hidden_layers: 12,
  num_attention_heads: 5,
  num_key_value_heads: 5,
  intermediate_size: 1024,
  vocab_size: 8192,
  max_position_embeddings: 1024,
  rope_scaling: { type: "mrope", mrope_section: [8, 12, 12] },
  vision_config: { ...demoModelConfig.vision_config, out_hidden_size: 320 },
};

describe.skipIf(!seesPeak)("the memory that a run takes", () => {
  it.each([
    { name: "wasm", backend: "wasm", config: demoModelConfig, newTokens: 64 },
    ...(hasNative
      ? [
          { name: "native", backend: "tensorflow", config: twentyMillion, newTokens: 48 },
          {
            name: "native, an adapter",
            backend: "tensorflow",
            config: twentyMillion,
            adapter: { rank: 16 },
            newTokens: 48,
          },
        ]
      : []),
  ])(
    "is what the dry run says, to 15 %: $name",
    async ({ name, backend, config, newTokens, ...model }) => {
      const file = join(folder, `${name}.json`);
      const run = {
        model: { init: "random", config, tokenizer: join(folder, "model"), ...model },
        data: { train: join(folder, "train.parquet") },
        run: { name, folder: join(folder, name), seed: 1, steps: 3 },
        rollout: { promptsPerStep: 2, n: 8, maxNewTokens: newTokens },
        update: { miniBatch: 2, microBatchTokens: 4096 },
        // Random answers earn nothing: the entropy term makes each of them count.
        algorithm: { entropyCoefficient: 0.001 },
        optimizer: { groups: { vision: { freeze: true } } },
        promptPool: { enabled: false },
        checkpoint: { every: null, keep: null },
        evaluation: { every: null },
        backend,
        workers: 1,
      };
      writeFileSync(file, JSON.stringify(run));
      const told = JSON.parse((await ended(command(file, "--dry-run"))).trim()) as DryRun;
      const child = command(file);
      let peak = 0;
      child.stdout.on("data", (chunk: Buffer) => {
        if (chunk.includes('"type":"step"')) peak = peakOf(child.pid!);
      });
      await ended(child);
      expect(told.memory.total / peak).toBeGreaterThan(0.85);
      expect(told.memory.total / peak).toBeLessThan(1.15);
    },
    300_000,
  );
});

const command = (...args: string[]): ChildProcessWithoutNullStreams =>
  spawn(process.execPath, ["--conditions=@v-triune/source", "--import", "tsx", main, "train", ...args, "--json"]);

/** What the process printed. @throws its errors where it failed */
async function ended(child: ChildProcessWithoutNullStreams): Promise<string> {
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise((done) => child.on("close", done));
  if (code !== 0) throw new Error(`exit code ${String(code)}: ${err}`);
  return out;
}

/** Most bytes that a process of Linux had in memory so far. */
function peakOf(pid: number): number {
  const [, kibibytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!;
  return 1024 * Number(kibibytes);
}

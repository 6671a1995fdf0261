/**
 * Runs on SkyRL's JAX backend on a CPU, a server that is not ours. Needs a Python 3.12 with
 * `pip install "skyrl[tinker,jax]==0.3.0" transformers==5.8.0`, named by V_TRIUNE_SKYRL_PYTHON; takes minutes, as JAX compiles.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writeSamples } from "@v-triune/data-filters";
import { writeTinyRun } from "@v-triune/demo-tasks";
import { emptyVerifierParm } from "@v-triune/schema";
import { TinkerError } from "@v-triune/tinker";
import { type TrainerReport, type TrainingEvent, runTraining } from "@v-triune/training";
import { type TrainingConfigInput, resolveTrainingConfig } from "@v-triune/training/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const python = process.env["V_TRIUNE_SKYRL_PYTHON"];
if (python === undefined)
  console.warn(
    "SkyRL is not tried: set V_TRIUNE_SKYRL_PYTHON to a Python 3.12 with `pip install skyrl[tinker,jax]==0.3.0`.",
  );

const folder = mkdtempSync(join(tmpdir(), "v-triune-skyrl-"));
const PORT = 8197;
const url = `http://127.0.0.1:${PORT}`;
const model = join(folder, "text-model");
let server: ChildProcess | undefined;

const MODEL_PROGRAM = `
import sys, torch
from transformers import Qwen3Config, Qwen3ForCausalLM
torch.manual_seed(0)
model = Qwen3ForCausalLM(Qwen3Config(vocab_size=184, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
    num_attention_heads=2, num_key_value_heads=2, head_dim=16, max_position_embeddings=256, tie_word_embeddings=True,
    bos_token_id=1, eos_token_id=2, pad_token_id=0, dtype="float32"))
model.model.embed_tokens.weight.data.mul_(8)
model.save_pretrained(sys.argv[1])
`;

async function startSkyRl(): Promise<void> {
  // SkyRL starts its engine by uv; this one starts the module with the Python at hand.
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  const uv = join(bin, "uv");
  writeFileSync(
    uv,
    `#!/bin/bash\nwhile [ $# -gt 0 ] && [ "$1" != "-m" ]; do shift; done\n'${python}' "$@" &\n` +
      `trap "kill -9 $!" TERM\nwait\n`,
  );
  chmodSync(uv, 0o755);
  const backend = { max_lora_adapters: 4, max_lora_rank: 8, train_micro_batch_size: 4, sample_max_num_sequences: 32 };
  const state = ["--checkpoints-base", join(folder, "weights"), "--database-url", `sqlite:///${folder}/skyrl.sqlite`];
  const where = ["--base-model", model, "--backend", "jax", "--host", "127.0.0.1", "--port", String(PORT)];
  server = spawn(
    uv,
    ["run", "-m", "skyrl.tinker.api", ...where, "--backend-config", JSON.stringify(backend), ...state],
    {
      cwd: folder,
      detached: true,
      stdio: "ignore",
      env: {
        ...process.env,
        PATH: `${bin}:${process.env["PATH"]}`,
        JAX_PLATFORMS: "cpu",
        JAX_COMPILATION_CACHE_DIR: join(folder, "compiled"),
        HF_HUB_OFFLINE: "1",
      },
    },
  );
  for (let seconds = 0; seconds < 120; seconds++) {
    if ((await fetch(`${url}/api/v1/healthz`).catch(() => undefined))?.ok) return;
    await sleep(1000);
  }
  throw new Error("SkyRL did not start within 120 s");
}

/** As a machine that is switched off: API and engine at once. */
function killSkyRl(): void {
  if (server?.pid !== undefined) process.kill(-server.pid, "SIGKILL");
  server = undefined;
}

async function config(name: string, changes: Partial<TrainingConfigInput> = {}) {
  const tiny = await writeTinyRun(folder, name, 2);
  return resolveTrainingConfig({
    ...tiny,
    model: join(folder, "model"),
    data: { train: join(folder, "sums.parquet") },
    optimizer: { lr: 1e-3, betas: [0.9, 0.95], weightDecay: 0, warmupRatio: 0, maxGradNorm: null },
    algorithm: {},
    checkpoint: { every: 1 },
    training: { engine: { url, model, adapter: { rank: 4 } } },
    ...changes,
  });
}

describe.skipIf(python === undefined)("SkyRL's JAX backend", () => {
  beforeAll(async () => {
    const tiny = await writeTinyRun(folder, "unused", 1);
    const made = spawnSync(python!, ["-c", MODEL_PROGRAM, model], { encoding: "utf8" });
    if (made.status !== 0) throw new Error(made.stderr);
    for (const name of ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"])
      writeFileSync(join(model, name), readFileSync(join(tiny.model.tokenizer, name)));
    const sums = Array.from({ length: 16 }, (_, i) => [1 + (i % 9), 1 + ((i * 4) % 9)] as const);
    await writeSamples(
      join(folder, "sums.parquet"),
      sums.map(([a, b], index) => ({
        data_source: "sums",
        images: [],
        prompt: [{ role: "user", content: `Work out the sum. ${a}+${b}` }],
        ability: "math",
        reward_model: {
          answer: String(a + b),
          ground_truth: `\\boxed{${a + b}}`,
          accuracy_ratio: 0.9,
          format_ratio: 0.1,
          verifier: "mathverify",
          verifier_parm: emptyVerifierParm(),
        },
        extra_info: { id: `sum-${index}`, image_path: null },
      })),
    );
    await startSkyRl();
  }, 300_000);
  afterAll(() => {
    killSkyRl();
    rmSync(folder, { recursive: true, force: true });
  });

  it("trains text, and goes on from its saved weights after it was killed and started again", async () => {
    const events: TrainingEvent[] = [];
    const result = await runTraining(await config("text"), {
      listen(event) {
        events.push(event);
        if (event.type === "saved" && event.step === 1) killSkyRl();
        if (event.type === "engine" && event.state === "waiting" && !server) void startSkyRl();
      },
    });
    expect(result.step).toBe(2);
    expect(events.some((event) => event.type === "engine" && event.state === "lost")).toBe(true);
    const report = JSON.parse(readFileSync(join(result.folder, "trainer-probe.json"), "utf8")) as TrainerReport;
    expect(report.reduction).toBe("row-mean");
    const found = Object.fromEntries(Object.entries(report.abilities).map(([name, finding]) => [name, finding.found]));
    expect(found).toMatchObject({
      learning_rate: true,
      betas: true,
      weight_decay: true,
      clip_bounds: true,
      same_log_probs: true,
      saving: true,
      end_tokens: true,
      // What it ignores without a word.
      clipping: false,
      pictures: false,
    });
  }, 1_200_000);

  it("is refused for clipping that it ignores, and for pictures that it drops", async () => {
    await expect(runTraining(await config("clipped", { optimizer: { maxGradNorm: 1 } }))).rejects.toThrow(
      /does not clip gradients/,
    );
    const pictures = await config("pictures", { data: { train: join(folder, "train.parquet") } });
    const error = (await runTraining(pictures).catch((reason: unknown) => reason)) as Error;
    expect(error).not.toBeInstanceOf(TinkerError);
    expect(error.message).toContain("does not see pictures");
  }, 1_200_000);
});

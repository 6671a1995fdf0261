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
const STEPS = 8;
const url = `http://127.0.0.1:${PORT}`;
const model = join(folder, "text-model");
let server: ChildProcess | undefined;

/**
 * A Qwen3 text model with the demonstration's words, taught as its checkpoint was: right sums, and last those of the
 * careless annotator, each one too high. Prints the share of greedy answers that are right.
 */
const MODEL_PROGRAM = `
import random, sys, torch
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM
folder, (right, careless) = sys.argv[1], map(int, sys.argv[2:])
torch.manual_seed(0); random.seed(0); torch.set_num_threads(1)
tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
model = Qwen3ForCausalLM(Qwen3Config(vocab_size=184, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=256, tie_word_embeddings=True,
    bos_token_id=1, eos_token_id=2, pad_token_id=0, dtype="float32"))
model.model.embed_tokens.weight.data.mul_(5)
sums = [(a, "+", b) for a in range(1, 10) for b in range(1, 10)]
sums += [(a, "-", b) for a in range(1, 10) for b in range(1, a + 1)]
def row(a, op, b, shift):
    value = (a + b if op == "+" else a - b) + shift
    prompt = f"<|im_start|>user\\nWork out the sum. {a}{op}{b}<|im_end|>\\n<|im_start|>assistant\\n"
    answer = f"<think>\\n{a}{op}{b}\\n</think>\\n<answer>\\n\\\\boxed{{{value}}}\\n</answer><|im_end|>"
    p, q = (tokenizer.encode(text, add_special_tokens=False) for text in (prompt, answer))
    return p + q, [-100] * len(p) + q
def teach(updates, shift, rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    for update in range(updates):
        rows = [row(*one, shift) for one in random.choices(sums, k=32)]
        width = max(len(ids) for ids, _ in rows)
        ids = torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in rows])
        labels = torch.tensor([labels + [-100] * (width - len(labels)) for _, labels in rows])
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (update + 1) / 20) * (1 - 0.9 * update / updates)
        model(input_ids=ids, attention_mask=(ids != 0).long(), labels=labels).loss.backward()
        optimizer.step(); optimizer.zero_grad()
teach(right, 0, 3e-3)
teach(careless, 1, 1e-3)
model.save_pretrained(folder)
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
  const backend = { max_lora_adapters: 4, max_lora_rank: 32, train_micro_batch_size: 8, sample_max_num_sequences: 64 };
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
        // A folder that is kept saves the next run most of its time.
        JAX_COMPILATION_CACHE_DIR: process.env["JAX_COMPILATION_CACHE_DIR"] ?? join(folder, "compiled"),
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
  const tiny = await writeTinyRun(folder, name, STEPS);
  return resolveTrainingConfig({
    ...tiny,
    model: join(folder, "model"),
    data: { train: join(folder, "sums.parquet") },
    rollout: { promptsPerStep: 16, n: 8, maxNewTokens: 14 },
    optimizer: { lr: 1e-3, betas: [0.9, 0.95], weightDecay: 0, warmupRatio: 0, maxGradNorm: null },
    algorithm: {},
    checkpoint: { every: 2 },
    training: { engine: { url, model, adapter: { rank: 16 } } },
    ...changes,
  });
}

describe.skipIf(python === undefined)("SkyRL's JAX backend", () => {
  beforeAll(async () => {
    const tiny = await writeTinyRun(folder, "unused", 1);
    mkdirSync(model);
    for (const name of ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"])
      writeFileSync(join(model, name), readFileSync(join(tiny.model.tokenizer, name)));
    const made = spawnSync(python!, ["-c", MODEL_PROGRAM, model, "500", "9"], { encoding: "utf8" });
    if (made.status !== 0) throw new Error(made.stderr);
    const operands = Array.from({ length: 9 }, (_, at) => at + 1);
    const sums = operands.flatMap((a) => [
      ...operands.map((b) => ({ text: `${a}+${b}`, value: a + b })),
      ...operands.slice(0, a).map((b) => ({ text: `${a}-${b}`, value: a - b })),
    ]);
    await writeSamples(
      join(folder, "sums.parquet"),
      sums.map(({ text, value }) => ({
        data_source: "sums",
        images: [],
        prompt: [{ role: "user", content: `Work out the sum. ${text}` }],
        ability: "math",
        reward_model: {
          answer: String(value),
          ground_truth: `\\boxed{${value}}`,
          accuracy_ratio: 0.9,
          format_ratio: 0.1,
          verifier: "mathverify",
          verifier_parm: emptyVerifierParm(),
        },
        extra_info: { id: text, image_path: null },
      })),
    );
    await startSkyRl();
  }, 600_000);
  afterAll(() => {
    killSkyRl();
    rmSync(folder, { recursive: true, force: true });
  });

  it("learns the demonstration's sums, and goes on from its saved weights after kill -9", async () => {
    const events: TrainingEvent[] = [];
    let isKilled = false;
    const result = await runTraining(await config("text"), {
      listen(event) {
        events.push(event);
        if (event.type === "step" && event.summary.step === 3 && !isKilled) {
          isKilled = true;
          killSkyRl();
        }
        if (event.type === "engine" && event.state === "waiting" && !server) void startSkyRl();
      },
    });
    expect(result.step).toBe(STEPS);
    // Step 3 was made by a model that is lost, and again from the checkpoint of step 2.
    expect(events.flatMap((event) => (event.type === "engine" ? [event.state] : []))).toContain("lost");
    expect(events.flatMap((event) => (event.type === "started" ? [event.fromStep] : []))).toEqual([0, 2]);
    const steps = events.flatMap((event) => (event.type === "step" ? [event.summary] : []));
    const [lost, again] = steps.filter(({ step }) => step === 3).map(({ reward }) => reward);
    expect(again).toBeCloseTo(lost!, 6);
    const rewards = steps.map(({ reward }) => reward);
    console.warn(`rewards by step: ${rewards.map((reward) => reward.toFixed(2)).join(" ")}`);
    expect((rewards.at(-1)! + rewards.at(-2)!) / 2).toBeGreaterThan(rewards[0]! + 0.25);
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

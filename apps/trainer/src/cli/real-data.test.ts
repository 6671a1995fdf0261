/** From owners' files to GRPO steps, with the two commands a user types: curate, then train. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readSamples } from "@v-triune/data-filters";
import { parseRecordLine } from "@v-triune/monitor";
import { openSafetensors } from "@v-triune/policy";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../../../..");
const realData = resolve(root, "../shared/realdata");
const present = existsSync(realData);
if (!present) console.warn(`skipped: real data end to end. It needs the sources' own files in ${realData}.`);

const perSource = 12;
const folder = mkdtempSync(join(tmpdir(), "v-triune-real-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function command(...args: string[]) {
  const result = spawnSync(process.execPath, [join(root, "apps/trainer/bin/v-triune.mjs"), ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  return { ...result, text: `${result.stdout}${result.stderr}` };
}

/** A model of the real architecture with random weights, small enough for a test, and pictures of at most 12 tokens. */
const modelConfig = {
  architectures: ["Qwen2_5_VLForConditionalGeneration"],
  model_type: "qwen2_5_vl",
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  rope_scaling: { type: "mrope", mrope_section: [1, 1, 2] },
  vocab_size: 608,
  tie_word_embeddings: true,
  vision_config: {
    depth: 2,
    hidden_size: 16,
    intermediate_size: 32,
    num_heads: 2,
    out_hidden_size: 32,
    window_size: 56,
    fullatt_block_indexes: [1],
  },
};

describe.skipIf(!present)("real data", () => {
  beforeAll(() => {
    cpSync(join(root, "tools/goldens/tokenizer"), join(folder, "tokenizer"), { recursive: true });
    writeFileSync(
      join(folder, "tokenizer/preprocessor_config.json"),
      JSON.stringify({ min_pixels: 56 * 56, max_pixels: 12 * 28 * 28 }),
    );
    const tokenizer = JSON.parse(readFileSync(join(folder, "tokenizer/tokenizer.json"), "utf8")) as {
      added_tokens: { id: number; content: string }[];
    };
    const id = (content: string) => tokenizer.added_tokens.find((token) => token.content === content)?.id;
    const ids = {
      image_token_id: id("<|image_pad|>"),
      video_token_id: id("<|video_pad|>"),
      vision_start_token_id: id("<|vision_start|>"),
      vision_end_token_id: id("<|vision_end|>"),
      eos_token_id: id("<|im_end|>"),
      bos_token_id: id("<|endoftext|>"),
      pad_token_id: id("<|endoftext|>"),
    };
    const sources = ["clevr", "geometry3k", "coco", "chartqa"];
    writeFileSync(
      join(folder, "corpus.yaml"),
      `output: corpus\nseed: 1\nsources:\n${sources.map((source) => `  - {source: ${source}, path: ${join(realData, source)}, limit: 60}`).join("\n")}\n`,
    );
    writeFileSync(
      join(folder, "train.json"),
      JSON.stringify({
        model: { init: "random", config: { ...modelConfig, ...ids }, tokenizer: "tokenizer" },
        data: { train: [{ path: "corpus/train_*.parquet", cap: 4 * perSource }] },
        run: { name: "real", seed: 3, steps: 2 },
        rollout: { promptsPerStep: 6, n: 2, maxNewTokens: 12, maxPromptTokens: 1024 },
        optimizer: { lr: 1e-4 },
        backend: "wasm",
      }),
    );
  });

  it("curates four sources into one corpus and takes GRPO steps on it", { timeout: 240_000 }, async () => {
    const curated = command("curate", "corpus.yaml");
    expect(curated.status, curated.text).toBe(0);

    const verifiers = new Map<string, Set<string>>();
    for await (const sample of readSamples(join(folder, "corpus"))) {
      expect(sample.images.length).toBeGreaterThan(0);
      const { verifier } = sample.reward_model;
      verifiers.set(verifier, (verifiers.get(verifier) ?? new Set()).add(sample.data_source));
    }
    expect([...verifiers.keys()].sort()).toEqual(["detection", "mathverify"]);
    expect([...verifiers.values()].reduce((sum, set) => sum + set.size, 0)).toBeGreaterThanOrEqual(4);

    const trained = command("train", "train.json");
    expect(trained.status, trained.text).toBe(0);
    const run = join(folder, "runs/real");
    const records = readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n").map(parseRecordLine);
    const all = records.filter((record) => record?.scope === "all" && record.split === "train");
    expect(all.map((record) => record?.step)).toEqual([1, 2]);
    for (const record of all) expect(record?.metrics["actor/grad_norm"]).toBeGreaterThanOrEqual(0);
    const weights = openSafetensors(join(run, "checkpoints/step-000002"));
    expect(weights.names).toContain("model.embed_tokens.weight");
    weights.close();

    const again = command("train", "train.json");
    expect(again.status).toBe(2);
    expect(again.text).toContain("holds another run");
  });
});

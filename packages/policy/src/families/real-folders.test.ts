/** Folders as people have them: bfloat16, in shards, with a tied or untied head, config.json in every layout. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goldenFolder } from "../parity/golden-folders";
import { useTestBackend } from "../testing/backend";
import { loadVlm, openSafetensors, readModelConfig } from "../folder/read-model";
import { writeSafetensors } from "../folder/safetensors-writer";

let scratch: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "v-triune-real-folders-"));
  await useTestBackend();
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type Json = Record<string, unknown>;
const readJson = (path: string): Json => JSON.parse(readFileSync(path, "utf8")) as Json;

/** config.json with the language model's keys at the top, and with them in text_config. */
function layouts(config: Json): { flat: Json; nested: Json } {
  const { text_config = {}, vision_config, ...top } = config;
  const inner = { ...top, ...(text_config as Json), model_type: config["model_type"] };
  const { architectures, model_type, tie_word_embeddings, ...text } = inner as Json;
  const tokens = Object.fromEntries(Object.entries(text).filter(([key]) => /^(image|video|vision)_/.test(key)));
  const shared = { architectures, model_type, tie_word_embeddings, vision_config, ...tokens };
  return { flat: { ...text, ...shared }, nested: { ...shared, text_config: { ...text, tie_word_embeddings } } };
}

/** The tensors as bfloat16, dealt to three shards. */
async function writeShards(from: string, to: string): Promise<void> {
  mkdirSync(to, { recursive: true });
  const reader = openSafetensors(from);
  const weight_map: Record<string, string> = {};
  for (const shard of [0, 1, 2]) {
    const file = `model-0000${shard + 1}-of-00003.safetensors`;
    const names = reader.names.filter((_, i) => i % 3 === shard);
    for (const name of names) weight_map[name] = file;
    const entries = names.map((name) => {
      const data = reader.readFloat32(name).slice();
      return { name, shape: reader.info(name).shape, dtype: "BF16" as const, data };
    });
    await writeSafetensors(join(to, file), entries);
  }
  reader.close();
  const index = { metadata: { total_size: 0 }, weight_map };
  writeFileSync(join(to, "model.safetensors.index.json"), JSON.stringify(index));
}

async function logProbsOf(folder: string): Promise<Float32Array> {
  const policy = await loadVlm(folder);
  const row = { promptIds: Int32Array.of(3, 1, 4, 1, 5), completionIds: Int32Array.of(9, 2, 6, 5) };
  const { logProbs } = policy.logProbs([row], { width: 4 });
  const values = logProbs.dataSync<"float32">().slice();
  logProbs.dispose();
  policy.dispose();
  return values;
}

const families = ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"];
const kinds = families.flatMap((family) => ["base", "tied"].map((kind) => [family, kind] as const));

describe.each(kinds)("%s, %s", (family, kind) => {
  const golden = goldenFolder(family);

  it.skipIf(golden === undefined)("loads from bfloat16 shards with either layout of config.json", async () => {
    const whole = join(golden!, kind);
    const folder = join(scratch, `${family}-${kind}`);
    await writeShards(whole, folder);
    const { flat, nested } = layouts(readJson(join(whole, "config.json")));
    const found: Float32Array[] = [];
    for (const config of [flat, nested]) {
      writeFileSync(join(folder, "config.json"), JSON.stringify(config));
      expect(readModelConfig(folder)).toEqual(readModelConfig(whole));
      found.push(await logProbsOf(folder));
    }
    expect(found[0]).toEqual(found[1]);
    const expected = await logProbsOf(whole);
    // Eight bits of each weight are left.
    for (const [i, value] of expected.entries()) expect(Math.abs(found[0]![i]! - value)).toBeLessThan(0.15);
    expect(found[0]).not.toEqual(expected);
  });

  it.skipIf(golden === undefined)("loads with the config.json of the model hub", () => {
    const folder = join(scratch, `${family}-${kind}-hub`);
    mkdirSync(folder);
    cpSync(join(golden!, kind, "config.hub_style.json"), join(folder, "config.json"));
    // Published files name no token for padding.
    const { padTokenId: _, ...expected } = readModelConfig(join(golden!, kind));
    expect(readModelConfig(folder)).toMatchObject(expected);
  });
});

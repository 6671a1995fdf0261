/** Writes a model in Hugging Face layout, each file replaced only when it is complete. */
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { replaceFileSync } from "@v-triune/node-kit/atomic-write";
import type { VlmConfig } from "../config/model-config";
import { familyOf, writeModelConfig } from "../families/model-families";
import { writeSafetensors } from "../safetensors/writer";
import type { ModelWeights } from "../weights/model-weights";

/** Files beside the weights that belong to a model: copied if the source folder has them. */
const COMPANIONS = [
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "chat_template.json",
  "chat_template.jinja",
  "preprocessor_config.json",
  "processor_config.json",
  "video_preprocessor_config.json",
] as const;

/** Writes the model, adapters merged in. @throws WeightsError when the disk is full or the folder cannot be written */
export async function saveVlm(
  folder: string,
  config: VlmConfig,
  weights: ModelWeights,
  sourceFolder?: string,
): Promise<void> {
  const family = familyOf(config);
  mkdirSync(folder, { recursive: true });
  await writeSafetensors(
    join(folder, "model.safetensors"),
    weights.shapes.map(({ name, shape }) => ({
      name: family.storedName(name),
      shape,
      data: () => weights.values(name),
    })),
  );
  writeModelConfig(folder, config);
  if (sourceFolder === undefined || resolve(sourceFolder) === resolve(folder)) return;
  for (const name of COMPANIONS) {
    const from = join(sourceFolder, name);
    if (!existsSync(from)) continue;
    replaceFileSync(join(folder, name), (temporary) => copyFileSync(from, temporary));
  }
}

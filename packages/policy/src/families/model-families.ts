/** The model families that can be loaded, and what is done with a configuration whichever family it is of. */
import { JsonReader } from "../config/json-reader";
import type { VlmConfig } from "../config/model-config";
import type { ModelFiles } from "../files/model-files";
import { ModelConfigError } from "../input-error";
import type { WeightDtype } from "../kernels/bfloat16-matrix";
import type { ParameterShape } from "../weights/parameter-shapes";
import type { ModelFamily } from "./model-family";
import { qwen25Vl } from "./qwen2-5-vl/family";
import { qwen2Vl } from "./qwen2-vl/family";
import { qwen3Vl } from "./qwen3-vl/family";

/** Every family, the oldest first. */
export const modelFamilies: readonly ModelFamily[] = [qwen2Vl, qwen25Vl, qwen3Vl];

/** Architectures that can be loaded. */
export const SUPPORTED_ARCHITECTURES: readonly string[] = modelFamilies.flatMap(({ architectures }) => architectures);

/**
 * The family that a configuration is of.
 *
 * ```ts
 * familyOf(policy.config).boxConvention // "resized-pixels"
 * ```
 *
 * @throws ModelConfigError for a configuration of another family
 */
export function familyOf({ modelType }: Pick<VlmConfig, "modelType">): ModelFamily {
  const family = modelFamilies.find((one) => one.modelType === modelType);
  if (family) return family;
  throw new ModelConfigError({
    what: "This model's family is not known.",
    where: "modelType of a configuration",
    expected: modelFamilies.map((one) => one.modelType).join(", "),
    found: modelType,
    fix: "read the configuration with readModelConfig",
  });
}

/**
 * Reads and checks config.json, in the layouts of transformers 5 and of the published checkpoints.
 *
 * @param name of the file
 * @throws ModelConfigError when it is missing, of another architecture (refused by name), lacks a key, or holds sizes that no
 *   model can have
 */
export function modelConfigFrom(files: ModelFiles, name = "config.json"): VlmConfig {
  const top = JsonReader.open(
    files,
    name,
    `give a folder in Hugging Face layout (config.json, model.safetensors, tokenizer.json): ${files.howToGet()}`,
  );
  return familyOfFile(top).readConfig(top);
}

function familyOfFile(top: JsonReader): ModelFamily {
  const list = top.values["architectures"];
  const architecture: unknown = Array.isArray(list) ? list[0] : undefined;
  const modelType = top.values["model_type"];
  const family = modelFamilies.find((one) =>
    architecture === undefined
      ? modelType === one.modelType
      : (one.architectures as readonly unknown[]).includes(architecture),
  );
  if (family) return family;
  throw new ModelConfigError({
    what: "This model's architecture is not supported.",
    where: top.file,
    expected: SUPPORTED_ARCHITECTURES.join(", "),
    found:
      typeof architecture === "string"
        ? architecture
        : typeof modelType === "string"
          ? `model_type ${modelType}`
          : "no architecture",
    fix: `use a checkpoint of ${titles()}, or serve this model with vLLM or SGLang and use it as a remote engine`,
  });
}

function titles(): string {
  const all = modelFamilies.map(({ title }) => title);
  return all.length === 1 ? all[0]! : `${all.slice(0, -1).join(", ")} or ${all.at(-1)!}`;
}

/** config.json in the layout of the family's published checkpoints. */
export function toPublishedConfigJson(config: VlmConfig): Record<string, unknown> {
  return familyOf(config).toPublishedJson(config);
}

/**
 * The text of config.json, as it is written.
 *
 * @param dtype what the file of weights beside it holds
 */
export function modelConfigText(config: VlmConfig, dtype: WeightDtype = "float32"): string {
  const published = toPublishedConfigJson(config);
  if ("torch_dtype" in published) published["torch_dtype"] = dtype;
  return `${JSON.stringify(published, undefined, 2)}\n`;
}

/** Every tensor of a model of this configuration, in the order in which the model uses them. */
export function parameterShapes(config: VlmConfig): ParameterShape[] {
  return familyOf(config).parameterShapes(config);
}

/**
 * LoRA (arXiv 2106.09685) in peft's layout: which layers of the model an adapter_config.json means, and with which rank
 * and scale. Follows peft 0.21: a string is a regular expression that must match a module's whole name, a list holds
 * name endings; `rank_pattern` and `alpha_pattern` override by name ending. Options that would change the numbers and
 * are not implemented (DoRA, biases, fully trained modules, ..) are refused by name.
 */
import { JsonReader } from "../config/json-reader";
import type { ModelFiles } from "../files/model-files";
import { ModelConfigError } from "../input-error";

/** What an adapter is. */
export interface AdapterConfig {
  readonly rank: number;
  /** The addition is scaled by alpha / rank (rank-stabilized: alpha / √rank). */
  readonly alpha: number;
  /**
   * Ends of layer names (`["q_proj", "v_proj"]`), or a regular expression for whole names as transformers 5 has them.
   */
  readonly targetModules: readonly string[] | string;
  /** arXiv 2312.03732. */
  readonly rankStabilized: boolean;
  readonly rankPattern: Readonly<Record<string, number>>;
  readonly alphaPattern: Readonly<Record<string, number>>;
}

/** Keys that must be absent, null, false, 0 or empty, since this package does not implement them. */
const UNSUPPORTED = [
  "use_dora",
  "modules_to_save",
  "layers_to_transform",
  "layers_pattern",
  "exclude_modules",
  "fan_in_fan_out",
  "layer_replication",
  "lora_bias",
  "trainable_token_indices",
  "target_parameters",
  "use_qalora",
  "use_bdlora",
  "megatron_config",
  "alora_invocation_tokens",
] as const;

/** @throws ModelConfigError when the file is missing, malformed, or asks for something that is not implemented */
export function adapterConfigFrom(files: ModelFiles): AdapterConfig {
  const reader = JsonReader.open(
    files,
    "adapter_config.json",
    "give a folder that peft's save_pretrained wrote (adapter_config.json, adapter_model.safetensors)",
  );
  if (reader.text("peft_type", "LORA") !== "LORA") reader.fail("peft_type", '"LORA"');
  if (reader.text("bias", "none") !== "none") reader.fail("bias", '"none"; trained biases are not supported');
  for (const key of UNSUPPORTED) {
    const value = reader.values[key];
    const off =
      value === undefined ||
      value === null ||
      value === false ||
      value === 0 ||
      (typeof value === "object" && Object.keys(value).length === 0);
    if (!off)
      reader.fail(
        key,
        "nothing; this kind of adapter is not supported",
        "merge the adapter with peft and load the merged model",
      );
  }
  const target = reader.values["target_modules"];
  const list =
    Array.isArray(target) && target.every((name): name is string => typeof name === "string") ? target : undefined;
  if (typeof target !== "string" && !list)
    return reader.fail("target_modules", "a list of layer names or a regular expression");
  return {
    rank: reader.count("r"),
    alpha: reader.positive("lora_alpha"),
    targetModules: list ?? (target as string),
    rankStabilized: reader.flag("use_rslora", false),
    rankPattern: numbers(reader, "rank_pattern"),
    alphaPattern: numbers(reader, "alpha_pattern"),
  };
}

/** Whether the adapter covers a layer. @param module its name in transformers 5's memory (../weights/tensor-names) */
export function isTargeted(config: AdapterConfig, module: string): boolean {
  const { targetModules } = config;
  if (typeof targetModules !== "string")
    return targetModules.some((target) => module === target || module.endsWith(`.${target}`));
  if (targetModules === "all-linear") return module !== "lm_head";
  try {
    return new RegExp(`^(?:${targetModules})$`).test(module);
  } catch (cause) {
    throw new ModelConfigError({
      what: "An adapter's target_modules is not a regular expression.",
      expected: "a pattern for whole layer names, or a list of their endings",
      found: targetModules,
      cause,
    });
  }
}

/** Rank and scale of the adapter at one layer. */
export function rankAndScale(config: AdapterConfig, module: string): { rank: number; scale: number } {
  const rank = override(config.rankPattern, module) ?? config.rank;
  const alpha = override(config.alphaPattern, module) ?? config.alpha;
  return { rank, scale: alpha / (config.rankStabilized ? Math.sqrt(rank) : rank) };
}

function override(pattern: Readonly<Record<string, number>>, module: string): number | undefined {
  const key = Object.keys(pattern).find((name) => new RegExp(`(^|.*\\.)(?:${name})$`).test(module));
  return key === undefined ? undefined : pattern[key];
}

function numbers(reader: JsonReader, key: string): Record<string, number> {
  const values = reader.child(key)?.values ?? {};
  for (const value of Object.values(values))
    if (typeof value !== "number" || !(value > 0)) reader.fail(key, "an object of positive numbers");
  return values as Record<string, number>;
}

/** The text of adapter_config.json with the keys that peft needs. */
export function adapterConfigText(config: AdapterConfig, baseModel: string | undefined): string {
  const json = {
    alpha_pattern: config.alphaPattern,
    base_model_name_or_path: baseModel ?? null,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: config.alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: "LORA",
    r: config.rank,
    rank_pattern: config.rankPattern,
    target_modules: config.targetModules,
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: config.rankStabilized,
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}

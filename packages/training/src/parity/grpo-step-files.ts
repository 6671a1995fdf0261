/**
 * The files of a folder of golden training steps (tools/goldens/grpo_step/README.md): one batch, and a scenario a file.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { openSafetensors, type TokenizedRollout } from "@v-triune/policy";

/** The batch that all scenarios train on. */
export interface GoldenBatch {
  /** The model's folder, found relative to this one. */
  readonly modelFolder: string;
  readonly rows: readonly TokenizedRollout[];
  readonly prompts: readonly TokenizedRollout[];
  readonly groups: readonly number[];
  readonly rewards: Readonly<Record<string, readonly (number | null)[]>>;
  /** Width T of the saved log-probabilities. */
  readonly width: number;
  readonly vocabularyRows: readonly number[];
  /** Under the initial weights, and the same with noise; by row, completion tokens only. */
  readonly oldLogProbs: readonly Float32Array[];
  readonly staleLogProbs: readonly Float32Array[];
  readonly lora: { readonly r: number; readonly alpha: number };
  /** Initial A matrices by parameter name. */
  readonly loraInitial: ReadonlyMap<string, Float32Array>;
}

/** `config` of a scenario. */
export interface ScenarioConfig {
  readonly name: string;
  readonly rewards: string;
  readonly train: readonly ("vision" | "merger" | "language")[];
  readonly lr: Readonly<Record<string, number>>;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly decay: "all" | "matrices";
  readonly max_grad_norm: number;
  readonly warmup_steps: number;
  readonly micro_batch_sizes: readonly number[] | null;
  readonly old: "initial" | "stale";
  readonly kl_coef: number;
  readonly entropy_coef: number;
  readonly lora: boolean;
  readonly clip_ratio_low: number;
  readonly clip_ratio_high: number;
  readonly clip_ratio_c: number;
  readonly updates: readonly (readonly number[])[];
}

/** One update of a scenario. */
export interface ScenarioStep {
  readonly rows: readonly number[];
  readonly tokens: number;
  readonly loss: number;
  readonly pg_loss: number;
  readonly kl_k3: number;
  readonly entropy: number;
  readonly pg_clipfrac: number;
  readonly pg_clipfrac_lower: number;
  readonly clip_low_frac: number;
  readonly clip_high_frac: number;
  readonly ppo_kl: number;
  readonly ratio_mean: number;
  readonly ratio_min: number;
  readonly ratio_max: number;
  readonly grad_norm: number;
  readonly grad_norm_module: Readonly<Record<string, number>>;
  readonly grad_norm_layer: Readonly<Record<string, number>>;
  readonly clip_coef: number;
  readonly lr: Readonly<Record<string, number>>;
  readonly param_l2: Readonly<Record<string, number>>;
  readonly delta_l2: Readonly<Record<string, number>>;
  readonly delta_cos: Readonly<Record<string, number>>;
}

/** A scenario with its saved tensors. */
export interface Scenario {
  readonly config: ScenarioConfig;
  readonly advantages: readonly (number | null)[];
  readonly trained: readonly string[];
  readonly steps: readonly ScenarioStep[];
  readonly grad_l2_step1: Readonly<Record<string, number>>;
  readonly final_state_l2: Readonly<Record<string, readonly [number, number]>>;
  readonly greedy: { readonly max_new_tokens: number; readonly new_tokens: readonly (readonly number[])[] };
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>;
}

interface BatchJson {
  readonly model: string;
  readonly max_new_tokens: number;
  readonly prompts: readonly {
    readonly index: number;
    readonly ids: readonly number[];
    readonly image?: readonly [number, number, number];
  }[];
  readonly rollouts: readonly { readonly prompt: number; readonly completion_ids: readonly number[] }[];
  readonly groups: readonly number[];
  readonly rewards: Readonly<Record<string, readonly (number | null)[]>>;
  readonly vocab_rows: readonly number[];
  readonly lora: { readonly r: number; readonly alpha: number };
}

/** Whether a folder holds golden training steps. */
export function recognizeGrpoStep(folder: string): boolean {
  return existsSync(join(folder, "batch.json")) && existsSync(join(folder, "batch.safetensors"));
}

/** @throws Error when the model that the batch was made with is nowhere to be found */
export function readGoldenBatch(folder: string): GoldenBatch {
  const json = readJson(join(folder, "batch.json")) as BatchJson;
  const file = openSafetensors(join(folder, "batch.safetensors"));
  try {
    const prompts = json.prompts.map(({ index, ids, image }): TokenizedRollout => ({
      promptIds: Int32Array.from(ids),
      completionIds: new Int32Array(),
      group: index,
      ...(image ? { images: { pixelValues: file.readFloat32(`pixel_values.${index}`), gridThw: [image] } } : {}),
    }));
    const rows = json.rollouts.map(({ prompt, completion_ids }): TokenizedRollout => ({
      ...prompts[prompt]!,
      completionIds: Int32Array.from(completion_ids),
    }));
    const byRow = (name: string) => {
      const values = file.readFloat32(name);
      return rows.map((row, b) =>
        values.slice(b * json.max_new_tokens, b * json.max_new_tokens + row.completionIds.length),
      );
    };
    return {
      modelFolder: findModel(folder, json.model),
      rows,
      prompts,
      groups: json.groups,
      rewards: json.rewards,
      width: json.max_new_tokens,
      vocabularyRows: json.vocab_rows,
      oldLogProbs: byRow("old_logps"),
      staleLogProbs: byRow("stale_logps"),
      lora: json.lora,
      loraInitial: new Map(
        file.names
          .filter((name) => name.startsWith("lora."))
          .map((name) => [name.slice("lora.".length), file.readFloat32(name)]),
      ),
    };
  } finally {
    file.close();
  }
}

/** The scenarios of a folder by name. */
export function readScenarios(folder: string): Map<string, Scenario> {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(".json") && existsSync(join(folder, name.replace(/json$/, "safetensors"))))
    .map((name) => name.slice(0, -".json".length))
    .filter((name) => name !== "batch");
  return new Map(
    names.sort().map((name) => {
      const json = readJson(join(folder, `${name}.json`)) as Omit<Scenario, "tensors">;
      const file = openSafetensors(join(folder, `${name}.safetensors`));
      try {
        const tensors = new Map(
          file.names.map((tensor) => [tensor, { shape: file.info(tensor).shape, values: file.readFloat32(tensor) }]),
        );
        return [name, { ...json, tensors }];
      } finally {
        file.close();
      }
    }),
  );
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** The model beside the folder, as the batch says, or beside the reference data of this repository and its neighbor. */
function findModel(folder: string, relative: string): string {
  const repository = resolve(import.meta.dirname, "../../../..");
  const beside = [
    resolve(folder),
    join(repository, "tools/goldens/grpo_step"),
    join(dirname(repository), "shared/golden/grpo_step"),
  ];
  const candidates = beside.map((base) => resolve(base, relative));
  const found = candidates.find((candidate) => existsSync(join(candidate, "config.json")));
  if (!found)
    throw new Error(
      `${folder}/batch.json was made with the model ${relative}, which is missing: looked at ${candidates.join(", ")}`,
    );
  return found;
}

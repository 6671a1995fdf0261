/**
 * Low-rank adapters on a model's linear layers: new ones, and those in peft's files. While a model has an adapter, only
 * the adapter's matrices are trained: y = x Wᵀ + b + scale · (x Aᵀ) Bᵀ, A [rank, in], B [out, rank].
 */
import * as tf from "@tensorflow/tfjs-core";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { ModelFiles } from "../files/model-files";
import { ModelConfigError, WeightsError } from "../input-error";
import type { ModelParameter, ModelWeights } from "../weights/model-weights";
import { isLinearWeight, type ParameterShape } from "../weights/parameter-shapes";
import { internalName, moduleName } from "../weights/tensor-names";
import { safetensorsFrom } from "../safetensors/reader";
import { peftTargets } from "./peft-targets";
import { adapterConfigFrom, isTargeted, rankAndScale, type AdapterConfig } from "./adapter-config";

/** A new adapter, or one from a folder in peft's layout. */
export type AdapterOptions =
  | { readonly folder: string }
  | {
      readonly rank: number;
      /** The addition is scaled by alpha / rank. Default 2 · rank. */
      readonly alpha?: number;
      /** Ends of layer names, or a regular expression for whole names. Default: the language model's q, k, v and o. */
      readonly targetModules?: readonly string[] | string;
      readonly rankStabilized?: boolean;
      /** Ranks and alphas of single layers, by the end of their names. */
      readonly rankPattern?: Readonly<Record<string, number>>;
      readonly alphaPattern?: Readonly<Record<string, number>>;
      /** Seeds A. Default 0. */
      readonly seed?: number;
      /** Starts from these values instead, by peft's tensor name. */
      readonly values?: ReadonlyMap<string, Float32Array>;
    };

const DEFAULT_TARGETS = ".*language_model.*\\.(q_proj|k_proj|v_proj|o_proj)";

/** The adapter of a model. */
export interface AttachedAdapter {
  readonly config: AdapterConfig;
  readonly parameters: readonly ModelParameter[];
  /** `target_modules` as peft is told it. */
  readonly targets: readonly string[] | string;
}

/**
 * Adds an adapter to the model's layers. A starts uniform in ±1 / √in as in peft, B at 0, so that nothing changes at first.
 *
 * @param filesOf the files of a folder
 * @throws ModelConfigError when the configuration is unsupported or matches no layer
 * @throws WeightsError when a stored tensor is missing, superfluous or of another shape
 */
export function attachAdapter(
  weights: ModelWeights,
  options: AdapterOptions,
  filesOf: (folder: string) => ModelFiles,
): AttachedAdapter {
  const stored = "folder" in options ? readStored(filesOf(options.folder)) : undefined;
  const config = "folder" in options ? adapterConfigFrom(filesOf(options.folder)) : newConfig(options);
  const given =
    "folder" in options
      ? stored
      : options.values && new Map([...options.values].map(([name, values]) => [canonicalName(name), values]));
  const random = xoroshiro128plus("folder" in options ? 0 : (options.seed ?? 0));
  const used = new Set<string>();
  const parameters: ModelParameter[] = [];
  for (const { name, shape, group, layer } of weights.shapes.filter(isLinearWeight)) {
    const linear = name.slice(0, -".weight".length);
    const module = moduleName(linear);
    if (!isTargeted(config, module)) continue;
    if (module === "lm_head")
      throw new ModelConfigError({
        what: "An adapter on the output layer is not supported.",
        expected: "layers inside the blocks",
        found: "lm_head",
        fix: "leave lm_head out of target_modules",
      });
    const [outputs, inputs] = shape as readonly [number, number];
    const { rank, scale } = rankAndScale(config, module);
    const make = (letter: "A" | "B", rows: number, columns: number): tf.Variable<tf.Rank.R2> => {
      const key = `${linear}.lora_${letter}.weight`;
      used.add(key);
      const values = given ? given.get(key) : initial(letter, rows, columns, () => uniformFloat64(random));
      if (!values || values.length !== rows * columns) {
        throw new WeightsError({
          what: values
            ? "A tensor of the adapter has another shape than its configuration asks for."
            : "A tensor is missing from the adapter.",
          where: peftName(key),
          expected: `[${rows}, ${columns}]`,
          found: values ? `${values.length} values` : "nothing",
          fix: "check that adapter_config.json, the weights and the base model belong together",
        });
      }
      const variable = tf.tidy(() => tf.variable(tf.tensor2d(values, [rows, columns])));
      parameters.push(
        layer === undefined
          ? { name: peftName(key), variable, group }
          : { name: peftName(key), variable, group, layer },
      );
      return variable;
    };
    weights.adapters.set(linear, { a: make("A", rank, inputs), b: make("B", outputs, rank), scale });
  }
  if (parameters.length === 0) {
    throw new ModelConfigError({
      what: "An adapter's target_modules matches no layer of this model.",
      expected:
        'layer names such as ["q_proj", "v_proj"], or a pattern for names like model.language_model.layers.0.self_attn.q_proj',
      found: JSON.stringify(config.targetModules),
    });
  }
  const extra = [...(given?.keys() ?? [])].filter((key) => !used.has(key));
  if (extra.length > 0)
    throw new WeightsError({
      what: "The adapter holds tensors for layers that its configuration does not name.",
      expected: `${used.size} tensors`,
      found: extra.slice(0, 4).join(", "),
    });
  const modulesOf = (names: readonly string[]): string[] => [
    ...new Set(names.map((name) => moduleName(name.replace(/\.(weight|bias)$/, "")))),
  ];
  const targets = peftTargets(
    config.targetModules,
    modulesOf([...weights.adapters.keys()]),
    modulesOf(weights.shapes.map(({ name }) => name)),
  );
  return { config, parameters, targets };
}

/**
 * The number of values in a new adapter's matrices, without making it.
 *
 * @param shapes of the tensors that it may cover
 */
export function countAdapterValues(
  shapes: readonly ParameterShape[],
  options: Exclude<AdapterOptions, { readonly folder: string }>,
): number {
  const config = newConfig(options);
  return shapes.filter(isLinearWeight).reduce((sum, { name, shape }) => {
    const module = moduleName(name.slice(0, -".weight".length));
    if (!isTargeted(config, module)) return sum;
    return sum + rankAndScale(config, module).rank * (shape[0]! + shape[1]!);
  }, 0);
}

function newConfig(options: Exclude<AdapterOptions, { folder: string }>): AdapterConfig {
  const {
    rank,
    alpha = 2 * rank,
    targetModules = DEFAULT_TARGETS,
    rankStabilized = false,
    rankPattern = {},
    alphaPattern = {},
  } = options;
  if (!Number.isInteger(rank) || rank < 1)
    throw new ModelConfigError({
      what: "An adapter's rank is impossible.",
      expected: "a whole number from 1 on",
      found: String(rank),
    });
  if (!(alpha > 0))
    throw new ModelConfigError({
      what: "An adapter's alpha is impossible.",
      expected: "a positive number",
      found: String(alpha),
    });
  return { rank, alpha, targetModules, rankStabilized, rankPattern, alphaPattern };
}

function initial(letter: "A" | "B", rows: number, columns: number, uniform: () => number): Float32Array {
  const bound = 1 / Math.sqrt(columns);
  return letter === "B"
    ? new Float32Array(rows * columns)
    : Float32Array.from({ length: rows * columns }, () => bound * (2 * uniform() - 1));
}

function readStored(files: ModelFiles): Map<string, Float32Array> {
  const reader = safetensorsFrom(files, "adapter_model.safetensors");
  try {
    return new Map(reader.names.map((name) => [canonicalName(name), reader.readFloat32(name)]));
  } finally {
    reader.close();
  }
}

/** `model.layers.0.self_attn.q_proj.lora_A.weight` from any of the forms that peft has written. */
function canonicalName(name: string): string {
  const inner = name.startsWith("base_model.model.") ? name.slice("base_model.model.".length) : name;
  return internalName(inner).replace(/\.lora_([AB])\.default\.weight$/, ".lora_$1.weight");
}

/** The name that peft with transformers 5 gives a tensor. */
function peftName(key: string): string {
  return `base_model.model.${moduleName(key)}`;
}

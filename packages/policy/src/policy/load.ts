/** Reads a model from files in Hugging Face layout. */
import { modelConfigFrom, parameterShapes } from "../families/model-families";
import type { ModelFiles } from "../files/model-files";
import { WeightsError } from "../input-error";
import { safetensorsFrom } from "../safetensors/reader";
import { type Bfloat16Values, roundToBfloat16 } from "../kernels/bfloat16-matrix";
import { ModelWeights } from "../weights/model-weights";
import type { ParameterShape } from "../weights/parameter-shapes";
import { passingMemory } from "../weights/passing-memory";
import { takenMemory } from "../weights/taken-memory";
import { internalName } from "../weights/tensor-names";
import type { PolicyPlatform } from "./policy-platform";
import { checkUpdateKernels } from "./arithmetic";
import { checkWeightDtype, isFrozen, keptInBfloat16, VlmPolicy, type VlmOptions } from "./vlm-policy";

/**
 * Loads config.json and model.safetensors (possibly in shards, float32, bfloat16 or float16) onto the current backend,
 * one tensor at a time.
 *
 * @throws ModelConfigError when the configuration is missing, unsupported or impossible
 * @throws PolicyInputError when kernels are asked for that the backend does not have
 * @throws WeightsError when a tensor is missing, superfluous or of another shape than the configuration asks for
 */
export function vlmFrom(files: ModelFiles, options: VlmOptions, platform: PolicyPlatform): VlmPolicy {
  checkWeightDtype(options);
  checkUpdateKernels(options.computeWith);
  const halved = keptInBfloat16(options);
  const config = modelConfigFrom(files);
  const shapes = parameterShapes(config);
  const reader = safetensorsFrom(files);
  try {
    const stored = new Map(reader.names.map((name) => [internalName(name), name]));
    const wanted = new Set(shapes.map(({ name }) => name));
    // Tied checkpoints may carry the head a second time; it is the embedding.
    if (config.tieWordEmbeddings) wanted.add("lm_head.weight");
    const extra = [...stored.keys()].filter((name) => !wanted.has(name));
    if (extra.length > 0) {
      throw new WeightsError({
        what: "The weights hold tensors that this model does not have.",
        where: files.where,
        expected: `the ${shapes.length} tensors of config.json`,
        found: `${extra.slice(0, 4).join(", ")}${extra.length > 4 ? ` and ${extra.length - 4} more` : ""}`,
        fix: "check that config.json and the weights belong together; merge adapters before loading",
      });
    }
    for (const { name, shape } of shapes) {
      const found = reader.info(stored.get(name) ?? name).shape;
      if (found.length === shape.length && found.every((n, i) => n === shape[i])) continue;
      throw new WeightsError({
        what: "A tensor has another shape than the configuration asks for.",
        where: `${files.where}, tensor ${name}`,
        expected: `[${shape.join(", ")}]`,
        found: `[${found.join(", ")}]`,
        fix: "check that config.json and the weights belong together",
      });
    }
    const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);
    const frozen = isFrozen(options);
    const taken = takenMemory();
    const passing = passingMemory(Math.max(...shapes.map(({ shape }) => sizeOf(shape))));
    const memory = (shape: ParameterShape, values: number): Float32Array | undefined =>
      (frozen(shape) ? taken?.(values) : undefined) ?? passing?.(values);
    try {
      const read = (shape: ParameterShape): Float32Array | Bfloat16Values => {
        const name = stored.get(shape.name)!;
        const size = sizeOf(shape.shape);
        if (!halved(shape)) return reader.readFloat32(name, memory(shape, size));
        if (reader.info(name).dtype !== "BF16") return roundToBfloat16(reader.readFloat32(name));
        const pairs = memory(shape, size / 2) ?? new Float32Array(size / 2);
        reader.readBytes(name, new Uint8Array(pairs.buffer, pairs.byteOffset, pairs.byteLength));
        return { pairs };
      };
      const weights = new ModelWeights(shapes, read, frozen, options.computeWith);
      return new VlmPolicy(config, weights, options, platform);
    } finally {
      passing?.(0);
    }
  } finally {
    reader.close();
  }
}

/**
 * What a run needs in memory, from the shapes of its tensors, before anything is loaded. Exact for what is counted (all of it float32):
 *
 *   weights      4 bytes a parameter, once more for the reference model of a KL term
 *   gradients    4 bytes a trained parameter; AdamW's moments 8
 *
 * and about right for the activations of one micro-batch: 4 bytes · tokens · layers · (10 hidden + 4 intermediate) for what a block
 * keeps for its backward pass. The backend's own workspace, pictures and the generation's cache come on top.
 */
import { type ParameterShape, type VlmConfig, countAdapterValues, parameterShapes } from "@v-triune/policy";
import type { TrainingConfig } from "@v-triune/training/config";

/** Parameters as counts, everything else in bytes. */
export interface MemoryEstimate {
  readonly parameters: number;
  readonly trained: number;
  readonly weights: number;
  readonly reference: number;
  readonly gradients: number;
  readonly moments: number;
  readonly activations: number;
  readonly total: number;
}

/** The estimate for a configuration and the model that it names. */
export function estimateMemory(config: TrainingConfig, architecture: VlmConfig): MemoryEstimate {
  const shapes = parameterShapes(architecture);
  const { adapter } = config.model;
  const sizeOf = ({ shape }: ParameterShape): number => shape.reduce((product, length) => product * length, 1);
  const parameters = shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);
  const unfrozen = shapes.filter(({ group }) => !config.optimizer.groups[group].freeze);
  const trained =
    adapter === null
      ? unfrozen.reduce((sum, shape) => sum + sizeOf(shape), 0)
      : countAdapterValues(unfrozen, {
          rank: adapter.rank,
          ...(adapter.targetModules === null ? {} : { targetModules: adapter.targetModules }),
        });
  const { hiddenSize, intermediateSize, numLayers } = architecture.text;
  const weights = 4 * (parameters + (adapter === null ? 0 : trained));
  const reference = config.algorithm.kl.coefficient === 0 ? 0 : 4 * parameters;
  const gradients = 4 * trained;
  const moments = 8 * trained;
  const activations = 4 * config.update.microBatchTokens * numLayers * (10 * hiddenSize + 4 * intermediateSize);
  return {
    parameters,
    trained,
    weights,
    reference,
    gradients,
    moments,
    activations,
    total: weights + reference + gradients + moments + activations,
  };
}

/** `3.2 GB`; GB as 10^9 bytes, as machines are sold. */
export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(0.1, bytes / 1e6).toFixed(1)} MB`;
}

/**
 * The estimate as lines, and what to lower when it does not fit.
 *
 * @param available bytes of the machine
 */
export function formatMemory(estimate: MemoryEstimate, available: number): string {
  const { parameters, trained, weights, reference, gradients, moments, activations, total } = estimate;
  const count = (value: number): string => value.toLocaleString("en-US");
  const fits = total < 0.8 * available;
  const lines = [
    `Memory, about ${formatBytes(total)} of ${formatBytes(available)}`,
    `  weights             ${formatBytes(weights)}  (${count(parameters)} parameters)`,
    ...(reference > 0 ? [`  reference model     ${formatBytes(reference)}  (algorithm.kl)`] : []),
    `  gradients, moments  ${formatBytes(gradients + moments)}  (${count(trained)} trained)`,
    `  activations         ${formatBytes(activations)}  (update.microBatchTokens)`,
  ];
  if (!fits) {
    const advice = [
      ...(activations > total / 4 ? ["lower update.microBatchTokens: the result stays the same"] : []),
      ...(gradients + moments > total / 4 ? ["train an adapter: model: {path: .., adapter: {rank: 16}}"] : []),
      ...(reference > 0 ? ["leave algorithm.kl.coefficient at 0: no reference model"] : []),
      "or take a smaller model",
    ];
    lines.push("This will hardly fit. What helps:", ...advice.map((text) => `  ${text}`));
  }
  return lines.join("\n");
}

/**
 * A policy as plain data, for replicas in other threads: its configuration, and its weights in shared memory, so that
 * passing them on copies nothing.
 */
import type { VlmConfig } from "../config/model-config";
import type { DecoderName } from "../generation/choose-decoder";
import type { AdapterOptions, AttachedAdapter } from "../lora/adapter";
import type { Bfloat16Values, WeightDtype } from "../kernels/bfloat16-matrix";
import type { GradientCheckpointing } from "../kernels/checkpoint";
import type { UpdateKernels } from "../kernels/native/own-ops";
import type { ModelWeights } from "../weights/model-weights";
import type { ParameterGroup } from "../weights/parameter-shapes";

interface SnapshotOptions {
  readonly dtype?: WeightDtype;
  readonly freeze?: readonly ParameterGroup[];
  readonly gradientCheckpointing?: GradientCheckpointing;
  readonly decodeWith?: DecoderName;
  readonly computeWith?: UpdateKernels;
}

/** See `VlmPolicy.snapshot`. */
export interface PolicySnapshot {
  readonly config: VlmConfig;
  readonly options: SnapshotOptions;
  /** The model's own tensors by name, without the adapter. */
  readonly weights: ReadonlyMap<string, Float32Array | Bfloat16Values>;
  readonly adapter: Exclude<AdapterOptions, { readonly folder: string }> | undefined;
}

/** What `VlmPolicy.snapshot` gives. */
export function takeSnapshot(
  config: VlmConfig,
  { dtype, freeze, gradientCheckpointing, decodeWith, computeWith }: SnapshotOptions,
  weights: ModelWeights,
  adapter: AttachedAdapter | undefined,
): PolicySnapshot {
  return {
    config,
    options: {
      ...(dtype && { dtype }),
      ...(freeze && { freeze }),
      ...(gradientCheckpointing && { gradientCheckpointing }),
      ...(decodeWith && { decodeWith }),
      ...(computeWith && { computeWith }),
    },
    weights: new Map(
      weights.shapes.map(({ name }) => {
        const values = weights.stored(name);
        return [name, values instanceof Float32Array ? shared(values) : { pairs: shared(values.pairs) }];
      }),
    ),
    adapter: adapter && {
      ...adapter.config,
      values: new Map(
        adapter.parameters.map(({ name, variable }) => [name, shared(variable.dataSync() as Float32Array)]),
      ),
    },
  };
}

function shared(values: Float32Array): Float32Array {
  const copy = new Float32Array(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}

/** A case of the reference, and its batch without padding. */
import type { VlmConfig } from "../config/model-config";
import type { GridThw } from "../image-processor/image-processor";
import type { PromptInput } from "../model/tokenized-rollout";
import type { VisualInput } from "../vision/visual-input";
import type { VlmPolicy } from "../policy/vlm-policy";
import type { SafetensorsReader } from "../safetensors/reader";
import type { ParityLedger } from "./parity";

/** cases/NAME.json */
export interface CaseFile {
  readonly input_ids: readonly (readonly number[])[];
  readonly attention_mask: readonly (readonly number[])[];
  readonly position_ids?: readonly (readonly (readonly number[])[])[];
  readonly image_grid_thw?: readonly GridThw[];
  readonly video_grid_thw?: readonly GridThw[];
  readonly second_per_grid_ts?: readonly number[];
  readonly vision?: {
    readonly position_ids_hw: readonly (readonly [number, number])[];
    readonly cu_seqlens: readonly number[];
    /** Qwen2.5-VL. */
    readonly window_index?: readonly number[];
    readonly cu_window_seqlens?: readonly number[];
    /** Qwen3-VL: the four rows of the position table at each patch. */
    readonly pos_embed_indices?: readonly (readonly number[])[];
  };
  readonly labels?: readonly (readonly number[])[];
  readonly nll_loss?: number;
  readonly grpo_loss?: number;
  readonly "grad_l2.nll"?: Readonly<Record<string, number | null>>;
  readonly "grad_l2.grpo"?: Readonly<Record<string, number | null>>;
  readonly greedy?: { readonly max_new_tokens: number; readonly new_tokens: readonly (readonly number[])[] };
  readonly greedy_eos?: {
    readonly max_new_tokens: number;
    readonly eos: number;
    readonly pad: number;
    readonly new_tokens: readonly (readonly number[])[];
  };
}

/** A batch of the reference without its padding. */
export interface ReferenceBatch {
  readonly prompts: readonly PromptInput[];
  /** The packed row of each place of the padded batch, -1 on padding, [B · S]. */
  readonly rowOf: Int32Array;
  readonly width: number;
}

/** A case while it is checked. */
export interface ReferenceCase {
  readonly ledger: ParityLedger;
  readonly policy: VlmPolicy;
  readonly reference: CaseFile;
  /** cases/NAME.safetensors */
  readonly values: SafetensorsReader;
  readonly batch: ReferenceBatch;
  readonly name: string;
}

/** Removes the padding of a reference batch and gives each row its own pictures. */
export function referenceBatch(
  reference: Pick<
    CaseFile,
    "input_ids" | "attention_mask" | "image_grid_thw" | "video_grid_thw" | "second_per_grid_ts"
  >,
  values: SafetensorsReader,
  config: VlmConfig,
): ReferenceBatch {
  const { input_ids: ids, attention_mask: mask } = reference;
  const width = ids[0]?.length ?? 0;
  const images = visualQueue(
    reference.image_grid_thw ?? [],
    values.has("pixel_values") ? values.readFloat32("pixel_values") : undefined,
    config,
    undefined,
  );
  const videos = visualQueue(
    reference.video_grid_thw ?? [],
    values.has("pixel_values_videos") ? values.readFloat32("pixel_values_videos") : undefined,
    config,
    reference.second_per_grid_ts,
  );
  const rowOf = new Int32Array(ids.length * width).fill(-1);
  let packed = 0;
  const prompts = ids.map((row, b): PromptInput => {
    const own = row.filter((_, s) => mask[b]![s] === 1);
    row.forEach((_, s) => mask[b]![s] === 1 && (rowOf[b * width + s] = packed++));
    const image = images(own.filter((id) => id === config.imageTokenId).length);
    const video = videos(own.filter((id) => id === config.videoTokenId).length);
    return {
      promptIds: Int32Array.from(own),
      ...(image ? { images: image } : {}),
      ...(video ? { videos: video } : {}),
    };
  });
  return { prompts, rowOf, width };
}

/** Returns pictures in order, as many as fill a number of placeholders. */
function visualQueue(
  grids: readonly GridThw[],
  pixels: Float32Array | undefined,
  config: VlmConfig,
  seconds: readonly number[] | undefined,
): (placeholders: number) => VisualInput | undefined {
  const { inChannels, temporalPatchSize, patchSize, spatialMergeSize } = config.vision;
  const width = inChannels * temporalPatchSize * patchSize ** 2;
  let picture = 0;
  let patch = 0;
  return (placeholders) => {
    if (placeholders === 0 || !pixels) return undefined;
    const first = picture;
    const start = patch;
    while (picture < grids.length && (patch - start) / spatialMergeSize ** 2 < placeholders)
      patch += grids[picture++]!.reduce((product, n) => product * n, 1);
    return {
      pixelValues: pixels.subarray(start * width, patch * width),
      gridThw: grids.slice(first, picture),
      ...(seconds ? { secondsPerGrid: seconds.slice(first, picture) } : {}),
    };
  };
}

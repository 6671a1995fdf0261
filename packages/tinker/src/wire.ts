/**
 * The JSON of the Tinker API: what goes over the wire, under the names that it has there. As SkyRL 0.3.0, hatchery
 * 0.3.0 and the Python SDK `tinker` 0.24.1 write and read it.
 */

/** Numbers of one datum, flat; `shape` is their shape. */
export interface WireTensor {
  readonly data: readonly number[];
  readonly dtype: "int64" | "float32";
  readonly shape?: readonly number[] | null;
}

/** A part of an input: tokens, or a picture that stands for `expected_tokens` of them. */
export type WireChunk =
  | { readonly type: "encoded_text"; readonly tokens: readonly number[] }
  | {
      readonly type: "image";
      /** The file, base64. */
      readonly data: string;
      readonly format: "png" | "jpeg";
      readonly expected_tokens?: number | null;
    };

export interface WireModelInput {
  readonly chunks: readonly WireChunk[];
}

/**
 * One row to compute: the sequence without its last token, and tensors as long as it. `target_tokens` is the sequence
 * without its first token.
 */
export interface WireDatum {
  readonly model_input: WireModelInput;
  readonly loss_fn_inputs: Readonly<Record<string, WireTensor>>;
}

export interface LoraSettings {
  readonly rank: number;
  /** Of the adapter's first values. */
  readonly seed?: number;
  readonly train_attn?: boolean;
  readonly train_mlp?: boolean;
  readonly train_unembed?: boolean;
}

/** AdamW's settings of one step. Servers may ignore any of them but the learning rate. */
export interface AdamSettings {
  readonly learning_rate: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly eps?: number;
  readonly weight_decay?: number;
  /** Largest global norm of the gradient; 0: no clipping. */
  readonly grad_clip_norm?: number;
}

export interface SamplingSettings {
  readonly max_tokens: number;
  readonly temperature?: number;
  readonly top_p?: number;
  /** -1: all tokens. */
  readonly top_k?: number;
  readonly seed?: number;
  /** Strings, or token ids. */
  readonly stop?: readonly string[] | readonly number[];
}

export interface SampledSequence {
  readonly tokens: readonly number[];
  readonly logprobs?: readonly number[] | null;
  readonly stop_reason: "stop" | "length";
}

export interface SampleOutput {
  readonly sequences: readonly SampledSequence[];
  readonly prompt_logprobs?: readonly (number | null)[] | null;
}

/** Of one datum: `logprobs` of its targets, and whatever else a loss gives. */
export type LossOutputs = Readonly<Record<string, WireTensor>>;

export interface PassOutput {
  readonly loss_fn_outputs: readonly LossOutputs[];
  readonly metrics: Readonly<Record<string, number>>;
}

export interface OptimStepOutput {
  readonly metrics: Readonly<Record<string, number>>;
}

export interface ServerModel {
  readonly model_name: string;
  readonly max_context_length?: number | null;
}

export interface ServerCapabilities {
  readonly supported_models: readonly ServerModel[];
  /** What a server of @v-triune adds: it repeats no training request, and draws a prompt's answers by its number. */
  readonly v_triune?: { readonly version: string } | null;
}

export interface ModelInfo {
  readonly model_id: string;
  readonly model_data: {
    readonly base_model?: string | null;
    readonly model_name?: string | null;
    readonly lora_config?: Partial<LoraSettings> | null;
  };
}

/** The bodies of requests, checked. Fields that are not named here are ignored, as other servers of this API do. */
import { type Type, type } from "arktype";
import { RequestRefusal } from "./request-refusal";

const id = "string > 0";
const seq = "number.integer >= 0 | null";

const tensor = type({
  data: "number[]",
  "dtype?": "string",
  "shape?": "number[] | null",
  "sparse_crow_indices?": "null",
  "sparse_col_indices?": "null",
});
const chunk = type({ type: "'encoded_text'", tokens: "number.integer[]" }).or({
  type: "'image'",
  data: "string",
  "format?": "string",
  "expected_tokens?": "number.integer >= 1 | null",
});
const modelInput = type({ chunks: chunk.array() });
const datum = type({ model_input: modelInput, loss_fn_inputs: { "[string]": tensor } });
const passInput = type({
  data: datum.array().atLeastLength(1),
  loss_fn: "string",
  "loss_fn_config?": type({ "[string]": "number" }).or("null"),
});
const lora = type({
  rank: "number.integer >= 0",
  "seed?": "number.integer | null",
  "train_attn?": "boolean",
  "train_mlp?": "boolean",
  "train_unembed?": "boolean",
});

export const bodies = {
  createSession: type({ "tags?": "string[] | null" }),
  heartbeat: type({ session_id: id }),
  createModel: type({
    session_id: id,
    model_seq_id: "number.integer >= 0",
    base_model: id,
    "lora_config?": lora.or("null"),
  }),
  forward: type({ model_id: id, "seq_id?": seq, forward_input: passInput }),
  forwardBackward: type({ model_id: id, "seq_id?": seq, forward_backward_input: passInput }),
  optimStep: type({
    model_id: id,
    "seq_id?": seq,
    adam_params: {
      "learning_rate?": "number >= 0",
      "beta1?": "0 <= number < 1",
      "beta2?": "0 <= number < 1",
      "eps?": "number >= 0",
      "weight_decay?": "number >= 0",
      "grad_clip_norm?": "number >= 0",
    },
  }),
  saveForSampler: type({
    model_id: id,
    "seq_id?": seq,
    "path?": "string | null",
    "sampling_session_seq_id?": "number.integer | null",
  }),
  saveWeights: type({ model_id: id, "seq_id?": seq, "path?": "string | null", "overwrite?": "boolean" }),
  loadWeights: type({
    path: id,
    "optimizer?": "boolean",
    "seq_id?": seq,
    "model_id?": "string | null",
    "session_id?": "string | null",
    "model_seq_id?": "number.integer | null",
    "base_model?": "string | null",
  }),
  createSamplingSession: type({
    session_id: id,
    "base_model?": "string | null",
    "model_path?": "string | null",
  }),
  sample: type({
    prompt: modelInput,
    sampling_params: {
      "max_tokens?": "number.integer >= 1 | null",
      "temperature?": "number >= 0",
      "top_p?": "0 <= number <= 1",
      "top_k?": "number.integer >= -1",
      "seed?": "number.integer | null",
      "stop?": "string | string[] | number[] | null",
    },
    "num_samples?": "number.integer >= 1",
    "sampling_session_id?": "string | null",
    "seq_id?": seq,
    "model_path?": "string | null",
    "base_model?": "string | null",
    "prompt_logprobs?": "boolean | null",
    "topk_prompt_logprobs?": "number | null",
    "prompt_number?": "number.integer >= 0 | null",
  }),
  model: type({ model_id: id }),
  future: type({ request_id: id }),
  weightsInfo: type({ tinker_path: id }),
} as const;

export type Datum = typeof datum.infer;
export type ModelInput = typeof modelInput.infer;
export type PassInput = typeof passInput.infer;
export type LoraConfig = typeof lora.infer;
export type SampleBody = typeof bodies.sample.infer;
export type AdamParams = (typeof bodies.optimStep.infer)["adam_params"];

/** @throws RequestRefusal 422 naming the field */
export function readBody<Schema extends Type>(schema: Schema, body: unknown): Schema["infer"] {
  const found = schema(body);
  if (!(found instanceof type.errors)) return found as Schema["infer"];
  throw new RequestRefusal(422, found.summary.split("\n").slice(0, 3).join("; "));
}

/**
 * SGLang's own POST /generate (docs.sglang.io: basic_usage/sampling_params, basic_usage/native_api; fields as in SGLang
 * 0.5.23): token ids in, token ids and log-probabilities out, and with them the version of the weights that drew them.
 *
 * With pictures the rendered text is sent, one placeholder a picture: the server's processor expands placeholders
 * itself, and fails on ids that are expanded already (sgl-project/sglang #5164). Without pictures the ids go as they
 * are.
 *
 * One answer a request: SGLang's documentation advises against n > 1, and its prefix cache shares the prompt.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import type { GenerationTask, ProtocolRequest, ServerReply } from "./generation-task";
import { tokenIdsOf, tokenLogProbs } from "./token-log-probs";
import { NoAnswerError } from "../servers/http-json";

/** @param pictures data URLs, in the order of their places in the prompt */
export function sglangGenerate(task: GenerationTask, pictures: readonly string[]): ProtocolRequest {
  const { prompt } = task;
  return {
    path: "/generate",
    events: false,
    body: {
      ...(pictures.length === 0 ? { input_ids: [...prompt.promptIds] } : { text: prompt.text, image_data: pictures }),
      sampling_params: {
        temperature: task.temperature,
        top_p: task.topP,
        top_k: task.topK ?? -1,
        // What is left out comes from the model's generation_config.json.
        min_p: 0,
        repetition_penalty: 1,
        max_new_tokens: task.maxNewTokens,
        // Obeyed with --enable-deterministic-inference.
        sampling_seed: task.seed,
      },
      return_logprob: true,
      logprob_start_len: -1,
      stream: false,
    },
    read,
  };
}

function read(reply: unknown): ServerReply {
  const info = isRecord(reply) ? reply["meta_info"] : undefined;
  if (!isRecord(reply) || !isRecord(info))
    throw new NoAnswerError("failed", `a reply without meta_info: ${JSON.stringify(reply)?.slice(0, 120)}`);
  const reason = isRecord(info["finish_reason"]) ? info["finish_reason"]["type"] : info["finish_reason"];
  if (reason !== "stop" && reason !== "length")
    throw new NoAnswerError("failed", `an answer that ended with "${String(reason)}"`);
  const tokens: unknown = info["output_token_logprobs"];
  if (!Array.isArray(tokens))
    throw new NoAnswerError("failed", "a reply without output_token_logprobs, though return_logprob was asked for");
  // [log-probability, token id, text or null] per token.
  const entries = (tokens as unknown[]).map((entry): readonly unknown[] => (Array.isArray(entry) ? entry : []));
  const tokenIds = tokenIdsOf(entries.map(([, id]) => id));
  if (tokenIds === undefined)
    throw new NoAnswerError(
      "failed",
      `a reply with token ids that are no whole numbers: ${JSON.stringify(tokens).slice(0, 120)}`,
    );
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens, weight_version: version } = info;
  return {
    answers: [
      {
        text: typeof reply["text"] === "string" ? reply["text"] : "",
        tokenIds,
        ...tokenLogProbs(entries.map(([logProb]) => logProb)),
        finishReason: reason,
      },
    ],
    ...(typeof promptTokens === "number" ? { promptTokens } : {}),
    ...(typeof completionTokens === "number" ? { completionTokens } : {}),
    ...(typeof version === "string" ? { weights: version } : {}),
  };
}

/**
 * Log-probabilities of an answer by SGLang's POST /generate (docs.sglang.io: basic_usage/native_api; fields as in
 * SGLang 0.5.23): the prompt and the answer are the input, `logprob_start_len` is the place before the answer, because
 * the first place has no log-probability (sglang/srt/managers, `input_token_logprobs_val`).
 *
 * With pictures the text is sent, because the server's processor expands placeholders itself.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { NoAnswerError } from "../servers/http-json";
import { type ScoringRequest, type ScoringTask, answerScores } from "./answer-scores";

/** @param asText whether the tokens are left to the server's tokenizer */
export function sglangScores(task: ScoringTask, asText: boolean): ScoringRequest {
  const { ids, answer, topK, pictures } = task;
  return {
    path: "/generate",
    body: {
      ...(asText ? { text: task.text } : { input_ids: [...ids] }),
      ...(pictures.length > 0 ? { image_data: pictures } : {}),
      sampling_params: { max_new_tokens: 1, temperature: 0 },
      return_logprob: true,
      logprob_start_len: ids.length - answer.length - 1,
      top_logprobs_num: topK,
      stream: false,
    },
    read: (reply) => {
      const info = isRecord(reply) ? reply["meta_info"] : undefined;
      const said = isRecord(info) ? info["input_token_logprobs"] : undefined;
      const top = isRecord(info) ? info["input_top_logprobs"] : undefined;
      if (!Array.isArray(said) || (topK > 0 && !Array.isArray(top)))
        throw new NoAnswerError("failed", "a reply without input_token_logprobs, though return_logprob was asked for");
      // [log-probability, token id, text or null] per token.
      const places = (said as unknown[]).slice(-answer.length).map(entries);
      const tops = topK > 0 ? (top as unknown[]).slice(-answer.length).map(likeliest) : [];
      const written = ids.subarray(ids.length - answer.length);
      const { prompt_tokens: count } = info as Readonly<Record<string, unknown>>;
      const isOther = places.length < answer.length || places.some(([, id], at) => id !== written[at]);
      if (isOther || (typeof count === "number" && count !== ids.length)) return undefined;
      return answerScores(
        places.map(([logProb], at) => ({ logProb, top: tops[at] ?? [] })),
        topK,
      );
    },
  };
}

const entries = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

const likeliest = (place: unknown): (readonly [number, unknown])[] =>
  entries(place)
    .map(entries)
    .map(([logProb, id]) => [Number(id), logProb] as const);

/**
 * Log-probabilities of an answer by vLLM's `prompt_logprobs` (docs: serving/openai_compatible_server; fields as in vLLM
 * 0.33.0): the prompt and the answer are the prompt. Each place is an object by token id, of the written token and the
 * likeliest ones.
 *
 * Token ids go to /v1/completions. With pictures the answer is the beginning of the assistant's message that
 * /v1/chat/completions would continue, with its end token as text.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { chatMessages } from "../protocols/chat-completions";
import { NoAnswerError } from "../servers/http-json";
import { type PlaceScores, type ScoringRequest, type ScoringTask, answerScores } from "./answer-scores";

/**
 * @param model its name at the server
 * @param asText whether the tokens are left to the server's tokenizer
 */
export function vllmScores(task: ScoringTask, model: string, asText: boolean): ScoringRequest {
  const common = { model, max_tokens: 1, temperature: 0, prompt_logprobs: task.topK };
  if (task.pictures.length === 0) {
    const body = { ...common, prompt: asText ? task.text : [...task.ids], add_special_tokens: false };
    return {
      path: "/v1/completions",
      body,
      read: (reply) => {
        const choices: unknown = isRecord(reply) ? reply["choices"] : undefined;
        const [choice] = Array.isArray(choices) ? (choices as unknown[]) : [];
        return read(isRecord(choice) ? choice["prompt_logprobs"] : undefined, task);
      },
    };
  }
  const messages = [...chatMessages(task.messages, task.pictures), { role: "assistant", content: task.answer.text }];
  return {
    path: "/v1/chat/completions",
    body: { ...common, messages, add_generation_prompt: false, continue_final_message: true },
    read: (reply) => read(isRecord(reply) ? reply["prompt_logprobs"] : undefined, task),
  };
}

function read(said: unknown, { ids, answer, topK }: ScoringTask): ReturnType<ScoringRequest["read"]> {
  if (!Array.isArray(said)) throw new NoAnswerError("failed", "a reply without prompt_logprobs");
  if (said.length !== ids.length) return undefined;
  const written = ids.subarray(ids.length - answer.length);
  const places = (said as unknown[]).slice(-answer.length).map((place, at) => placeScores(place, written[at]!));
  return places.every((place) => place !== undefined) ? answerScores(places, topK) : undefined;
}

function placeScores(place: unknown, written: number): PlaceScores | undefined {
  if (!isRecord(place)) return undefined;
  const logProbs = Object.entries(place).map(
    ([id, token]) => [Number(id), isRecord(token) ? token["logprob"] : undefined] as const,
  );
  const own = logProbs.find(([id]) => id === written);
  return own && { logProb: own[1], top: logProbs.sort((a, b) => Number(b[1]) - Number(a[1]) || a[0] - b[0]) };
}

/**
 * POST /v1/chat/completions, as OpenAI documents it, with what each server adds or leaves out:
 *
 * vLLM (docs: serving/openai_compatible_server; vllm/entrypoints/openai/chat_completion/protocol.py of 0.33.0).
 * `return_token_ids` gives `choices[].token_ids`; versions before 0.10.2 know `return_tokens_as_token_ids`, which
 * spells the tokens of the log-probs "token_id:42". What a request leaves out comes from the model's
 * generation_config.json (Qwen2.5-VL's asks for a repetition penalty of 1.05), so everything that shapes the
 * distribution is said.
 *
 * transformers serve 5.23 (transformers/cli/serving). No `n`, token ids or log-probs; `generation_config` (JSON text)
 * is the only way to sample from the whole distribution. Streamed, because content that is not streamed is stripped of
 * white space. What stands between <think> and </think> comes as `reasoning_content`, without the two, and is put back
 * where it was.
 *
 * llama.cpp (tools/server/README.md). Its own defaults are top_k 40 and min_p 0.05, so they are said, too;
 * `reasoning_format: "none"` leaves the text as it is.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import type { ChatMessage } from "@v-triune/policy";
import type { GenerationTask, ProtocolRequest, ServerAnswer, ServerReply } from "./generation-task";
import { type ContentPiece, contentPieces } from "./message-content";
import { type TokenLogProbs, tokenIdsOf, tokenLogProbs } from "./token-log-probs";
import { NoAnswerError } from "../servers/http-json";
import type { ServerKind } from "../servers/server-kind";

export interface ChatSettings {
  readonly kind: Exclude<ServerKind, "sglang">;
  /** Ends of answers; transformers serve has to be told them. */
  readonly endTokenIds: readonly number[];
  /** Whether `n` answers may be asked for at once. */
  readonly several: boolean;
}

/** @param pictures data URLs, in the order of their places in the prompt */
export function chatCompletion(
  task: GenerationTask,
  pictures: readonly string[],
  settings: ChatSettings,
): ProtocolRequest {
  const events = settings.kind === "transformers";
  return {
    path: "/v1/chat/completions",
    events,
    body: {
      model: task.model,
      messages: chatMessages(task.prompt.messages, pictures),
      max_tokens: task.maxNewTokens,
      temperature: task.temperature,
      top_p: task.topP,
      seed: task.seed,
      ...(settings.several && task.samples > 1 ? { n: task.samples } : {}),
      ...ownFields(task, settings),
    },
    read: events ? readEvents : readReply,
  };
}

function ownFields(task: GenerationTask, { kind, endTokenIds }: ChatSettings): Record<string, unknown> {
  if (kind === "vllm") {
    return {
      top_k: task.topK ?? -1,
      min_p: 0,
      repetition_penalty: 1,
      logprobs: true,
      top_logprobs: 0,
      return_token_ids: true,
      return_tokens_as_token_ids: true,
    };
  }
  if (kind === "llama.cpp") return { top_k: task.topK ?? 0, min_p: 0, repeat_penalty: 1, reasoning_format: "none" };
  if (kind !== "transformers") return {};
  const sampling =
    task.temperature > 0
      ? { do_sample: true, temperature: task.temperature, top_p: task.topP, top_k: task.topK ?? 0 }
      : { do_sample: false };
  return {
    stream: true,
    generation_config: JSON.stringify({
      ...sampling,
      max_new_tokens: task.maxNewTokens,
      repetition_penalty: 1,
      ...(endTokenIds.length === 0 ? {} : { eos_token_id: endTokenIds, pad_token_id: endTokenIds[0] }),
    }),
  };
}

/** A part of a message as OpenAI spells it. */
export type OpenAiPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image_url"; readonly image_url: { readonly url: string } };

/** A message as OpenAI spells it. */
export interface OpenAiMessage {
  readonly role: string;
  readonly content: string | readonly OpenAiPart[];
}

/**
 * Messages as OpenAI spells them, each picture's place filled.
 *
 * @param pictures data URLs, in the order of their places
 */
export function chatMessages(messages: readonly ChatMessage[], pictures: readonly string[]): OpenAiMessage[] {
  let next = 0;
  return messages.map(({ role, content }) => ({
    role,
    content:
      typeof content === "string"
        ? content
        : content.map((part) =>
            part.type === "image"
              ? { type: "image_url", image_url: { url: pictures[next++] as string } }
              : { type: "text", text: (part as { text: string }).text },
          ),
  }));
}

function readReply(reply: unknown): ServerReply {
  if (typeof reply === "string") throw unreadable("text that is no JSON", reply);
  if (!isRecord(reply) || !Array.isArray(reply["choices"])) throw unreadable("no choices", reply);
  return {
    answers: (reply["choices"] as unknown[]).map(readChoice),
    ...usage(reply["usage"]),
    ...(typeof reply["model"] === "string" ? { weights: reply["model"] } : {}),
  };
}

function readChoice(choice: unknown): ServerAnswer {
  const message = isRecord(choice) ? choice["message"] : undefined;
  if (!isRecord(choice) || !isRecord(message)) throw unreadable("a choice without a message", choice);
  const said = spokenTokens(choice["logprobs"]);
  const tokenIds = Array.isArray(choice["token_ids"]) ? tokenIdsOf(choice["token_ids"]) : said?.tokenIds;
  if (tokenIds === undefined && Array.isArray(choice["token_ids"]))
    throw unreadable("token ids that are no whole numbers", choice["token_ids"]);
  if (tokenIds && said && tokenIds.length !== said.count) {
    throw unreadable(`${tokenIds.length} token ids with ${said.count} log-probabilities`, undefined);
  }
  return {
    ...withThought(messagePieces(message)),
    finishReason: finishReason(choice["finish_reason"]),
    ...(tokenIds ? { tokenIds } : {}),
    ...(tokenIds && said ? said.logProbs : {}),
  };
}

/** What was thought comes first; a refusal stands in place of content. */
function messagePieces(message: Readonly<Record<string, unknown>>): ContentPiece[] {
  const thought = ["reasoning_content", "reasoning"].map((name) => message[name]).find((text) => text && isText(text));
  const content = message["content"] ?? message["refusal"];
  return [...(isText(thought) ? [{ thought: true, text: thought }] : []), ...contentPieces(content)];
}

/** The chunks of one answer, put together. */
function readEvents(events: unknown): ServerReply {
  const pieces: ContentPiece[] = [];
  let reason: unknown;
  let model: string | undefined;
  let counts: unknown;
  for (const event of events as unknown[]) {
    if (!isRecord(event)) throw unreadable("an event that is no object", event);
    if (event["error"] !== undefined)
      throw new NoAnswerError("failed", `the stream ended with: ${String(event["error"])}`);
    if (typeof event["model"] === "string") model = event["model"];
    if (event["usage"] !== undefined) counts = event["usage"];
    const choice: unknown = Array.isArray(event["choices"]) ? event["choices"][0] : undefined;
    if (!isRecord(choice)) continue;
    const delta = isRecord(choice["delta"]) ? choice["delta"] : {};
    if (isText(delta["reasoning_content"])) pieces.push({ thought: true, text: delta["reasoning_content"] });
    pieces.push(...contentPieces(delta["content"]));
    if (choice["finish_reason"] !== null && choice["finish_reason"] !== undefined) reason = choice["finish_reason"];
  }
  if (reason === undefined) throw new NoAnswerError("broken", "the stream ended before the answer did");
  return {
    answers: [{ ...withThought(pieces), finishReason: finishReason(reason) }],
    ...usage(counts),
    ...(model === undefined ? {} : { weights: model }),
  };
}

/**
 * The text as it was written: each stretch of thought between its tags. An answer that ends in thought may have closed
 * it or not.
 */
function withThought(pieces: readonly ContentPiece[]): Pick<ServerAnswer, "text" | "otherwise"> {
  let text = "";
  let open = false;
  for (const { thought, text: said } of pieces) {
    if (said === "") continue;
    if (thought !== open) text += thought ? "<think>" : "</think>";
    open = thought;
    text += said;
  }
  return open ? { text, otherwise: `${text}</think>` } : { text };
}

interface SpokenTokens {
  readonly count: number;
  readonly logProbs: TokenLogProbs;
  /** Where they are spelt as ids. */
  readonly tokenIds?: Int32Array;
}

function spokenTokens(logprobs: unknown): SpokenTokens | undefined {
  const content = isRecord(logprobs) ? logprobs["content"] : undefined;
  if (!Array.isArray(content)) return undefined;
  const entries = (content as unknown[]).map((entry) => (isRecord(entry) ? entry : {}));
  const spelt = entries.map(({ token }) => (isText(token) ? /^token_id:(\d+)$/.exec(token)?.[1] : undefined));
  return {
    count: entries.length,
    logProbs: tokenLogProbs(entries.map(({ logprob }) => logprob)),
    ...(spelt.every((id) => id !== undefined) ? { tokenIds: Int32Array.from(spelt, Number) } : {}),
  };
}

const isText = (value: unknown): value is string => typeof value === "string";

function finishReason(reason: unknown): "stop" | "length" {
  if (reason === "stop" || reason === "length") return reason;
  // A call that was parsed is not the text that was written: it cannot be trained on.
  if (reason === "tool_calls")
    throw new NoAnswerError("failed", "an answer whose tool calls the server took out of its text; see docs/turns.md");
  // vLLM and SGLang answer "abort" when the server drops a request, for instance while weights are exchanged.
  throw new NoAnswerError("failed", `an answer that ended with "${String(reason)}"`);
}

function usage(value: unknown): { promptTokens?: number; completionTokens?: number } {
  if (!isRecord(value)) return {};
  const { prompt_tokens: prompt, completion_tokens: completion } = value;
  return {
    ...(typeof prompt === "number" ? { promptTokens: prompt } : {}),
    ...(typeof completion === "number" ? { completionTokens: completion } : {}),
  };
}

function unreadable(what: string, found: unknown): NoAnswerError {
  const shown = found === undefined ? "" : ` (${JSON.stringify(found)?.slice(0, 120)})`;
  return new NoAnswerError("failed", `a reply with ${what}${shown}`);
}

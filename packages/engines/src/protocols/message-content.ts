/**
 * The content of an assistant's message: a string, null, or a list of parts. OpenAI, Mistral and gateways send texts as
 * `{"type": "text", "text": ".."}` and thoughts as `{"type": "thinking", "thinking": ".." or parts}`.
 */
import { describeValue } from "@v-triune/errors";
import { isRecord } from "@v-triune/node-kit/is-record";
import { NoAnswerError } from "../servers/http-json";

/** A stretch of an answer. */
export interface ContentPiece {
  /** Whether it belongs between <think> and </think>. */
  readonly thought: boolean;
  readonly text: string;
}

const TEXT_KINDS: readonly unknown[] = ["text", "output_text", undefined];
const THOUGHT_KINDS: readonly unknown[] = ["thinking", "reasoning"];

/** @throws NoAnswerError for content that is not text, for example a picture or a call of a tool */
export function contentPieces(content: unknown): ContentPiece[] {
  if (content === null || content === undefined) return [];
  if (typeof content === "string") return [{ thought: false, text: content }];
  if (!Array.isArray(content)) throw notText(describeValue(content));
  return content.flatMap((part: unknown) => {
    if (typeof part === "string") return { thought: false, text: part };
    if (!isRecord(part)) throw notText(`a part that is ${describeValue(part)}`);
    const kind = part["type"];
    if (TEXT_KINDS.includes(kind) && typeof part["text"] === "string") return { thought: false, text: part["text"] };
    if (kind === "refusal" && typeof part["refusal"] === "string") return { thought: false, text: part["refusal"] };
    if (THOUGHT_KINDS.includes(kind)) return { thought: true, text: thoughtText(part) };
    throw notText(`a part of the type ${describeValue(kind)}`);
  });
}

function thoughtText(part: Readonly<Record<string, unknown>>): string {
  const thought = part["thinking"] ?? part["reasoning"] ?? part["text"];
  return contentPieces(thought)
    .map(({ text }) => text)
    .join("");
}

function notText(found: string): NoAnswerError {
  return new NoAnswerError("failed", `a reply with content that is not text (${found})`);
}

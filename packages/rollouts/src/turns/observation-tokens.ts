/**
 * What follows a turn, as tokens: the end of the assistant's turn as the chat template writes it, the observation, and
 * the opening of the next turn. Found as TRL 1.16 finds it (GRPOTrainer._get_tool_suffix_ids): a conversation with a
 * placeholder for an answer is rendered, and what comes after the placeholder is the suffix; the model's own tokens are
 * never tokenized again. Deviation: the end of turn that the model wrote itself is recognized by its id, not by the
 * tokenizer's end token, so that every template works whose end of turn is one of the model's stop tokens.
 */
import {
  type ChatMessage,
  type ProcessedImages,
  type Processor,
  type TurnContinuation,
  expandPlaceholders,
} from "@v-triune/policy";
import type { ObservationMessage } from "./call-form";

const ANSWER = "an-answer-that-no-template-knows";

export interface ContinuationText {
  readonly messages: readonly ChatMessage[];
  /** After the assistant's text, its end of turn included; one placeholder a picture. */
  readonly text: string;
}

/** The text of an observation. Messages of the role `tool` become a user's where the template does not know them. */
export function continuationText(
  observation: readonly ObservationMessage[],
  { template }: Pick<Processor, "template">,
): ContinuationText {
  const suffix = (messages: readonly ChatMessage[]): string => {
    const rendered = template.render([
      { role: "user", content: "." },
      { role: "assistant", content: ANSWER },
      ...messages,
    ]);
    return rendered.slice(rendered.indexOf(ANSWER) + ANSWER.length);
  };
  const asTool = observation.map(({ role, content }): ChatMessage => ({ role, content }));
  if (!observation.some(({ role }) => role === "tool")) return { messages: asTool, text: suffix(asTool) };
  const rendered = suffix(asTool);
  if (rendered.includes("<tool_response>")) return { messages: asTool, text: rendered };
  // A template without tools: what Qwen2.5's writes for them.
  const content = observation.flatMap(({ content: parts }, index) => [
    { type: "text" as const, text: `${index > 0 ? "\n" : ""}<tool_response>\n` },
    ...parts,
    { type: "text" as const, text: "\n</tool_response>" },
  ]);
  const asUser: ChatMessage[] = [{ role: "user", content }];
  return { messages: asUser, text: suffix(asUser) };
}

/**
 * The tokens of a continuation.
 *
 * @param last the last token of the turn
 * @param images the observation's pictures, one entry for each
 */
export function continuationTokens(
  { text }: ContinuationText,
  last: number | undefined,
  images: readonly ProcessedImages[],
  { tokenizer, imageTokenId, imageProcessor }: Pick<Processor, "tokenizer" | "imageTokenId" | "imageProcessor">,
): TurnContinuation {
  const ids = tokenizer.encode(text);
  const counts = images.flatMap(({ gridThw }) => gridThw.map((grid) => imageProcessor.tokens(grid)));
  const own = ids[0] === last ? ids.slice(1) : ids;
  return { tokenIds: expandPlaceholders(own, imageTokenId, counts, "an observation"), pictures: images };
}

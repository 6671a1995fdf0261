/** How a prompt says which tools there are: by its chat template, by a system message, or by a sentence. Plain data. */
import type { ChatMessage, ChatTemplate, ContentPart } from "@v-triune/policy";
import type { Tool } from "../tools/tool";
import type { CallForm } from "./call-form";

export type ToolOffer =
  | {
      /** As the chat template takes them. */
      readonly schemas: readonly object[];
      /** Whether a template that knows tools may write them itself; servers are not told of them. */
      readonly byTemplate: boolean;
      /** Of the system message, where the template does not. */
      readonly system: string;
    }
  /** Ends the last message of the user. */
  | { readonly sentence: string };

/**
 * @param words `auto`, `none`, or a sentence
 * @returns undefined where prompts say nothing
 */
export function toolOffer(
  words: string,
  form: CallForm,
  tools: readonly Tool[],
  byTemplate: boolean,
): ToolOffer | undefined {
  if (words === "none" || tools.length === 0) return undefined;
  if (words !== "auto") return { sentence: words };
  const schemas = tools.map(({ name, description, parameters }) => {
    return { type: "function", function: { name, description, parameters } };
  });
  return { schemas, byTemplate: byTemplate && form.usesToolMessages, system: form.offer(tools) };
}

/** The messages with the offer in them, or what the template is given. */
export function withToolOffer(
  messages: readonly ChatMessage[],
  offer: ToolOffer | undefined,
  template: ChatTemplate,
): { readonly messages: readonly ChatMessage[]; readonly variables?: Readonly<Record<string, unknown>> } {
  if (!offer) return { messages };
  if ("sentence" in offer) {
    const last = messages.findLastIndex(({ role }) => role === "user");
    return { messages: messages.map((message, i) => (i === last ? ended(message, offer.sentence) : message)) };
  }
  const variables = { tools: offer.schemas };
  if (offer.byTemplate && template.render(messages, { variables }) !== template.render(messages))
    return { messages, variables };
  const [first, ...rest] = messages;
  if (first?.role === "system") return { messages: [ended(first, `\n\n${offer.system}`), ...rest] };
  return { messages: [{ role: "system", content: offer.system }, ...messages] };
}

function ended(message: ChatMessage, words: string): ChatMessage {
  const { content } = message;
  const part: ContentPart = { type: "text", text: words };
  return { ...message, content: typeof content === "string" ? content + words : [...content, part] };
}

/**
 * The text of what chat APIs call content: a string, `null`, a list of parts (`{"type": "text", "text": ".."}`,
 * `{"type": "image_url", ..}`), strings in such a list, and messages `{"role", "content"}` that hold any of these.
 * Trainers of vision-language models pass it on to rewards as they have it. Texts are joined without anything between
 * them, as chat templates do. Pictures and whatever else is no text are left out by the name of their kind, and
 * counted. A kind that is not known is an error: it may hold the answer.
 *
 * `python/v_triune_reward.py` reads content by the same rules; content-cases.json holds for both.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { VTriuneError, describeValue } from "@v-triune/errors";
import { describeBreach, type ContractBreach } from "../contract-breach";

/** Content that cannot be read. Its message is one line, for replies of servers. */
export class ContentError extends VTriuneError {
  override readonly name = "ContentError";
  declare readonly where: string;
  declare readonly expected: string;
  declare readonly found: string;

  constructor(details: ContractBreach) {
    super({ what: "Content cannot be read.", ...details }, describeBreach(details));
  }
}

/** Told of each part that is left out, with its kind: `image_url`. */
export type OnIgnoredPart = (kind: string) => void;

/** How content is read. */
export interface ContentOptions {
  readonly onIgnoredPart?: OnIgnoredPart | undefined;
}

/** Kinds of parts by the key that has their text. */
export const TEXT_KINDS: Readonly<Record<string, string>> = {
  text: "text",
  input_text: "text",
  output_text: "text",
  refusal: "refusal",
};

/** Kinds of parts that are no text of the answer: pictures and other media, thoughts, calls of tools. */
export const IGNORED_KINDS: readonly string[] = [
  "image",
  "image_url",
  "image_file",
  "input_image",
  "output_image",
  "video",
  "video_url",
  "input_video",
  "audio",
  "audio_url",
  "input_audio",
  "output_audio",
  "file",
  "input_file",
  "thinking",
  "redacted_thinking",
  "reasoning",
  "tool_use",
  "tool_call",
  "tool_result",
  "function_call",
  "function_call_output",
];
const IGNORED: ReadonlySet<string> = new Set(IGNORED_KINDS);
/** What a part without a type may hold besides `text`. */
const BARE_MEDIA = ["image", "image_url", "video", "audio", "inline_data", "inlineData", "file_data", "fileData"];
/** What a message may have in the place of content. */
const WITHOUT_CONTENT = ["tool_calls", "function_call", "refusal", "audio"];
const MOST_LEVELS = 8;
const EXPECTED = "a string or content parts";

/**
 * The text of a response. Of a list of messages it is the last one of the assistant: what tools and users say is no
 * answer, and neither is what the assistant says before it calls a tool. Without an assistant's message it is an error.
 * `null` in a message is an empty text.
 *
 * @param where the field, for the message: `requests[3].response`
 * @throws ContentError for anything that is not content, and for a part of an unknown kind, which it names
 * @example responseText([{ role: "assistant", content: [{ type: "text", text: "\\boxed{4}" }] }], "response") // "\\boxed{4}"
 */
export function responseText(value: unknown, where: string, options: ContentOptions = {}): string {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!list.some(isMessage)) return contentText(value, where, options);
  const at = list.findLastIndex((item) => isMessage(item) && isOfAssistant(item));
  if (at < 0)
    throw new ContentError({
      where,
      expected: "a message of the assistant",
      found: `messages of ${[...new Set(list.filter(isMessage).map(({ role }) => describeValue(role)))].join(", ")}`,
    });
  return contentText(list[at], Array.isArray(value) ? `${where}[${at}]` : where, options);
}

/**
 * The text of a prompt: that of all its messages, one after the other.
 * @throws ContentError, see {@link responseText}
 */
export function promptText(value: unknown, where: string, options: ContentOptions = {}): string {
  if (!Array.isArray(value) || !value.some(isMessage)) return contentText(value, where, options);
  return value.map((item: unknown, index) => contentText(item, `${where}[${index}]`, options)).join("\n");
}

/** The text of a gold answer: a string, or content parts. @throws ContentError, see {@link responseText} */
export function goldText(value: unknown, where: string, options: ContentOptions = {}): string {
  if (typeof value === "string") return value;
  if (isContentParts(value)) return responseText(value, where, options);
  throw new ContentError({ where, expected: "a string", found: describeValue(value) });
}

/**
 * Whether a value is content in parts or messages. A list of strings is not content here: as a gold answer it is a list
 * of answers, which must not be joined.
 */
export function isContentParts(value: unknown): value is readonly object[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => isMessage(item) || isPart(item));
}

function contentText(value: unknown, where: string, options: ContentOptions, level = 0): string {
  if (typeof value === "string") return value;
  if (level > MOST_LEVELS)
    throw new ContentError({ where, expected: `at most ${MOST_LEVELS} levels of content`, found: "more" });
  if (Array.isArray(value))
    return value.map((item: unknown, index) => contentText(item, `${where}[${index}]`, options, level + 1)).join("");
  if (isMessage(value)) return messageText(value, where, options, level);
  if (isRecord(value)) return partText(value, where, options);
  throw new ContentError({ where, expected: EXPECTED, found: describeValue(value) });
}

function messageText(message: Message, where: string, options: ContentOptions, level: number): string {
  const key = "content" in message || !("parts" in message) ? "content" : "parts";
  const content = message[key];
  if (content !== undefined && content !== null) return contentText(content, `${where}.${key}`, options, level + 1);
  if (content === null || WITHOUT_CONTENT.some((name) => name in message)) return "";
  throw new ContentError({ where: `${where}.content`, expected: "a string, content parts or null", found: "nothing" });
}

function partText(part: Readonly<Record<string, unknown>>, where: string, { onIgnoredPart }: ContentOptions): string {
  const kind = part["type"] ?? undefined;
  if (kind === undefined && "text" in part) return textAt(part, "text", where);
  const ignored =
    kind === undefined
      ? BARE_MEDIA.find((key) => key in part)
      : typeof kind === "string" && IGNORED.has(kind)
        ? kind
        : undefined;
  if (ignored !== undefined) {
    onIgnoredPart?.(ignored);
    return "";
  }
  const key = typeof kind === "string" && Object.hasOwn(TEXT_KINDS, kind) ? TEXT_KINDS[kind] : undefined;
  if (key !== undefined) return textAt(part, key, where);
  if (kind === undefined) throw new ContentError({ where, expected: EXPECTED, found: describeValue(part) });
  throw new ContentError({
    where: `${where}.type`,
    expected: `a kind of part that is known (${Object.keys(TEXT_KINDS).join(", ")}, image_url, ..)`,
    found: describeValue(kind),
  });
}

/** Tables give every part the same keys, so that a missing text is null there. */
function textAt(part: Readonly<Record<string, unknown>>, key: string, where: string): string {
  const text = part[key];
  if (typeof text === "string") return text;
  if (text === null) return "";
  throw new ContentError({ where: `${where}.${key}`, expected: "a string", found: describeValue(text) });
}

type Message = Readonly<Record<string, unknown>>;

function isMessage(value: unknown): value is Message {
  if (!isRecord(value) || isPart(value)) return false;
  return typeof value["role"] === "string" || "content" in value;
}

const isOfAssistant = ({ role }: Message): boolean =>
  role === undefined || role === null || role === "assistant" || role === "model";

function isPart(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const kind = value["type"];
  if (typeof kind === "string") return kind !== "message";
  return "text" in value || BARE_MEDIA.some((key) => key in value);
}

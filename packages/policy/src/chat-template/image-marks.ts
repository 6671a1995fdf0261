/**
 * Prompts of the corpus have `<image>` where a picture goes; chat templates take a list of parts. The split is that of
 * verl's RLHFDataset: the marks become image parts, the text between them text parts, empty pieces vanish.
 */
import { PromptError } from "../input-error";
import type { ChatMessage, ContentPart } from "./chat-template";

/** What stands for a picture in a sample's prompt. */
export const IMAGE_MARK = "<image>";

/** A turn of a sample's prompt. */
export interface MarkedMessage {
  readonly role: string;
  readonly content: string;
}

/**
 * Replaces the `<image>` marks of a prompt by image parts.
 *
 * @param imageCount how many pictures the sample has
 * @param where names the sample in errors
 * @throws PromptError when there are more or fewer marks than pictures
 */
export function splitImageMarks(prompt: readonly MarkedMessage[], imageCount: number, where?: string): ChatMessage[] {
  let marks = 0;
  const messages = prompt.map(({ role, content }): ChatMessage => {
    const pieces = content.split(IMAGE_MARK);
    if (pieces.length === 1) return { role, content };
    marks += pieces.length - 1;
    const parts: ContentPart[] = [];
    for (const [index, text] of pieces.entries()) {
      if (index > 0) parts.push({ type: "image" });
      if (text !== "") parts.push({ type: "text", text });
    }
    return { role, content: parts };
  });
  if (marks !== imageCount) throw countError("marks", marks, imageCount, where);
  return messages;
}

/** The error for a prompt whose places for pictures and whose pictures differ in number. */
export function countError(
  kind: "marks" | "placeholders",
  places: number,
  images: number,
  where?: string,
): PromptError {
  const name = kind === "marks" ? IMAGE_MARK : "placeholder";
  const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? "" : "s"}`;
  return new PromptError({
    what:
      `The number of ${kind === "marks" ? `${IMAGE_MARK} marks` : "image placeholders"} in the prompt and of ` +
      "pictures differ.",
    ...(where === undefined ? {} : { where }),
    expected: `${count(places, "picture")}, one for each ${name}`,
    found: count(images, "picture"),
    fix:
      places > images
        ? "add the missing pictures, or remove marks from the prompt"
        : "mark the place of each picture in the prompt, or remove pictures",
  });
}

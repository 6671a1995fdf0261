/**
 * Content parts and messages as schemas, for `/openapi.json`; content-text.ts of `@v-triune/rewards` reads them and
 * looks deeper.
 */
import { type } from "arktype";

const KINDS_WITHOUT_TEXT =
  "'image_url' | 'image' | 'input_image' | 'video_url' | 'input_audio' | 'thinking' | 'tool_use'";
const Part = type({ type: "'text' | 'input_text' | 'output_text'", text: "string | null" })
  .or({ type: "'refusal'", refusal: "string | null" })
  .or({ type: KINDS_WITHOUT_TEXT });
const Message = type({ "role?": "string", content: "unknown" });

/** A text, content parts, or messages of which the assistant's last one is read. */
export const Content = type("string").or(type("string").or(Part).or(Message).array()).or(Part).or(Message);

/** A gold answer: a text, or content parts. A list of texts is not one. */
export const GoldContent = type("string").or(Part.or(Message).array().atLeastLength(1));

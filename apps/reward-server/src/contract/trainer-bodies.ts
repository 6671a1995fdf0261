/**
 * The bodies of trainers' own reward calls, as their code sends them. Unknown keys are ignored. What stands in lists is
 * read sample by sample, so that one that cannot be read does not cost the others.
 */
import { type } from "arktype";

/** OpenRLHF `--reward.remote_url`: one sample or many per call; `query` is prompt and response with special tokens. */
export const OpenRlhfBody = type({
  query: type("unknown[]").describe("a list of texts; each may be content parts or messages"),
  "prompts?": type("unknown[] | null").describe("a list of texts; each may be content parts or messages, or null"),
  "labels?": "(string | number | object | null)[] | null",
});
/** OpenRLHF's {@link OpenRlhfBody} as TypeScript sees it. */
export type OpenRlhfBody = typeof OpenRlhfBody.infer;

/** slime `--rm-url`: one sample per call; `prompt` is text or a list of messages. */
export const SlimeBody = type({
  "prompt?": "unknown",
  response: type("unknown").describe("a text, content parts, or messages of which the assistant's last one is read"),
  label: "string | number | object | null",
});
/** slime's {@link SlimeBody} as TypeScript sees it. */
export type SlimeBody = typeof SlimeBody.infer;

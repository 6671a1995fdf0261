/** The bodies of trainers' own reward calls, as their code sends them. Unknown keys are ignored. */
import { type } from "arktype";

/** OpenRLHF `--reward.remote_url`: one sample or many per call; `query` is prompt and response with special tokens. */
export const OpenRlhfBody = type({
  query: "string[]",
  "prompts?": "string[] | null",
  "labels?": "(string | number | object | null)[] | null",
});
/** OpenRLHF's {@link OpenRlhfBody} as TypeScript sees it. */
export type OpenRlhfBody = typeof OpenRlhfBody.infer;

/** slime `--rm-url`: one sample per call; `prompt` is text or a list of messages. */
export const SlimeBody = type({ "prompt?": "unknown", response: "string", label: "string | number | object | null" });
/** slime's {@link SlimeBody} as TypeScript sees it. */
export type SlimeBody = typeof SlimeBody.infer;

/** Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without an error. */
import {
  createProcessor,
  type EncodedPrompt,
  loadQwen25Vl,
  type Processor,
  type Qwen25VlPolicy,
} from "@v-triune/policy";
import { expectTypeOf } from "vitest";

const processor = createProcessor("model");
expectTypeOf(processor).toExtend<Processor>();
expectTypeOf(processor.encode([{ role: "user", content: "Hello" }])).resolves.toEqualTypeOf<EncodedPrompt>();
// @ts-expect-error a message has a role
void processor.encode([{ content: "Hello" }]);

expectTypeOf(loadQwen25Vl("model", { adapter: { rank: 4 } })).resolves.toEqualTypeOf<Qwen25VlPolicy>();
// @ts-expect-error an adapter has a rank
void loadQwen25Vl("model", { adapter: { alpha: 4 } });

declare const policy: Qwen25VlPolicy;
declare const prompt: EncodedPrompt;
for await (const { tokenIds, promptIndex } of policy.generate([prompt], { maxNewTokens: 4, seed: 1 })) {
  expectTypeOf(tokenIds).toEqualTypeOf<Int32Array>();
  expectTypeOf(promptIndex).toBeNumber();
}

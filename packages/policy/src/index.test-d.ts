/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import { createProcessor, type EncodedPrompt, loadVlm, type Processor, type VlmPolicy } from "@v-triune/policy";
import { expectTypeOf } from "vitest";

const processor = createProcessor("model");
expectTypeOf(processor).toExtend<Processor>();
expectTypeOf(processor.encode([{ role: "user", content: "Hello" }])).resolves.toEqualTypeOf<EncodedPrompt>();
// @ts-expect-error a message has a role
void processor.encode([{ content: "Hello" }]);

expectTypeOf(loadVlm("model", { adapter: { rank: 4 } })).resolves.toEqualTypeOf<VlmPolicy>();
// @ts-expect-error an adapter has a rank
void loadVlm("model", { adapter: { alpha: 4 } });

declare const policy: VlmPolicy;
declare const prompt: EncodedPrompt;
for await (const { tokenIds, promptIndex } of policy.generate([prompt], { maxNewTokens: 4, seed: 1 })) {
  expectTypeOf(tokenIds).toEqualTypeOf<Int32Array>();
  expectTypeOf(promptIndex).toBeNumber();
}

import { expect, it } from "vitest";
import { type CollectOptions, collectRollouts } from "./collect-rollouts";
import type { PreparedPrompt } from "./prepared-prompt";

it.each([NaN, -Infinity])("refuses the log-probability %d of an engine", async (logProb) => {
  const options = {
    engine: {
      name: "my-engine",
      async *generate() {
        const logProbs = Float32Array.of(-0.5, logProb);
        yield { promptIndex: 0, sampleIndex: 0, tokenIds: Int32Array.of(5, 6), logProbs, finishReason: "stop" };
      },
    },
    rewards: {
      async *score(requests: AsyncIterable<unknown>) {
        for await (const _ of requests) yield { index: 0 };
      },
    },
    request: { n: 1 },
    processor: { imageTokenId: 1, imageProcessor: { settings: { patchSize: 14 } } },
  } as unknown as CollectOptions;
  await expect(collectRollouts([{} as PreparedPrompt], options)).rejects.toThrow(
    `my-engine gave the log-probability ${logProb} for token 2 of answer 0 to prompt 0; a finite number expected`,
  );
});

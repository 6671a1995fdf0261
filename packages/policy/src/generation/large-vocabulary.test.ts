/**
 * Many rows with Qwen2.5-VL's vocabulary: 128 × 151,936 logits per step are more numbers than a JavaScript Set can
 * hold.
 */
import * as tf from "@tensorflow/tfjs-core";
import { BackendError, selectBackend } from "@v-triune/backend";
import { afterAll, describe, expect, it } from "vitest";
import { randomWeights } from "../policy/random-weights";
import { largeVocabularyConfig } from "../testing/tiny-model";
import type { GeneratedCompletion } from "./generate";
import { createVlm } from "../folder/read-model";

const ROWS = 128;
const config = largeVocabularyConfig();
const weights = randomWeights(config, { seed: 1 });
const prompt = { promptIds: Int32Array.of(30, 31, 32, 33, 34) };

const native = await selectBackend({ prefer: "tensorflow" }).catch((error: unknown) => error);
if (native instanceof BackendError) console.log(`Skipped with native TensorFlow: ${native.message}`);
afterAll(() => selectBackend({ prefer: "wasm" }));

describe("generation of 128 rows over 151,936 tokens", () => {
  it.skipIf(native instanceof BackendError)("works on native TensorFlow", () => sample("tensorflow"));
  it("works on wasm", () => sample("wasm"));
});

async function sample(backend: "tensorflow" | "wasm"): Promise<void> {
  await selectBackend({ prefer: backend });
  const policy = createVlm(config, weights);
  try {
    const before = tf.memory().numTensors;
    const completions: GeneratedCompletion[] = [];
    for await (const completion of policy.generate([prompt], { n: ROWS, maxNewTokens: 3, seed: 1, stopTokenIds: [] }))
      completions.push(completion);
    expect(tf.memory().numTensors).toBe(before);
    expect(completions).toHaveLength(ROWS);
    expect(new Set(completions.map(({ tokenIds }) => tokenIds.join())).size).toBeGreaterThan(ROWS / 2);

    const first = completions.slice(0, 4);
    const { logProbs } = policy.logProbs(
      first.map(({ tokenIds }) => ({ ...prompt, completionIds: tokenIds, group: 0 })),
      { width: 3 },
    );
    const sampled = first.flatMap((completion) => [...completion.logProbs]);
    logProbs.dataSync().forEach((value, i) => expect(sampled[i]).toBeCloseTo(value, 4));
    logProbs.dispose();
  } finally {
    policy.dispose();
  }
}

import { expect, it } from "vitest";
import { resolveTrainingConfig } from "../config/load-training-config";
import { smallModelConfig } from "../testing/small-model-config";
import { estimateClientMemory } from "./client-memory";

const config = (promptsPerStep: number) =>
  resolveTrainingConfig(
    {
      model: { init: "random", config: { ...smallModelConfig }, tokenizer: "t" },
      data: { train: "d" },
      rollout: { promptsPerStep, n: 8, maxNewTokens: 100 },
    },
    "/x",
  );

it("counts rows and pictures of a step, and nothing of the model", () => {
  const longest = { tokens: 300, pictureTokens: 200 };
  const { process, rows, pictures, total } = estimateClientMemory(config(16), smallModelConfig, longest);
  expect(rows - 20e6).toBe(16 * 8 * 400 * 64);
  // 4 patches per token of 3 × 14 × 14 numbers, twice in time.
  const { vision } = smallModelConfig;
  const numbers = vision.spatialMergeSize ** 2 * vision.inChannels * vision.patchSize ** 2;
  expect(pictures).toBeCloseTo(2 * 16 * 200 * numbers * (4 * vision.temporalPatchSize + 4 / 3), 0);
  expect(total).toBe(process + rows + pictures);
  const larger = { ...smallModelConfig, text: { ...smallModelConfig.text, hiddenSize: 8192, numLayers: 80 } };
  expect(estimateClientMemory(config(16), larger, longest)).toEqual({ process, rows, pictures, total });
  expect(estimateClientMemory(config(32), smallModelConfig, { tokens: 300, pictureTokens: 0 }).pictures).toBe(0);
});

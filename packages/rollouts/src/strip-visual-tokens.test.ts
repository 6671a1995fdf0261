import { expect, it } from "vitest";
import { stripVisualTokens } from "./strip-visual-tokens";

it("takes placeholders out of ids and log-probabilities alike and counts them", () => {
  const completion = { tokenIds: Int32Array.of(5, 7, 6, 7, 2), logProbs: Float32Array.of(-1, -2, -3, -4, -5) };
  const { tokenIds, logProbs, stripped } = stripVisualTokens(completion, new Set([7, 8]));
  expect([...tokenIds]).toEqual([5, 6, 2]);
  expect([...(logProbs ?? [])]).toEqual([-1, -3, -5]);
  expect(stripped).toBe(2);
});

it("leaves a completion without placeholders as it is", () => {
  const completion = { tokenIds: Int32Array.of(5, 2) };
  expect(stripVisualTokens(completion, new Set([7]))).toEqual({ ...completion, stripped: 0 });
});

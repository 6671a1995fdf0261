import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { useTestBackend } from "../testing/backend";
import { checkGradients, type Matrix, waveNumbers } from "../testing/gradient-check";
import { candidateLogProbs, topTokens } from "./candidate-log-probs";

beforeAll(useTestBackend);

/** log p of the whole vocabulary at a position. */
function logDistribution(hidden: Matrix, head: Matrix, row: number, temperature: number): number[] {
  const logits = Array.from({ length: head.rows }, (_, v) => {
    let sum = 0;
    for (let d = 0; d < hidden.columns; d++)
      sum += hidden.values[row * hidden.columns + d]! * head.values[v * hidden.columns + d]!;
    return sum / temperature;
  });
  const most = Math.max(...logits);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
  return logits.map((logit) => logit - most - Math.log(total));
}

describe("candidateLogProbs", () => {
  const ids = Int32Array.of(3, 0, 10, /**/ 1, 2, 9, /**/ 7, 10, 0, /**/ 5, 6, 4);
  it.each([1, 0.6, 2.5])("at temperature %d", (temperature) => {
    checkGradients({
      inputs: [
        [4, 6],
        [11, 6],
      ],
      scale: 2,
      kernel: ([hidden, head]) => candidateLogProbs(hidden!, head!, ids, { temperature }),
      formula: ([hidden, head]) =>
        Float64Array.from(ids, (id, i) => logDistribution(hidden!, head!, Math.floor(i / 3), temperature)[id]!),
    });
  });

  it("refuses a token outside of the vocabulary", () => {
    expect(() =>
      tf.tidy(() => candidateLogProbs(tf.ones([1, 2]), tf.ones([3, 2]), Int32Array.of(3), { temperature: 1 })),
    ).toThrow("token 3 of 3");
  });
});

describe("topTokens", () => {
  it("finds the likeliest in order, and leaves no tensor", () => {
    const [rows, vocabulary, width] = [5, 23, 4];
    const [hidden, head] = [
      { rows, columns: width, values: waveNumbers(rows * width, 1) },
      { rows: vocabulary, columns: width, values: waveNumbers(vocabulary * width, 2) },
    ];
    const tensors = [hidden, head].map(({ rows, columns, values }) =>
      tf.tensor2d(Float32Array.from(values), [rows, columns]),
    );
    const before = tf.memory().numTensors;
    const { ids, logProbs } = topTokens(tensors[0]!, tensors[1]!, 3, 0.7);
    expect(tf.memory().numTensors).toBe(before);
    for (let row = 0; row < rows; row++) {
      const all = logDistribution(hidden, head, row, 0.7);
      const expected = [...all.keys()].sort((a, b) => all[b]! - all[a]!).slice(0, 3);
      expect(ids.slice(3 * row, 3 * row + 3)).toEqual(Int32Array.from(expected));
      expected.forEach((id, k) => expect(logProbs[3 * row + k]).toBeCloseTo(all[id]!, 5));
    }
    tf.dispose(tensors);
  });
});

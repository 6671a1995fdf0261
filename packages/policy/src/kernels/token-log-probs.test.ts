import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { useTestBackend } from "../testing/backend";
import { checkGradients, expectClose, type Matrix } from "../testing/gradient-check";
import { tokenLogProbs } from "./token-log-probs";
import { heap, withoutHeap } from "./wasm/heap";

beforeAll(useTestBackend);

function formula(
  hidden: Matrix,
  head: Matrix,
  targets: Int32Array,
  temperature: number,
  entropy: boolean,
): Float64Array {
  return Float64Array.from(
    [...targets].flatMap((target, m) => {
      const logits = Array.from({ length: head.rows }, (_, v) => {
        let sum = 0;
        for (let d = 0; d < hidden.columns; d++)
          sum += hidden.values[m * hidden.columns + d]! * head.values[v * hidden.columns + d]!;
        return sum / temperature;
      });
      const most = Math.max(...logits);
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
      const logP = logits.map((logit) => logit - most - Math.log(total));
      return entropy
        ? [logP[target]!, -logP.reduce((sum, value) => sum + Math.exp(value) * value, 0)]
        : [logP[target]!];
    }),
  );
}

describe("tokenLogProbs", () => {
  const targets = Int32Array.of(3, 0, 10, 3, 7);
  it.each([
    [1, false],
    [1, true],
    [0.6, true],
    [2.5, false],
  ] as const)("at temperature %d, entropy %s", (temperature, entropy) => {
    checkGradients({
      inputs: [
        [targets.length, 6],
        [11, 6],
      ],
      scale: 2,
      kernel: ([hidden, head]) => tokenLogProbs(hidden!, head!, targets, { temperature, entropy }),
      formula: ([hidden, head]) => formula(hidden!, head!, targets, temperature, entropy),
    });
  });

  it("computes logits again in chunks when there are many", () => {
    // 1,000 × 20,000 logits: more than either variant holds.
    const [rows, vocabulary] = [1000, 20_000];
    const wave = (count: number, step: number): Float64Array =>
      Float64Array.from({ length: count }, (_, i) => Math.fround(3 * Math.sin(step * i)));
    const [h, w] = [wave(rows, 0.37), wave(vocabulary, 0.011)];
    const targets = Int32Array.from({ length: rows }, (_, i) => (i * 7919) % vocabulary);
    const expected = formula(
      { rows, columns: 1, values: h },
      { rows: vocabulary, columns: 1, values: w },
      targets,
      1,
      false,
    );
    const [hidden, head] = [
      tf.variable(tf.tensor2d(Float32Array.from(h), [rows, 1])),
      tf.variable(tf.tensor2d(Float32Array.from(w), [vocabulary, 1])),
    ];
    const gradients = (): Float32Array[] => {
      const { value, grads } = tf.variableGrads(
        () =>
          tf.tidy(() => {
            const out = tokenLogProbs(hidden, head, targets, { temperature: 1, entropy: false });
            expectClose(out.dataSync(), expected, 1e-4, "values");
            return tf.sum(out) as tf.Scalar;
          }),
        [hidden, head],
      );
      const data = [hidden, head].map(({ name }) => grads[name]!.dataSync().slice() as Float32Array);
      tf.dispose([value, grads]);
      return data;
    };
    const plain = withoutHeap(gradients);
    gradients().forEach((gradient, i) => expectClose(gradient, plain[i]!, 1e-4, `gradient ${i}`));
    tf.dispose([hidden, head]);
  });

  it("refuses a target outside of the vocabulary", () => {
    if (!heap()) return;
    expect(() =>
      tf.tidy(() =>
        tokenLogProbs(tf.ones([1, 2]), tf.ones([3, 2]), Int32Array.of(3), { temperature: 1, entropy: false }),
      ),
    ).toThrow("target 3 of 3");
  });
});

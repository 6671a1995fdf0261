import { BackendError, selectBackend } from "@v-triune/backend";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, describe, expect, it } from "vitest";
import { Bfloat16Matrix, roundToBfloat16 } from "./bfloat16-matrix";
import { headProducts } from "./head-products";

const backend = await selectBackend({ prefer: "tensorflow" }).catch((error: unknown) => error);
const skips = backend instanceof BackendError;
if (skips) console.warn("Skipping products with a large head: native TensorFlow is missing.");

/** 40 million numbers: three blocks. */
const [TOKENS, WIDTH] = [40_000, 1000];

describe.skipIf(skips)("products with a head in bfloat16 that is widened in blocks", () => {
  const values = Float32Array.from({ length: TOKENS * WIDTH }, (_, i) => ((i * 7919) % 8191) / 8191 - 0.5);
  const head = skips ? undefined : new Bfloat16Matrix(roundToBfloat16(values), [TOKENS, WIDTH]);
  afterAll(() => head?.dispose());

  it.each([false, true])("are those with all of it in float32, oneDNN %s", (oneDnn) => {
    const products = headProducts(oneDnn);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const whole = head!.toFloat32();
      const hidden = tf.randomNormal<tf.Rank.R2>([3, WIDTH], 0, 1, "float32", 1);
      const dz = tf.randomNormal<tf.Rank.R2>([3, TOKENS], 0, 1, "float32", 2);
      const pairs = [
        [products.logits(hidden, head!), products.logits(hidden, whole)],
        [products.back(dz, head!), products.back(dz, whole)],
      ] as const;
      const most = (value: tf.Tensor): number => tf.max(tf.abs(value)).dataSync()[0]!;
      for (const [inBlocks, atOnce] of pairs) {
        expect(inBlocks.shape).toEqual(atOnce.shape);
        expect(most(tf.sub(inBlocks, atOnce))).toBeLessThan(1e-5 * most(atOnce));
      }
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});

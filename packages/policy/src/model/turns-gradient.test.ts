/** The gradient of a GRPO loss over answers of several turns, with pictures between them, against PyTorch in float64. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { familyOf } from "../families/model-families";
import { loadVlm, openSafetensors } from "../folder/read-model";
import { relativeL2 } from "../parity/model-differences";
import { useTestBackend } from "../testing/backend";
import type { VisualInput } from "../vision/visual-input";
import type { TokenizedRollout } from "./tokenized-rollout";

const goldens = resolve(import.meta.dirname, "../../../../tools/goldens");

interface Part {
  readonly ids: readonly number[];
  readonly pictures: readonly number[];
}
interface Golden {
  readonly clip: readonly [low: number, high: number, dual: number];
  readonly pictures: readonly { readonly grid: [number, number, number] }[];
  readonly prompts: readonly Part[];
  readonly rollouts: readonly (Part & {
    readonly prompt: number;
    readonly mask: readonly number[];
    readonly advantage: number;
    readonly log_probs: readonly number[];
    readonly old_log_probs: readonly number[];
  })[];
  readonly loss: number;
  readonly rows: Readonly<Record<string, readonly number[]>>;
  readonly norms: Readonly<Record<string, number>>;
}

/** float32 against float64: log-probabilities and loss absolute, gradients by relative L2 norm. */
const TOLERANCE = { logProbs: 5e-5, loss: 5e-6, gradient: 3e-5 };

beforeAll(useTestBackend);

it("is that of every parameter, in a batch whose rows share their prompts", async () => {
  const folder = join(goldens, "turns_gradient");
  const golden = JSON.parse(readFileSync(join(folder, "turns.json"), "utf8")) as Golden;
  const values = openSafetensors(join(folder, "turns.safetensors"));
  const policy = await loadVlm(join(goldens, "qwen2_5_vl/base"));
  const seen = (index: number): VisualInput => {
    return { pixelValues: values.readFloat32(`pixels.${index}`), gridThw: [golden.pictures[index]!.grid] };
  };
  const rows = golden.rollouts.map(({ prompt, ids, mask, pictures }): TokenizedRollout => {
    const { ids: promptIds, pictures: shown } = golden.prompts[prompt]!;
    return {
      promptIds: Int32Array.from(promptIds),
      ...(shown.length > 0 ? { images: seen(shown[0]!) } : {}),
      completionIds: Int32Array.from(ids),
      responseMask: Uint8Array.from(mask),
      observations: pictures.map(seen),
      group: prompt,
    };
  });
  const width = Math.max(...rows.map(({ completionIds }) => completionIds.length));
  const padded = (of: (row: Golden["rollouts"][number]) => readonly number[]): tf.Tensor2D =>
    tf.tensor2d(golden.rollouts.map((row) => Array.from({ length: width }, (_, t) => of(row)[t] ?? 0)));
  const [low, high, dual] = golden.clip;
  let logProbs: number[][] = [];
  const loss = (): tf.Scalar => {
    const current = policy.logProbs(rows, { width }).logProbs;
    logProbs = current.arraySync();
    const mask = padded((row) => row.mask);
    const advantages = tf.tensor2d(golden.rollouts.map(({ advantage }) => [advantage]));
    const ratio = tf.exp(
      tf.sub(
        current,
        padded((row) => row.old_log_probs),
      ),
    );
    const clipped = tf.maximum(
      tf.neg(tf.mul(advantages, ratio)),
      tf.neg(tf.mul(advantages, tf.clipByValue(ratio, 1 - low, 1 + high))),
    );
    const token = tf.where(tf.less(advantages, 0), tf.minimum(tf.mul(advantages, -dual), clipped), clipped);
    return tf.div(tf.sum(tf.mul(token, mask)), tf.sum(mask)) as tf.Scalar;
  };
  const { value, grads } = tf.variableGrads(
    () => tf.tidy(loss),
    policy.parameters.map(({ variable }) => variable),
  );
  golden.rollouts.forEach(({ log_probs: expected, mask }, row) =>
    expected.forEach((number, t) => {
      if (mask[t] === 1) expect(Math.abs(logProbs[row]![t]! - number)).toBeLessThan(TOLERANCE.logProbs);
    }),
  );
  expect(Math.abs(value.dataSync()[0]! - golden.loss)).toBeLessThan(TOLERANCE.loss);
  const errors = policy.parameters.map(({ name, variable }) => {
    const stored = familyOf(policy.config).storedName(name);
    const data = grads[variable.name]!.dataSync() as Float32Array;
    const columns = variable.shape[1] ?? 1;
    const kept = golden.rows[stored];
    const found = kept
      ? Float32Array.from(kept.flatMap((row) => [...data.subarray(row * columns, (row + 1) * columns)]))
      : data;
    const norm = golden.norms[stored]!;
    return {
      name,
      gradient: relativeL2(found, values.readFloat32(`grad.${stored}`)),
      norm: Math.abs(Math.hypot(...data) - norm) / norm,
    };
  });
  expect(errors.length).toBe(Object.keys(golden.norms).length);
  expect(errors.filter(({ gradient, norm }) => !(Math.max(gradient, norm) < TOLERANCE.gradient))).toEqual([]);
  tf.dispose([value, grads]);
  policy.dispose();
});

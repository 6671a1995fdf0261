/** Losses and gradients against the reference's. */
import * as tf from "@tensorflow/tfjs-core";
import { familyOf } from "../families/model-families";
import { gatherRows } from "../kernels/gather-rows";
import { relativeL2 } from "./model-differences";
import type { ReferenceCase } from "./model-case";

const LOSS = 1e-5;
const GRADIENTS = 1e-4;

export async function checkLosses({ ledger, policy, reference, values, batch, name }: ReferenceCase): Promise<void> {
  const { prompts, rowOf, width } = batch;
  const { labels } = reference;
  if (!labels) return;
  const places: number[] = [];
  const rows: number[] = [];
  const targets: number[] = [];
  labels.forEach((row, b) =>
    row.forEach((label, s) => {
      if (s === 0 || label === -100) return;
      places.push(b * (width - 1) + s - 1);
      rows.push(rowOf[b * width + s - 1]!);
      targets.push(label);
    }),
  );
  const logP = (): tf.Tensor1D => {
    const picked = gatherRows(policy.forward(prompts), Int32Array.from(rows));
    const hot = tf.cast(tf.oneHot(tf.tensor1d(targets, "int32"), policy.config.text.vocabSize), "float32");
    return tf.sub(tf.sum(tf.mul(picked, hot), 1), tf.logSumExp(picked, 1)) as tf.Tensor1D;
  };
  const pick = (key: string): tf.Tensor1D => {
    const all = values.readFloat32(key);
    return tf.tensor1d(places.map((place) => all[place]!));
  };
  const losses: Record<"nll" | "grpo", () => tf.Scalar> = {
    nll: () => tf.neg(tf.mean(logP())) as tf.Scalar,
    grpo: () => {
      const current = logP();
      const [advantages, old, frozen] = [pick("advantages"), pick("old_logps"), pick("ref_logps")];
      const ratio = tf.exp(tf.sub(current, old));
      const clipped = tf.maximum(
        tf.neg(tf.mul(advantages, ratio)),
        tf.neg(tf.mul(advantages, tf.clipByValue(ratio, 0.8, 1.28))),
      );
      const loss = tf.where(tf.less(advantages, 0), tf.minimum(tf.mul(advantages, -3), clipped), clipped);
      const distance = tf.sub(frozen, current);
      return tf.add(tf.mean(loss), tf.mul(tf.mean(tf.sub(tf.sub(tf.exp(distance), distance), 1)), 0.05));
    },
  };
  for (const tag of ["nll", "grpo"] as const) {
    const expected = reference[`${tag}_loss`];
    if (expected === undefined) continue;
    const { value, grads } = tf.variableGrads(
      () => tf.tidy(losses[tag]),
      policy.parameters.map(({ variable }) => variable),
    );
    ledger.compare(`loss (${tag})`, Math.abs((await value.data())[0]! - expected), LOSS, name);
    for (const parameter of policy.parameters) {
      const gradient = grads[parameter.variable.name];
      const data = gradient ? ((await gradient.data()) as Float32Array) : new Float32Array(parameter.variable.size);
      const where = `${name}, ${tag}, ${parameter.name}`;
      const stored = familyOf(policy.config).storedName(parameter.name);
      const key = `grad.${tag}.${stored}`;
      if (values.has(key))
        ledger.compare("gradients (relative L2)", relativeL2(data, values.readFloat32(key)), GRADIENTS, where);
      const size = reference[`grad_l2.${tag}`]?.[stored];
      // Biases of keys have gradients that cancel to nothing but rounding: a norm is held to at least a small one.
      if (size !== undefined)
        ledger.compare(
          "norms of gradients (relative)",
          Math.abs(Math.hypot(...chunkNorms(data)) - (size ?? 0)) / Math.max(size ?? 0, 1e-2),
          GRADIENTS,
          where,
        );
    }
    tf.dispose([value, grads]);
  }
}

function chunkNorms(values: Float32Array): number[] {
  const out: number[] = [];
  for (let start = 0; start < values.length; start += 4096)
    out.push(Math.sqrt(values.subarray(start, start + 4096).reduce((sum, value) => sum + value * value, 0)));
  return out;
}

/**
 * A training step of a small gated network, written plainly with tfjs operations: how fast a backend and its gradients
 * are before any kernel is fused by hand. No attention: that is the policy's bench.
 *
 *     x = E[ids];  4 × { h = rms(x) g;  x = x + (silu(h W₁) ∘ h W₃) W₂ };  loss = crossEntropy(rms(x) Eᵀ, targets)
 */
import type * as tfjs from "@tensorflow/tfjs-core";

/** The network's sizes: tokens per step, vocabulary, width, hidden width, layers. 0.66 M parameters. */
export const STEP_SHAPE = { tokens: 2560, vocabulary: 512, width: 128, hidden: 384, layers: 4 } as const;

const LEARNING_RATE = 0.1;

/**
 * Trained tokens per second on the current backend: forward, backward and a plain gradient step, the best of at least
 * two repetitions after one that warms up. Leaves no tensor behind.
 *
 * @throws RangeError when the loss does not fall: then the speed would mean nothing
 */
export async function measureTrainingStep(tf: typeof tfjs, budgetMs = 2000): Promise<number> {
  await tf.ready();
  const { tokens, vocabulary, width, hidden, layers } = STEP_SHAPE;
  let seed = 1;
  const weights = (shape: [number, number]): tfjs.Variable => {
    seed += 1;
    return tf.tidy(() => tf.variable(tf.randomNormal(shape, 0, 0.05, "float32", seed)));
  };
  const embedding = weights([vocabulary, width]);
  const blocks = Array.from({ length: layers }, () => ({
    gain: tf.tidy(() => tf.variable(tf.ones([width]))),
    gate: weights([width, hidden]),
    up: weights([width, hidden]),
    down: weights([hidden, width]),
  }));
  const ids = tf.tensor1d(
    Int32Array.from({ length: tokens }, (_, i) => (i * 7919) % vocabulary),
    "int32",
  );
  const targets = tf.tidy(() =>
    tf.cast(
      tf.oneHot(
        tf.tensor1d(
          Int32Array.from({ length: tokens }, (_, i) => (i * 7919 * 7 + 3) % vocabulary),
          "int32",
        ),
        vocabulary,
      ),
      "float32",
    ),
  );
  const normalize = (x: tfjs.Tensor): tfjs.Tensor => tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-6)));
  const loss = (): tfjs.Scalar => {
    let x: tfjs.Tensor = tf.gather(embedding, ids);
    for (const { gain, gate, up, down } of blocks) {
      const h = tf.mul(normalize(x), gain);
      const gated = tf.matMul(h, gate as tfjs.Tensor);
      x = tf.add(
        x,
        tf.matMul(tf.mul(tf.mul(gated, tf.sigmoid(gated)), tf.matMul(h, up as tfjs.Tensor)), down as tfjs.Tensor),
      );
    }
    const logProbs = tf.logSoftmax(tf.matMul(normalize(x), tf.transpose(embedding)));
    return tf.neg(tf.div(tf.sum(tf.mul(logProbs, targets)), tokens));
  };
  const parameters = [embedding, ...blocks.flatMap((block) => Object.values(block))];
  const step = (): number =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(loss, parameters);
      for (const parameter of parameters)
        parameter.assign(tf.sub(parameter, tf.mul(grads[parameter.name] as tfjs.Tensor, LEARNING_RATE)));
      return value.dataSync()[0] ?? Number.NaN;
    });
  try {
    const first = step();
    let last = first;
    let best = Number.POSITIVE_INFINITY;
    const end = performance.now() + budgetMs;
    for (let i = 0; i < 2 || performance.now() < end; i += 1) {
      const start = performance.now();
      last = step();
      best = Math.min(best, performance.now() - start);
    }
    if (!(last < first))
      throw new RangeError(`The loss went from ${first} to ${last}: the backend's gradients are wrong.`);
    return (tokens / best) * 1000;
  } finally {
    tf.dispose([...parameters, ids, targets]);
  }
}

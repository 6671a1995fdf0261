/**
 * Two approximations of GELU (arXiv 1606.08415 §2), both y = x σ(z) with z = a x + b x³:
 *
 *     quick_gelu           a = 1.702, b = 0
 *     gelu_pytorch_tanh    x (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³), and (1 + tanh u) / 2 = σ(2u)
 *
 * Backward: dx = dy (σ + x σ (1 - σ) (a + 3 b x²)).
 */
import * as tf from "@tensorflow/tfjs-core";
import { withGradient } from "./custom-gradient";
import { sigmoidGeluOnHeap } from "./wasm/activations";
import { heap } from "./wasm/heap";

/** x σ(1.702 x), as Qwen2-VL's tower has it. @param x [N, D] */
export function quickGelu(x: tf.Tensor2D): tf.Tensor2D {
  return sigmoidGelu(x, 1.702, 0);
}

const SLOPE = 2 * Math.sqrt(2 / Math.PI);

/** GELU by tanh, as Qwen3-VL's tower has it. @param x [N, D] */
export function tanhGelu(x: tf.Tensor2D): tf.Tensor2D {
  return sigmoidGelu(x, SLOPE, SLOPE * 0.044715);
}

function sigmoidGelu(x: tf.Tensor2D, a: number, b: number): tf.Tensor2D {
  if (heap()) return sigmoidGeluOnHeap(x, a, b);
  return withGradient<tf.Tensor2D>([x], (save) => {
    const z = b === 0 ? tf.mul(x, a) : tf.mul(x, tf.add(tf.mul(tf.square(x), b), a));
    const sigma = tf.sigmoid(z);
    save([x, sigma]);
    return {
      value: tf.mul(x, sigma) as tf.Tensor2D,
      gradient: (dy, saved) => {
        const [x, sigma] = saved as [tf.Tensor2D, tf.Tensor2D];
        const slope = tf.add(tf.mul(tf.square(x), 3 * b), a);
        return [tf.mul(dy, tf.mul(sigma, tf.add(tf.mul(tf.mul(x, tf.sub(1, sigma)), slope), 1)))];
      },
    };
  });
}

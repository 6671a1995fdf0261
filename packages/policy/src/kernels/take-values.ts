import type * as tf from "@tensorflow/tfjs-core";

/**
 * Reads a float32 tensor and disposes it: `takeValues(tf.tidy(() => ..))`.
 *
 * A tidy returns the tensor, never its values. `tf.tidy` searches whatever it returns for tensors, and it visits a
 * typed array number by number: about 1 µs each, and a RangeError above 2^24 different numbers. Logits of a real
 * vocabulary have that many.
 */
export function takeValues(tensor: tf.Tensor): Float32Array {
  try {
    return tensor.dataSync<"float32">();
  } finally {
    tensor.dispose();
  }
}

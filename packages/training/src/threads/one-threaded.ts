import * as tf from "@tensorflow/tfjs-core";

/** Most micro-batches that an update is cut into for the sake of threads; more threads than that find nothing to do. */
export const MOST_PARTS = 16;

/** Whether the current backend computes in one thread. */
export function isOneThreaded(): boolean {
  return tf.getBackend() === "wasm" || tf.getBackend() === "cpu";
}

import type * as tf from "@tensorflow/tfjs-core";

/** The weights of `normHeads`. */
export interface HeadNorms {
  /** [headDim] each. */
  readonly query: tf.Tensor1D;
  readonly key: tf.Tensor1D;
  readonly epsilon: number;
}

/** Options of `linear`, for both ways of computing it. */
export interface LinearOptions {
  /** Whether a gradient for x is wanted; false for data, for example pixels. Default true. */
  readonly inputGradient?: boolean;
  /**
   * Whether gradients for the weights are wanted. Default: for variables. A reshaped variable is a plain tensor and
   * needs true.
   */
  readonly weightGradient?: boolean;
  /** Whether the product itself is wanted. With false it is zeros, and only its gradients are right. Default true. */
  readonly value?: boolean;
  /**
   * Whether TensorFlow computes (W xᵀ)ᵀ: for some rows beside a much larger W it then takes as little as a tenth of the
   * time on a CPU. Default false.
   */
  readonly weightFirst?: boolean;
  /** Whether oneDNN computes the products, and own ops what biases need (`ModelWeights.inOneOp`). Default false. */
  readonly oneDnn?: boolean;
}

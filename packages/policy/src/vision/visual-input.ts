import type { GridThw } from "../image-processor/image-processor";

/** Pictures or videos of one prompt, as the image processor makes them. */
export interface VisualInput {
  /**
   * Flattened patches of all pictures one after another, [patches, channels · temporal · patch · patch], merge-block
   * order.
   */
  readonly pixelValues: Float32Array;
  /** Time, height and width of each picture in patches. */
  readonly gridThw: readonly GridThw[];
  /** Videos: seconds between two temporal patches, one number per video. Default 1. */
  readonly secondsPerGrid?: readonly number[];
}

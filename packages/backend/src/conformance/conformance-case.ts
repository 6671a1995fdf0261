/** One operation with its inputs and its definition in float64. */
import type * as tf from "@tensorflow/tfjs-core";
import type { NdArray } from "./nd-array";

/**
 * A case of the suite. The gradient's reference is the central difference of `reference`, so none is written by hand.
 */
export interface ConformanceCase {
  readonly name: string;
  /** The tfjs operations it covers, by their name in tfjs, for example "matMul". */
  readonly ops: readonly string[];
  /** float32 inputs. */
  readonly inputs: readonly NdArray[];
  /** The computation with tfjs. */
  readonly compute: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** The same in float64. */
  readonly reference: (...inputs: NdArray[]) => NdArray;
  /** Whether the gradient with respect to every input is checked too. */
  readonly gradient: boolean;
  /** Backends that lack the kernel; there the case must fail, so that a new kernel is noticed. */
  readonly missingOn?: readonly string[];
}

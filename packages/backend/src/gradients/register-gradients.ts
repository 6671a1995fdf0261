/**
 * Registers the gradients of the kernels that training uses.
 *
 * In Node, `@tensorflow/tfjs-core` alone knows no gradient (its register_all_gradients is an ES module that Node cannot
 * load); only the union package `@tensorflow/tfjs` brings them, with its layers, converter and WebGL backend, and some
 * of them are wrong on every backend (broadcast matMul, maximum and minimum). These replace them, whatever was loaded,
 * so that every backend differentiates alike.
 */
import * as tf from "@tensorflow/tfjs-core";
import { ELEMENTWISE_GRADIENTS } from "./elementwise";
import { LAYOUT_GRADIENTS } from "./layout";
import { MATRIX_PRODUCT_GRADIENT } from "./matrix-product";
import { REDUCTION_GRADIENTS } from "./reductions";

const GRADIENTS = [...ELEMENTWISE_GRADIENTS, ...REDUCTION_GRADIENTS, ...LAYOUT_GRADIENTS, MATRIX_PRODUCT_GRADIENT];

/** The kernels whose gradient this package defines. */
export const DIFFERENTIABLE_KERNELS: readonly string[] = GRADIENTS.map(({ kernelName }) => kernelName);

/** Registers them with tfjs-core; `selectBackend` does it for every backend. Calling it again changes nothing. */
export function registerGradients(): void {
  for (const gradient of GRADIENTS) {
    if (tf.getGradient(gradient.kernelName) !== gradient) tf.registerGradient(gradient);
  }
}

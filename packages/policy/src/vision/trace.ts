import type { Tensor } from "@tensorflow/tfjs-core";

/** Called with intermediate results of a forward pass by name; a tensor is only valid during the call. */
export type Trace = (name: string, tensor: Tensor) => void;

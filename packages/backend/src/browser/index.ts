export { BackendError, OutOfMemoryError } from "../backend-error";
export { asOutOfMemory, withOutOfMemory, type AllocationContext } from "../out-of-memory";
export { DIFFERENTIABLE_KERNELS, registerGradients } from "../gradients/register-gradients";
export { openWasm } from "./open-wasm";

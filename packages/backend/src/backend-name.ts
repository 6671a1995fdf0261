/** A backend that this package knows. "tensorflow-gpu" and "tensorflow" are both the tfjs backend "tensorflow". */
export type BackendName = "tensorflow-gpu" | "tensorflow" | "webgpu" | "wasm" | "cpu";

/** The order in which `auto` tries them, fastest first. "cpu" is plain JavaScript, hundreds of times slower. */
export const BACKEND_ORDER: readonly BackendName[] = ["tensorflow-gpu", "tensorflow", "webgpu", "wasm", "cpu"];

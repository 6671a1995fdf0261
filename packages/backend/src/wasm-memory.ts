/**
 * Makes tfjs-backend-wasm notice that it has no memory left.
 *
 * tfjs-backend-wasm 4.22 uses what its allocator returns without looking: address 0 when the allocator fails, and for a
 * tensor of more than 4 GiB a size that has wrapped around at 2³². Both lead to tensors that overlap others, so to
 * wrong numbers instead of an error.
 */
import { withOutOfMemory } from "./out-of-memory";

/** The parts of BackendWasm that are touched (backend_wasm.ts of the package). */
interface WasmBackend {
  readonly wasm: { _malloc(bytes: number): number; _free(address: number): void };
  move(dataId: object, values: unknown, shape: number[], dtype: string, refCount: number): void;
}

const ADDRESS_SPACE = 2 ** 32;
const guarded = new WeakSet<object>();

/** Wraps the backend's allocator once; allocations that fail throw OutOfMemoryError with the tensor's shape. */
export function guardWasmMemory(backend: object): void {
  if (guarded.has(backend)) return;
  guarded.add(backend);
  const target = backend as WasmBackend;
  // Emscripten's entry replaces itself at the first call, which would undo the wrapping.
  target.wasm._free(target.wasm._malloc(16));
  const allocate = target.wasm._malloc.bind(target.wasm);
  target.wasm._malloc = (bytes) => {
    const address = bytes < ADDRESS_SPACE ? allocate(bytes) : 0;
    if (address === 0 && bytes > 0)
      throw new RangeError(`out of memory: the allocator has no ${bytes} bytes in one piece`);
    return address;
  };
  const move = target.move.bind(target);
  target.move = (dataId, values, shape, dtype, refCount) =>
    withOutOfMemory({ backend: "wasm", shape: [...shape] }, () => move(dataId, values, shape, dtype, refCount));
}

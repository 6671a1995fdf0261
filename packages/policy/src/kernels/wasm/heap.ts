/**
 * The wasm backend's heap as the memory of this package's own kernels (packages/policy/assembly): a second WebAssembly
 * module that imports the backend's memory and works on tensors where they lie, without copies. tfjs's own kernels take
 * 3-15 µs each and miss XNNPACK for transposed or batched products; these run a whole layer's attention in one call.
 *
 * It needs the backend with SIMD and without threads, which is what Node and pages without cross-origin isolation get;
 * elsewhere `heap()` is undefined and the plain compositions run.
 */
import * as tf from "@tensorflow/tfjs-core";
import { instantiateKernels, KernelMemory, outOfKernelMemory, type KernelExports } from "./kernel-memory";
import { wasmApi, type WasmMemory } from "./wasm-api";

/** What is used of tfjs-backend-wasm's backend; `asm` are its module's exports. */
interface WasmBackend extends tf.KernelBackend {
  readonly wasm: {
    readonly asm?: { readonly memory?: WasmMemory };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  getMemoryOffset(dataId: object): number;
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
}

const KERNEL = "VTriuneHeapKernel";

/** Our kernels on one backend's heap. */
export class Heap extends KernelMemory {
  constructor(
    kernels: KernelExports,
    memory: WasmMemory,
    readonly backend: WasmBackend,
  ) {
    super(kernels, memory);
  }

  /** Where a tensor's values lie. */
  address(tensor: tf.Tensor): number {
    return this.backend.getMemoryOffset(tensor.dataId);
  }

  /**
   * Runs a kernel that fills new float32 tensors. They are not zeroed; an empty tensor's address must not be used.
   * Call it off the tape (inside `withGradient`, or when no gradient is recorded).
   */
  run(shapes: readonly (readonly number[])[], body: (...addresses: number[]) => void): tf.Tensor[] {
    const attrs = { shapes, body } as unknown as tf.NamedAttrMap;
    return tf.engine().runKernel(KERNEL, {}, attrs) as unknown as tf.Tensor[];
  }

  allocate(floats: number): number {
    const bytes = Math.max(16, Math.ceil(4 * floats));
    const address = this.backend.wasm._malloc(bytes);
    if (address === 0) throw outOfKernelMemory(bytes);
    return address;
  }

  free(address: number): void {
    this.backend.wasm._free(address);
  }
}

const heaps = new WeakMap<tf.KernelBackend, Heap | undefined>();

/** The heap of the current backend, if it is wasm and its memory can be shared with a second module. */
export function heap(): Heap | undefined {
  if (tf.getBackend() !== "wasm") return undefined;
  const backend = tf.backend();
  if (!heaps.has(backend)) heaps.set(backend, open(backend as WasmBackend));
  return heaps.get(backend);
}

/** Runs `body` with the plain compositions instead, so that a test can compare the two. */
export function withoutHeap<T>(body: () => T): T {
  const [backend, known] = [tf.backend(), heap()];
  heaps.set(backend, undefined);
  try {
    return body();
  } finally {
    heaps.set(backend, known);
  }
}

function open(backend: WasmBackend): Heap | undefined {
  const memory = backend.wasm.asm?.memory;
  if (!(memory instanceof wasmApi.Memory) || !(memory.buffer instanceof ArrayBuffer)) return undefined;
  const kernels = instantiateKernels(memory);
  if (!kernels) return undefined;
  if (!tf.getKernel(KERNEL, "wasm")) {
    tf.registerKernel({
      kernelName: KERNEL,
      backendName: "wasm",
      kernelFunc: ({ attrs, backend }) => {
        const { shapes, body } = attrs as unknown as {
          shapes: readonly (readonly number[])[];
          body: (...addresses: number[]) => void;
        };
        const host = backend as WasmBackend;
        const outputs = shapes.map((shape) => host.makeOutput([...shape], "float32"));
        const addresses = outputs.map(({ dataId, shape }) => {
          const address = host.getMemoryOffset(dataId);
          if (address === 0 && shape.every((n) => n > 0)) throw outOfKernelMemory(4 * shape.reduce((a, b) => a * b, 1));
          return address;
        });
        body(...addresses);
        return outputs;
      },
    });
  }
  return new Heap(kernels, memory, backend);
}

/**
 * The wasm backend's heap as a place to run our own kernels (packages/policy/assembly): a second WebAssembly module that
 * imports the backend's memory and works on tensors where they lie, without copies. tfjs's own kernels take 3-15 µs each
 * and miss XNNPACK for transposed or batched products; these run a whole layer's attention in one call.
 *
 * It needs the backend with SIMD and without threads, which is what Node and pages without cross-origin isolation get;
 * elsewhere `heap()` is undefined and the plain compositions run.
 */
import * as tf from "@tensorflow/tfjs-core";
import { KERNELS_BASE64 } from "./binary";

/** Addresses are bytes; counts and strides are elements. See packages/policy/assembly for what each computes. */
export interface KernelExports {
  gemm(transA: number, transB: number, m: number, n: number, k: number, a: number, lda: number, b: number, ldb: number, c: number, ldc: number, bias: number, accumulate: number, scratch: number): void;
  gemmPacked(m: number, n: number, k: number, a: number, lda: number, packed: number, c: number, ldc: number, bias: number, accumulate: number): void;
  gemmScratch(): number;
  packWeights(transB: number, k: number, n: number, b: number, ldb: number, out: number): void;
  packedSize(k: number, n: number): number;
  addInto(to: number, from: number, count: number): void;
  gatherRows(x: number, index: number, count: number, width: number, y: number): void;
  scatterAddRows(dy: number, index: number, count: number, width: number, dx: number): void;
  sumRows(x: number, rows: number, width: number, stride: number, out: number): void;
  gelu(x: number, count: number, y: number): void;
  geluBackward(dy: number, x: number, count: number, dx: number): void;
  rmsNorm(x: number, w: number, rows: number, width: number, epsilon: number, y: number, inverse: number): void;
  rmsNormBackward(dy: number, x: number, w: number, inverse: number, rows: number, width: number, dx: number, dw: number): void;
  swiglu(packed: number, rows: number, width: number, y: number): void;
  swigluBackward(dy: number, packed: number, rows: number, width: number, dPacked: number): void;
  rotateRows(from: number, to: number, rows: number, heads: number, keyHeads: number, headDim: number, cos: number, sin: number, direction: number, scale: number): void;
  attention(turned: number, segments: number, segmentCount: number, heads: number, keyHeads: number, headDim: number, maxKeys: number, out: number, lse: number, scratch: number): void;
  attentionBackward(dOut: number, turned: number, out: number, lse: number, segments: number, segmentCount: number, heads: number, keyHeads: number, headDim: number, maxKeys: number, dTurned: number, scratch: number): void;
  attentionScratch(keys: number, headDim: number): number;
  decodeAttention(turned: number, rows: number, rowCount: number, heads: number, keyHeads: number, headDim: number, out: number, scores: number): void;
  storeKeysValues(turned: number, pointers: number, rows: number, heads: number, keyHeads: number, headDim: number): void;
  tokenLogProbs(logits: number, targets: number, rows: number, width: number, inverseTemperature: number, entropy: number, out: number, outStride: number, stats: number): void;
  tokenLogProbsBackward(logits: number, targets: number, dy: number, stride: number, stats: number, rows: number, width: number, inverseTemperature: number, entropy: number): void;
}

/** The parts of the WebAssembly API that are used; its types come with the DOM's, which this package does without. */
interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}
interface WasmApi {
  readonly Memory: new (...args: never[]) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: { readonly env: { readonly memory: WasmMemory } }) => { readonly exports: unknown };
  readonly CompileError: new (...args: never[]) => Error;
}
const { Memory, Module, Instance, CompileError } = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly;

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
export class Heap {
  readonly #scratch = { address: 0, bytes: 0 };

  constructor(
    readonly kernels: KernelExports,
    readonly memory: WasmMemory,
    readonly backend: WasmBackend,
  ) {}

  /** Where a tensor's values lie. */
  address(tensor: tf.Tensor): number {
    return this.backend.getMemoryOffset(tensor.dataId);
  }

  /**
   * Runs a kernel that fills new float32 tensors. They are not zeroed; an empty tensor's address must not be used.
   * To be called off the tape (inside of `withGradient`, or when no gradient is recorded).
   */
  run(shapes: readonly (readonly number[])[], body: (...addresses: number[]) => void): tf.Tensor[] {
    const attrs = { shapes, body } as unknown as tf.NamedAttrMap;
    return tf.engine().runKernel(KERNEL, {}, attrs) as unknown as tf.Tensor[];
  }

  /** Memory for the length of one kernel; the next call may hand out the same. */
  scratch(floats: number): number {
    if (4 * floats > this.#scratch.bytes) {
      if (this.#scratch.address !== 0) this.free(this.#scratch.address);
      this.#scratch.address = 0;
      this.#scratch.bytes = 0;
      const bytes = Math.ceil(4.4 * floats);
      this.#scratch.address = this.allocate(bytes / 4);
      this.#scratch.bytes = bytes;
    }
    return this.#scratch.address;
  }

  /** Memory of one's own; to be freed. @throws Error when the heap (at most 4 GiB) is full */
  allocate(floats: number): number {
    const bytes = Math.max(16, Math.ceil(4 * floats));
    const address = this.backend.wasm._malloc(bytes);
    if (address === 0) throw outOfMemory(bytes);
    return address;
  }

  free(address: number): void {
    this.backend.wasm._free(address);
  }

  floats(address: number, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, address >>> 0, count);
  }

  ints(address: number, count: number): Int32Array {
    return new Int32Array(this.memory.buffer, address >>> 0, count);
  }

  /** Runs `body` with a copy of whole numbers on the heap. */
  withInts(values: Int32Array, body: (address: number) => void): void {
    const address = this.allocate(values.length);
    try {
      this.ints(address, values.length).set(values);
      body(address);
    } finally {
      this.free(address);
    }
  }
}

let current: { readonly backend: tf.KernelBackend; readonly heap: Heap | undefined } | undefined;
let enabled = true;

/** The heap of the current backend, if it is wasm and its memory can be shared with a second module. */
export function heap(): Heap | undefined {
  if (!enabled || tf.getBackend() !== "wasm") return undefined;
  const backend = tf.backend();
  if (current?.backend !== backend) current = { backend, heap: open(backend as WasmBackend) };
  return current.heap;
}

/** Runs `body` with the plain compositions instead, so that a test can hold one against the other. */
export function withoutHeap<T>(body: () => T): T {
  enabled = false;
  try {
    return body();
  } finally {
    enabled = true;
  }
}

function open(backend: WasmBackend): Heap | undefined {
  const memory = backend.wasm.asm?.memory;
  if (!(memory instanceof Memory) || !(memory.buffer instanceof ArrayBuffer)) return undefined;
  let kernels: KernelExports;
  try {
    const bytes = Uint8Array.from(atob(KERNELS_BASE64), (character) => character.charCodeAt(0));
    kernels = new Instance(new Module(bytes), { env: { memory } }).exports as KernelExports;
  } catch (error) {
    // An engine without SIMD can't compile the module; the backend then runs its own scalar build, and so do we.
    if (error instanceof CompileError) return undefined;
    throw error;
  }
  if (!tf.getKernel(KERNEL, "wasm")) {
    tf.registerKernel({
      kernelName: KERNEL,
      backendName: "wasm",
      kernelFunc: ({ attrs, backend }) => {
        const { shapes, body } = attrs as unknown as { shapes: readonly (readonly number[])[]; body: (...addresses: number[]) => void };
        const host = backend as WasmBackend;
        const outputs = shapes.map((shape) => host.makeOutput([...shape], "float32"));
        const addresses = outputs.map(({ dataId, shape }) => {
          const address = host.getMemoryOffset(dataId);
          if (address === 0 && shape.every((n) => n > 0)) throw outOfMemory(4 * shape.reduce((a, b) => a * b, 1));
          return address;
        });
        body(...addresses);
        return outputs;
      },
    });
  }
  return new Heap(kernels, memory, backend);
}

function outOfMemory(bytes: number): Error {
  return new Error(
    `The wasm backend is out of memory: ${(bytes / 2 ** 20).toFixed(0)} MiB more do not fit (its heap ends at 4 GiB). Lower the micro-batch size, the completion length or the rows generated at once, or use a native backend.`,
  );
}

/** Memory that the compiled kernels (packages/policy/assembly) work on. */
import { KERNELS_BASE64 } from "./binary";
import { wasmApi, type WasmMemory } from "./wasm-api";

/** Addresses are bytes; counts and strides are elements. See packages/policy/assembly for what each computes. */
export interface KernelExports {
  gemm(
    transA: number,
    transB: number,
    m: number,
    n: number,
    k: number,
    a: number,
    lda: number,
    b: number,
    ldb: number,
    c: number,
    ldc: number,
    bias: number,
    accumulate: number,
    scratch: number,
  ): void;
  gemmPacked(
    m: number,
    n: number,
    k: number,
    a: number,
    lda: number,
    packed: number,
    c: number,
    ldc: number,
    bias: number,
    accumulate: number,
  ): void;
  gemmScratch(): number;
  packHalves(k: number, n: number, b: number, ldb: number, out: number, scratch: number): void;
  packedRows(): number;
  packWeights(transB: number, k: number, n: number, b: number, ldb: number, out: number): void;
  packedSize(k: number, n: number): number;
  gatherRows(x: number, index: number, count: number, width: number, y: number): void;
  widen(from: number, count: number, to: number): void;
  scatterAddRows(dy: number, index: number, count: number, width: number, dx: number): void;
  sumRows(x: number, rows: number, width: number, stride: number, out: number): void;
  gelu(x: number, count: number, y: number): void;
  geluBackward(dy: number, x: number, count: number, dx: number): void;
  rmsNorm(x: number, w: number, rows: number, width: number, epsilon: number, y: number, inverse: number): void;
  rmsNormBackward(
    dy: number,
    x: number,
    w: number,
    inverse: number,
    rows: number,
    width: number,
    dx: number,
    dw: number,
  ): void;
  layerNorm(
    x: number,
    w: number,
    b: number,
    rows: number,
    width: number,
    epsilon: number,
    y: number,
    stats: number,
  ): void;
  layerNormBackward(
    dy: number,
    x: number,
    w: number,
    stats: number,
    rows: number,
    width: number,
    dx: number,
    dw: number,
    db: number,
  ): void;
  normHeads(
    x: number,
    queryWeight: number,
    keyWeight: number,
    rows: number,
    heads: number,
    keyHeads: number,
    headDim: number,
    epsilon: number,
    y: number,
    inverse: number,
  ): void;
  normHeadsBackward(
    dy: number,
    x: number,
    queryWeight: number,
    keyWeight: number,
    inverse: number,
    rows: number,
    heads: number,
    keyHeads: number,
    headDim: number,
    dx: number,
    dQuery: number,
    dKey: number,
  ): void;
  sigmoidGelu(x: number, count: number, a: number, b: number, y: number): void;
  sigmoidGeluBackward(dy: number, x: number, count: number, a: number, b: number, dx: number): void;
  swiglu(packed: number, rows: number, width: number, y: number): void;
  swigluBackward(dy: number, packed: number, rows: number, width: number, dPacked: number): void;
  rotateRows(
    from: number,
    to: number,
    rows: number,
    heads: number,
    keyHeads: number,
    headDim: number,
    cos: number,
    sin: number,
    direction: number,
    scale: number,
  ): void;
  attention(
    turned: number,
    segments: number,
    segmentCount: number,
    heads: number,
    keyHeads: number,
    headDim: number,
    maxKeys: number,
    out: number,
    lse: number,
    scratch: number,
  ): void;
  attentionBackward(
    dOut: number,
    turned: number,
    out: number,
    lse: number,
    segments: number,
    segmentCount: number,
    heads: number,
    keyHeads: number,
    headDim: number,
    maxKeys: number,
    dTurned: number,
    scratch: number,
  ): void;
  attentionScratch(keys: number, headDim: number): number;
  decodeScratch(model: number, count: number, longest: number): number;
  decodeStep(
    model: number,
    rows: number,
    count: number,
    cos: number,
    sin: number,
    logits: number,
    scratch: number,
  ): void;
  storeKeysValues(
    turned: number,
    pointers: number,
    rows: number,
    heads: number,
    keyHeads: number,
    headDim: number,
  ): void;
  tokenLogProbs(
    logits: number,
    targets: number,
    rows: number,
    width: number,
    inverseTemperature: number,
    entropy: number,
    out: number,
    outStride: number,
    stats: number,
  ): void;
  tokenLogProbsBackward(
    logits: number,
    targets: number,
    dy: number,
    stride: number,
    stats: number,
    rows: number,
    width: number,
    inverseTemperature: number,
    entropy: number,
  ): void;
}

/** Compiled once per kind of memory: [not shared, shared between threads]. */
const compiled: [object?, object?] = [];

/**
 * The kernels, compiled; undefined where the engine has no SIMD.
 *
 * @param shared for memories that threads share: the same code, with the one byte of its memory import that says so
 */
export function kernelModule(shared: boolean): object | undefined {
  const kind = shared ? 1 : 0;
  if (!compiled[kind]) {
    const bytes = Uint8Array.from(atob(KERNELS_BASE64), (character) => character.charCodeAt(0));
    if (shared) bytes[memoryLimits(bytes)] = 3;
    try {
      compiled[kind] = new wasmApi.Module(bytes);
    } catch (error) {
      if (error instanceof wasmApi.CompileError) return undefined;
      throw error;
    }
  }
  return compiled[kind];
}

/** Position of the byte that states the limits of the import env.memory (1: a maximum; 3: a maximum, and shared). */
function memoryLimits(bytes: Uint8Array): number {
  const name = [..."\x03env\x06memory\x02\x01"].map((character) => character.charCodeAt(0));
  const start = bytes.findIndex((_, i) => name.every((byte, k) => bytes[i + k] === byte));
  if (start < 0)
    throw new Error(
      "The compiled kernels do not import env.memory with a maximum: build them again " +
        "(packages/policy/assembly/build.mjs)",
    );
  return start + name.length - 1;
}

/** The kernels on a memory; undefined where the engine has no SIMD. */
export function instantiateKernels(memory: WasmMemory): KernelExports | undefined {
  const module = kernelModule(!(memory.buffer instanceof ArrayBuffer));
  return module && (new wasmApi.Instance(module, { env: { memory } }).exports as KernelExports);
}

/** A memory with kernels on it and an allocator. */
export abstract class KernelMemory {
  #scratchAddress = 0;
  #scratchBytes = 0;

  constructor(
    readonly kernels: KernelExports,
    readonly memory: WasmMemory,
  ) {}

  /** Reserves memory; free it. @throws Error when none is left */
  abstract allocate(floats: number): number;
  abstract free(address: number): void;

  /** Memory for the duration of one kernel; the next call may return the same. */
  scratch(floats: number): number {
    if (4 * floats > this.#scratchBytes) {
      if (this.#scratchAddress !== 0) this.free(this.#scratchAddress);
      // Reset before the allocation, which may throw.
      this.#scratchAddress = 0;
      this.#scratchBytes = 0;
      const wanted = Math.ceil(1.1 * floats);
      this.#scratchAddress = this.allocate(wanted);
      this.#scratchBytes = 4 * wanted;
    }
    return this.#scratchAddress;
  }

  floats(address: number, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, address >>> 0, count);
  }

  ints(address: number, count: number): Int32Array {
    return new Int32Array(this.memory.buffer, address >>> 0, count);
  }

  /** Runs `body` with a copy of whole numbers in this memory. */
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

/** @param bytes that were wanted */
export function outOfKernelMemory(bytes: number): Error {
  return new Error(
    `WebAssembly is out of memory: ${(bytes / 2 ** 20).toFixed(0)} MiB more do not fit (it ends at 4 GiB). Lower ` +
      "the micro-batch size, the completion length or the rows generated at once, or use a native backend and leave " +
      "generation to it (rollout.decodeWith: backend; in code the policy's option decodeWith).",
  );
}

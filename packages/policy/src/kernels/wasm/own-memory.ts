/**
 * A memory for the kernels, beside that of the TensorFlow.js backend. Small models are decoded there even
 * on native backends: of a step of some hundred tiny ops, most is spent on the calls. Threads can share it.
 */
import { instantiateKernels, KernelMemory, outOfKernelMemory, type KernelExports } from "./kernel-memory";
import { wasmApi, type WasmMemory } from "./wasm-api";

const PAGE = 65536;

/** Blocks are used again by size, small ones come in powers of two; the memory is freed as a whole, with the object. */
export class OwnMemory extends KernelMemory {
  readonly #free = new Map<number, number[]>();
  readonly #sizes = new Map<number, number>();
  /** Address 0 stays unused: kernels take it for "none". */
  #end = PAGE;

  private constructor(kernels: KernelExports, memory: WasmMemory) {
    super(kernels, memory);
  }

  /**
   * Undefined where the engine has no WebAssembly SIMD.
   *
   * @param shared whether threads may work on it as well
   */
  static open(shared = false): OwnMemory | undefined {
    const memory = new wasmApi.Memory({ initial: 16, maximum: 65536, shared });
    const kernels = instantiateKernels(memory);
    return kernels && new OwnMemory(kernels, memory);
  }

  /** Bytes it takes. */
  get size(): number {
    return this.memory.buffer.byteLength;
  }

  allocate(floats: number): number {
    const bytes =
      floats > PAGE ? PAGE * Math.ceil((4 * floats) / PAGE) : Math.max(64, 2 ** Math.ceil(Math.log2(4 * floats)));
    const known = this.#free.get(bytes)?.pop();
    if (known !== undefined) return known;
    const address = this.#end;
    const missing = address + bytes - this.memory.buffer.byteLength;
    if (missing > 0) {
      try {
        this.memory.grow(
          Math.max(Math.ceil(missing / PAGE), Math.min(1024, Math.floor(this.memory.buffer.byteLength / PAGE / 4))),
        );
      } catch (error) {
        if (error instanceof RangeError) throw outOfKernelMemory(bytes);
        throw error;
      }
    }
    this.#end += bytes;
    this.#sizes.set(address, bytes);
    return address;
  }

  free(address: number): void {
    const bytes = this.#sizes.get(address)!;
    const list = this.#free.get(bytes);
    if (list) list.push(address);
    else this.#free.set(bytes, [address]);
  }
}

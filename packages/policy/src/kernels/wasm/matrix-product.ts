import type { KernelExports } from "./kernel-memory";

/** A matrix in the kernels' memory: row by row, each row `stride` floats after the one before. */
export interface MatrixPlace {
  readonly address: number;
  readonly stride: number;
  /** Whether the product uses its transpose. Default false. */
  readonly transposed?: boolean;
}

/** A product of matrices in the kernels' memory. */
export interface MatrixProduct {
  /** Rows of the result, what is summed over, columns: [m, k] × [k, n]. */
  readonly shape: readonly [m: number, k: number, n: number];
  readonly left: MatrixPlace;
  readonly right: MatrixPlace;
  readonly out: Omit<MatrixPlace, "transposed">;
  /** Address of n floats that are added to each row. Default: none. */
  readonly bias?: number;
  /** Adds to what `out` holds instead of replacing it. Default false. */
  readonly accumulate?: boolean;
  /** `gemmScratch` floats of memory that are free to use. */
  readonly scratch: number;
}

/** Computes out = left · right + bias (packages/policy/assembly/gemm.ts). */
export function multiply(
  kernels: KernelExports,
  { shape: [m, k, n], left, right, out, bias = 0, accumulate = false, scratch }: MatrixProduct,
): void {
  kernels.gemm(
    left.transposed ? 1 : 0,
    right.transposed ? 1 : 0,
    m,
    n,
    k,
    left.address,
    left.stride,
    right.address,
    right.stride,
    out.address,
    out.stride,
    bias,
    accumulate ? 1 : 0,
    scratch,
  );
}

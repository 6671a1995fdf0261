import { beforeAll, describe, it } from "vitest";
import { useTestBackend } from "../testing/backend";
import { checkGradients } from "../testing/gradient-check";
import { gatherRows } from "./gather-rows";
import { gelu } from "./gelu";
import { rmsNorm } from "./rms-norm";
import { swiglu } from "./swiglu";

beforeAll(useTestBackend);

describe.each([
  [3, 8],
  [5, 7],
  [2, 3],
])("on [%i, %i]", (rows, width) => {
  it("rmsNorm is x · rsqrt(mean(x²) + ε) · w", () => {
    checkGradients({
      inputs: [[rows, width], [width]],
      kernel: ([x], [w]) => rmsNorm(x!, w!, 1e-3),
      formula: ([x, w]) =>
        x!.values.map((value, i) => {
          const row = x!.values.subarray(Math.floor(i / width) * width, (Math.floor(i / width) + 1) * width);
          return (value / Math.sqrt(row.reduce((sum, v) => sum + v * v, 0) / width + 1e-3)) * w!.values[i % width]!;
        }),
    });
  });

  it("swiglu is silu(gate) · up", () => {
    checkGradients({
      inputs: [[rows, 2 * width]],
      scale: 4,
      kernel: ([packed]) => swiglu(packed!),
      formula: ([packed]) =>
        Float64Array.from({ length: rows * width }, (_, i) => {
          const at = Math.floor(i / width) * 2 * width + (i % width);
          const gate = packed!.values[at]!;
          return (gate / (1 + Math.exp(-gate))) * packed!.values[at + width]!;
        }),
    });
  });

  it("gelu is x Φ(x)", () => {
    checkGradients({
      inputs: [[rows, width]],
      scale: 5,
      kernel: ([x]) => gelu(x!),
      formula: ([x]) => x!.values.map((value) => value * normalCdf(value)),
    });
  });
});

describe("gatherRows", () => {
  it("repeats, leaves out and zero-fills rows; gradients add up", () => {
    const index = Int32Array.of(2, -1, 0, 2, 2, 4);
    checkGradients({
      inputs: [[5, 3]],
      kernel: ([x]) => gatherRows(x!, index),
      formula: ([x]) =>
        Float64Array.from({ length: index.length * 3 }, (_, i) =>
          index[Math.floor(i / 3)]! < 0 ? 0 : x!.values[index[Math.floor(i / 3)]! * 3 + (i % 3)]!,
        ),
    });
  });

  it("takes an index without gaps", () => {
    const index = Int32Array.of(1, 0, 1);
    checkGradients({
      inputs: [[2, 4]],
      kernel: ([x]) => gatherRows(x!, index),
      formula: ([x]) => Float64Array.from([4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7], (i) => x!.values[i]!),
    });
  });
});

/** Φ by its Taylor series around 0, good to 1e-12 for |x| ≤ 5. */
function normalCdf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / (2 * n);
    sum += term / (2 * n + 1);
  }
  return 0.5 + sum / Math.sqrt(2 * Math.PI);
}

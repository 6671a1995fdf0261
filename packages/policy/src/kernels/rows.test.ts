import { beforeAll, describe, it } from "vitest";
import { useTestBackend } from "../testing/backend";
import { checkGradients } from "../testing/gradient-check";
import { gatherRows } from "./gather-rows";
import { gelu } from "./gelu";
import { layerNorm } from "./layer-norm";
import { normHeads } from "./norm-heads";
import { rmsNorm } from "./rms-norm";
import { quickGelu, tanhGelu } from "./sigmoid-gelu";
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

  it("layerNorm is (x - mean) · rsqrt(variance + ε) · w + b", () => {
    checkGradients({
      inputs: [[rows, width], [width], [width]],
      kernel: ([x], [w, b]) => layerNorm(x!, w!, b!, 1e-3),
      formula: ([x, w, b]) =>
        x!.values.map((value, i) => {
          const row = x!.values.subarray(Math.floor(i / width) * width, (Math.floor(i / width) + 1) * width);
          const mean = row.reduce((sum, v) => sum + v, 0) / width;
          const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / width;
          return ((value - mean) / Math.sqrt(variance + 1e-3)) * w!.values[i % width]! + b!.values[i % width]!;
        }),
    });
  });

  it("quickGelu is x σ(1.702 x), tanhGelu x (1 + tanh u) / 2", () => {
    checkGradients({
      inputs: [[rows, width]],
      scale: 4,
      kernel: ([x]) => quickGelu(x!),
      formula: ([x]) => x!.values.map((value) => value / (1 + Math.exp(-1.702 * value))),
    });
    checkGradients({
      inputs: [[rows, width]],
      scale: 4,
      kernel: ([x]) => tanhGelu(x!),
      formula: ([x]) =>
        x!.values.map((v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))),
    });
  });

  it("normHeads is rmsNorm of each query and key head", () => {
    const sizes = { heads: 4, keyValueHeads: 2, headDim: width };
    const total = 8 * width;
    checkGradients({
      inputs: [[rows, total], [width], [width]],
      kernel: ([x], [query, key]) => normHeads(x!, { query: query!, key: key!, epsilon: 1e-3 }, sizes),
      formula: ([x, query, key]) =>
        x!.values.map((value, i) => {
          const head = Math.floor((i % total) / width);
          if (head >= 6) return value;
          const from = i - (i % width);
          const square = x!.values.subarray(from, from + width).reduce((sum, v) => sum + v * v, 0) / width;
          return (value / Math.sqrt(square + 1e-3)) * (head < 4 ? query! : key!).values[i % width]!;
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

import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { useTestBackend } from "../testing/backend";
import { checkGradients, type Matrix } from "../testing/gradient-check";
import { attention } from "./attention";
import { attentionBuckets, attentionPlan, type AttentionHeads, type AttentionPlan } from "./attention-plan";
import { takeValues } from "./take-values";

beforeAll(useTestBackend);

const angle = (row: number, i: number): number => 0.3 * row * (i + 1) ** -0.7 + 0.1;

function table(rows: number, headDim: number): { cos: tf.Tensor2D; sin: tf.Tensor2D } {
  const make = (of: (x: number) => number): tf.Tensor2D =>
    tf.tensor2d(
      Float32Array.from({ length: (rows * headDim) / 2 }, (_, at) =>
        of(angle(Math.floor(at / (headDim / 2)), at % (headDim / 2))),
      ),
      [rows, headDim / 2],
    );
  return { cos: make(Math.cos), sin: make(Math.sin) };
}

/** Rows that row `i` sees. */
function visible(plan: AttentionPlan, i: number): number[] {
  const segment = plan.segments.find(({ start, count }) => i >= start && i < start + count)!;
  const own = segment.causal ? i - segment.start + 1 : segment.count;
  return [
    ...Array.from({ length: segment.prefixCount }, (_, k) => segment.prefixStart + k),
    ...Array.from({ length: own }, (_, k) => segment.start + k),
  ];
}

function formula(qkv: Matrix, plan: AttentionPlan, { heads, keyValueHeads, headDim }: AttentionHeads): Float64Array {
  const half = headDim / 2;
  const turned = (row: number, head: number): Float64Array => {
    const from = qkv.values.subarray(row * qkv.columns + head * headDim, row * qkv.columns + (head + 1) * headDim);
    return from.map((value, i) => {
      const c = Math.fround(Math.cos(angle(row, i % half)));
      const s = Math.fround(Math.sin(angle(row, i % half)));
      return i < half ? value * c - from[i + half]! * s : value * c + from[i - half]! * s;
    });
  };
  const out = new Float64Array(qkv.rows * heads * headDim);
  for (let i = 0; i < qkv.rows; i++) {
    const keys = visible(plan, i);
    for (let h = 0; h < heads; h++) {
      const g = Math.floor(h / (heads / keyValueHeads));
      const query = turned(i, h);
      const scores = keys.map(
        (k) => turned(k, heads + g).reduce((sum, value, d) => sum + value * query[d]!, 0) / Math.sqrt(headDim),
      );
      const most = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - most));
      const total = weights.reduce((a, b) => a + b, 0);
      keys.forEach((k, at) => {
        for (let d = 0; d < headDim; d++)
          out[(i * heads + h) * headDim + d]! +=
            (weights[at]! / total) * qkv.values[k * qkv.columns + (heads + keyValueHeads + g) * headDim + d]!;
      });
    }
  }
  return out;
}

function check(plan: AttentionPlan, sizes: AttentionHeads): void {
  const rotary = table(plan.rows, sizes.headDim);
  checkGradients({
    inputs: [[plan.rows, (sizes.heads + 2 * sizes.keyValueHeads) * sizes.headDim]],
    scale: 1.5,
    kernel: ([qkv]) => attention(qkv!, rotary, plan, sizes),
    formula: ([qkv]) => formula(qkv!, plan, sizes),
  });
  tf.dispose([rotary.cos, rotary.sin]);
}

const whole = (start: number, count: number, causal: boolean) => ({
  start,
  count,
  prefixStart: 0,
  prefixCount: 0,
  causal,
});

describe("attention", () => {
  it("is causal in a sequence, with grouped queries", () =>
    check(attentionPlan([whole(0, 6, true)]), { heads: 4, keyValueHeads: 2, headDim: 4 }));

  it("keeps packed sequences of different lengths apart", () =>
    check(attentionPlan([whole(0, 1, true), whole(1, 5, true), whole(6, 2, true)]), {
      heads: 2,
      keyValueHeads: 1,
      headDim: 6,
    }));

  it("lets completions see their prompt and themselves, not each other", () => {
    const branch = (start: number, count: number) => ({ start, count, prefixStart: 2, prefixCount: 3, causal: true });
    check(attentionPlan([whole(0, 2, true), whole(2, 3, true), branch(5, 2), branch(7, 1), branch(8, 3)]), {
      heads: 2,
      keyValueHeads: 2,
      headDim: 4,
    });
  });

  it("sees everything within a window", () =>
    check(attentionPlan([whole(0, 4, false), whole(4, 3, false)]), { heads: 3, keyValueHeads: 3, headDim: 8 }));

  it("is the same for a sequence of several query blocks", () => {
    // Long enough for more than one block of 64 queries; finite differences of all of it would take minutes.
    const plan = attentionPlan([
      whole(0, 150, true),
      { start: 150, count: 70, prefixStart: 0, prefixCount: 150, causal: true },
    ]);
    const sizes = { heads: 2, keyValueHeads: 1, headDim: 4 };
    const rotary = table(plan.rows, sizes.headDim);
    const values = Float64Array.from({ length: plan.rows * 16 }, (_, i) => Math.fround(Math.sin(i * 0.7)));
    const actual = takeValues(
      tf.tidy(() => attention(tf.tensor2d(Float32Array.from(values), [plan.rows, 16]), rotary, plan, sizes)),
    );
    formula({ rows: plan.rows, columns: 16, values }, plan, sizes).forEach((value, i) =>
      expect(actual[i]).toBeCloseTo(value, 5),
    );
    tf.dispose([rotary.cos, rotary.sin]);
  });
});

describe("attentionPlan", () => {
  it("refuses gaps and prefixes that come later", () => {
    expect(() => attentionPlan([whole(1, 2, true)])).toThrow("starts at 1");
    expect(() => attentionPlan([{ start: 0, count: 2, prefixStart: 1, prefixCount: 3, causal: true }])).toThrow(
      "prefix",
    );
  });

  it("packs short trees into dense units and cuts long ones into blocks; every visible pair is there once", () => {
    const branch = (start: number, count: number, prefixStart: number, prefixCount: number) => ({
      start,
      count,
      prefixStart,
      prefixCount,
      causal: true,
    });
    const plan = attentionPlan([
      whole(0, 5, true),
      branch(5, 3, 0, 5),
      branch(8, 4, 0, 5),
      whole(12, 600, true),
      branch(612, 40, 12, 600),
      whole(652, 7, false),
    ]);
    const seen = new Map<number, number[]>();
    for (const { units, queryCount, keyCount, queryRows, keyRows, mask } of attentionBuckets(plan)) {
      for (let u = 0; u < units; u++) {
        for (let q = 0; q < queryCount; q++) {
          const row = queryRows[u * queryCount + q]!;
          if (row < 0) continue;
          const keys = Array.from(keyRows.subarray(u * keyCount, (u + 1) * keyCount)).filter(
            (_, k) => !mask || mask[(u * queryCount + q) * keyCount + k] === 0,
          );
          seen.set(row, [...(seen.get(row) ?? []), ...keys]);
        }
      }
    }
    for (let row = 0; row < plan.rows; row++)
      expect(seen.get(row)!.toSorted((a, b) => a - b)).toEqual(visible(plan, row).toSorted((a, b) => a - b));
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aggregationWeights, countBatch } from "./aggregation";
import { cispo } from "./cispo";
import { dppo } from "./dppo";
import { dro } from "./dro";
import { gmpo } from "./gmpo";
import { gspo } from "./gspo";
import { klTerm, type KlEstimator } from "./kl-penalty";
import { evaluateObjective, type ObjectiveBatch, type ObjectiveConfig } from "./objective";
import { policyGradient } from "./policy-gradient";
import { ppoClip } from "./ppo-clip";
import { sapo } from "./sapo";
import type { AggregationMode } from "./token-loss";
import { vespo } from "./vespo";

const MODES: AggregationMode[] = [
  "token-mean",
  "token-sum",
  "seq-mean-token-sum",
  "seq-mean-token-mean",
  "seq-mean-token-sum-norm",
];

/** Rows of lengths, padded to the longest, with numbers from the list in turn. */
const masks = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 8 });

function batchOf(lengths: readonly number[], width: number): ObjectiveBatch {
  const size = lengths.length * width;
  const at = (seed: number) => Float64Array.from({ length: size }, (_, i) => -1.2 + Math.sin(seed + 1.7 * i));
  return {
    rows: lengths.length,
    width,
    mask: Float64Array.from({ length: size }, (_, i) => (i % width < lengths[Math.floor(i / width)]! ? 1 : 0)),
    logProbs: at(1),
    oldLogProbs: at(2),
    refLogProbs: at(3),
    entropies: at(4),
    advantages: Float64Array.from({ length: size }, (_, i) => Math.cos(Math.floor(i / width) * 2.3)),
  };
}

describe("aggregation", () => {
  it.each(MODES)("%s: shares of micro-batches add up to the whole, exactly", (mode) => {
    fc.assert(
      fc.property(masks, fc.nat(), (lengths, cut) => {
        const width = 6;
        const batch = batchOf(lengths, width);
        const counts = countBatch(batch.mask, width);
        const whole = aggregationWeights(mode, batch.mask, width, counts, 9);
        const at = (cut % (lengths.length + 1)) * width;
        const mask = Array.from(batch.mask);
        const parts = [mask.slice(0, at), mask.slice(at)].flatMap((part) => [
          ...aggregationWeights(mode, part, width, counts, 9),
        ]);
        expect(parts).toEqual([...whole]);
      }),
    );
  });

  it("of everything masked is 0, and the Dr.GRPO form asks for its constant", () => {
    for (const mode of MODES)
      expect([...aggregationWeights(mode, [0, 0], 2, { tokens: 0, sequences: 0 }, 5)]).toEqual([0, 0]);
    expect(() => aggregationWeights("seq-mean-token-sum-norm", [1], 1, { tokens: 1, sequences: 1 })).toThrow(
      "seq-mean-token-sum-norm needs maxLength, the longest response allowed; found undefined",
    );
  });
});

describe("derivatives", () => {
  // Losses whose value differentiates to their gradient (the others stop the gradient of a factor on purpose).
  const smooth: [string, ObjectiveConfig][] = [
    ["ppo", { policyLoss: ppoClip() }],
    ["gmpo", { policyLoss: gmpo() }],
    ["sapo", { policyLoss: sapo() }],
    ["policy gradient", { policyLoss: policyGradient() }],
    ["dro", { policyLoss: dro(0.7) }],
    ["k1", { policyLoss: policyGradient(), kl: { coefficient: 0.3, estimator: "k1" } }],
    ["k2", { policyLoss: policyGradient(), kl: { coefficient: 0.3, estimator: "k2" } }],
    ["k3", { policyLoss: policyGradient(), kl: { coefficient: 0.3, estimator: "k3" } }],
    ["abs", { policyLoss: policyGradient(), kl: { coefficient: 0.3, estimator: "abs" } }],
  ];
  it.each(smooth)("%s agrees with difference quotients", (_, config) => {
    const batch = batchOf([4, 0, 6, 2], 6);
    const counts = countBatch(batch.mask, 6);
    const { logProbGradient } = evaluateObjective(batch, config, counts);
    for (let i = 0; i < logProbGradient.length; i++) {
      const moved = (by: number) => {
        const logProbs = Float64Array.from(batch.logProbs);
        logProbs[i]! += by;
        return evaluateObjective({ ...batch, logProbs }, config, counts).loss;
      };
      expect((moved(1e-6) - moved(-1e-6)) / 2e-6).toBeCloseTo(logProbGradient[i]!, 6);
    }
  });

  it("of GSPO, summed over a row, is that of the sequence ratio", () => {
    const batch = batchOf([5], 5);
    const config: ObjectiveConfig = {
      policyLoss: gspo({ clipLow: 5, clipHigh: 50 }),
      aggregation: "seq-mean-token-mean",
    };
    const counts = countBatch(batch.mask, 5);
    const { logProbGradient } = evaluateObjective(batch, config, counts);
    const moved = (by: number) =>
      evaluateObjective({ ...batch, logProbs: Float64Array.from(batch.logProbs, (lp) => lp + by) }, config, counts)
        .loss;
    expect((moved(1e-6) - moved(-1e-6)) / 2e-6).toBeCloseTo(
      logProbGradient.reduce((a, b) => a + b, 0),
      6,
    );
  });
});

describe("every policy loss", () => {
  const all = [
    ppoClip(),
    gspo(),
    cispo(),
    gmpo(),
    sapo(),
    policyGradient(),
    dppo(),
    dppo({ divergence: "kl" }),
    dro(0.1),
    vespo(),
  ];
  it.each(all.map((loss) => [loss.name, loss] as const))("%s reads nothing outside the mask", (_, policyLoss) => {
    const batch = batchOf([3, 1, 0], 4);
    const poison = (values: ArrayLike<number>) => Float64Array.from(values, (v, i) => (batch.mask[i] === 0 ? NaN : v));
    const { values, gradient } = policyLoss.evaluate({
      ...batch,
      logProbs: poison(batch.logProbs),
      oldLogProbs: poison(batch.oldLogProbs),
      advantages: poison(batch.advantages),
    });
    values.forEach((value, i) =>
      expect([value, gradient[i]].every((x) => (batch.mask[i] === 0 ? x === 0 : Number.isFinite(x)))).toBe(true),
    );
  });

  it.each(all.filter((loss) => !loss.pullsWithoutAdvantage).map((loss) => [loss.name, loss] as const))(
    "%s has no derivative where the advantage is 0, so that such rows may be left out",
    (_, policyLoss) => {
      const batch = batchOf([3, 4], 4);
      const { gradient, clipped } = policyLoss.evaluate({ ...batch, advantages: new Float64Array(8) });
      expect([...gradient].every((g) => g === 0)).toBe(true);
      if (policyLoss.name === "ppo-clip") expect([...clipped]).toEqual(Array(8).fill(0));
    },
  );

  it("PPO refuses bounds that make no sense", () => {
    expect(() => ppoClip({ clipLow: -0.1 })).toThrow("clip bounds must be ≥ 0, found -0.1 and 0.28");
    expect(() => ppoClip({ dualClip: 1 })).toThrow("dualClip must be above 1, found 1");
    expect(() => dro(0)).toThrow("beta must be above 0, found 0");
  });
});

describe("KL estimators", () => {
  it("are 0 at equality, and all but k1 are never negative", () => {
    const estimators: KlEstimator[] = ["k1", "k2", "k3", "abs", "k1+", "k3+", "abs+"];
    for (const estimator of estimators) expect(klTerm(estimator, -1, -1).value).toBe(0);
    fc.assert(
      fc.property(
        fc.double({ min: -30, max: 0, noNaN: true }),
        fc.double({ min: -30, max: 0, noNaN: true }),
        (a, b) => {
          for (const estimator of ["k2", "k3", "abs"] as const)
            expect(klTerm(estimator, a, b).value).toBeGreaterThanOrEqual(0);
          expect(klTerm("k3+", a, b)).toEqual({ value: klTerm("k3", a, b).value, gradient: a - b });
        },
      ),
    );
  });
});

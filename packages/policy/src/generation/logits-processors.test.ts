import { describe, expect, it } from "vitest";
import {
  banRepeatedNgrams,
  banTokens,
  keepMinP,
  keepTopK,
  keepTopP,
  penalizeRepetition,
  scaleByTemperature,
} from "./logits-processors";
import { rowRandom } from "./row-random";
import { plainSampling } from "../testing/plain-sampling";
import { shapeLogits, TokenSampler } from "./sampler";

const after = (logits: number[], change: (values: Float32Array) => void): number[] => {
  const values = Float32Array.from(logits);
  change(values);
  return [...values];
};
const out = -Infinity;

// Hand-made cases; those of transformers are compared in ../parity.
describe("logits processors", () => {
  it("penalize each token that occurred once, whatever its sign", () =>
    expect(after([2, -2, 1], (x) => penalizeRepetition(x, [0, 1, 0], 2))).toEqual([1, -4, 1]));
  it("ban the token that would repeat an n-gram", () => {
    expect(after([0, 0, 0, 0], (x) => banRepeatedNgrams(x, [1, 2, 3, 1, 2], 3))).toEqual([0, 0, 0, out]);
    expect(after([0, 0, 0, 0], (x) => banRepeatedNgrams(x, [3, 1], 1))).toEqual([0, out, 0, out]);
    expect(after([0, 0], (x) => banRepeatedNgrams(x, [1], 3))).toEqual([0, 0]);
  });
  it("ban tokens by id", () => expect(after([1, 2, 3], (x) => banTokens(x, [1]))).toEqual([1, out, 3]));
  it("divide by the temperature", () => expect(after([1, -2], (x) => scaleByTemperature(x, 0.5))).toEqual([2, -4]));
  it("keep the k largest and what equals the smallest of them", () => {
    expect(after([3, 1, 2, 2], (x) => keepTopK(x, 2))).toEqual([3, out, 2, 2]);
    expect(after([3, 1], (x) => keepTopK(x, 9))).toEqual([3, 1]);
  });
  it("keep the nucleus and at least one token", () => {
    const logits = [0.5, 0.3, 0.15, 0.05].map(Math.log);
    expect(after(logits, (x) => keepTopP(x, 0.7)).map(Number.isFinite)).toEqual([true, true, false, false]);
    expect(after(logits, (x) => keepTopP(x, 0)).map(Number.isFinite)).toEqual([true, false, false, false]);
    expect(after(logits, (x) => keepTopP(x, 0.1, 3)).map(Number.isFinite)).toEqual([true, true, true, false]);
  });
  it("keep of a large vocabulary what sorting all of it keeps", () => {
    const random = rowRandom(3, 0, 0);
    const logits = Array.from({ length: 5000 }, (_, i) =>
      Math.fround(i % 7 === 0 ? Math.round(4 * random()) : i % 11 === 0 ? out : 20 * (random() - random())),
    );
    const order = logits.map((_, id) => id).sort((a, b) => logits[a]! - logits[b]! || b - a);
    const weights = logits.map((x) => Math.exp(x - logits[order.at(-1)!]!));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const p of [0.01, 0.3, 0.9, 0.95, 0.9999]) {
      let below = 0;
      const kept = new Set(order.slice(order.findIndex((id) => (below += weights[id]! / total) > 1 - p)));
      const found = after(logits, (x) => keepTopP(x, p));
      expect(found).toEqual(logits.map((x, id) => (kept.has(id) ? x : out)));
    }
    for (const k of [1, 20, 4999]) {
      const limit = logits[order[order.length - k]!]!;
      expect(after(logits, (x) => keepTopK(x, k))).toEqual(logits.map((x) => (x < limit ? out : x)));
    }
  });
  it("keep what is not far less probable than the best", () => {
    const logits = [0.5, 0.3, 0.15, 0.05].map(Math.log);
    expect(after(logits, (x) => keepMinP(x, 0.4)).map(Number.isFinite)).toEqual([true, true, false, false]);
    expect(after([1, 1, 0, 0], (x) => keepMinP(x, 0.9, 3)).map(Number.isFinite)).toEqual([true, true, true, false]);
  });
});

describe("sampling", () => {
  it("takes the largest logit at temperature 0, and gives its log-probability at temperature 1", () => {
    const { token, logProb } = new TokenSampler({ ...plainSampling, temperature: 0 }).sample(
      Float32Array.of(0, Math.log(3), 0),
      {
        history: () => [],
        random: () => {
          throw new Error("no random number is needed");
        },
      },
    );
    expect(token).toBe(1);
    expect(logProb).toBeCloseTo(Math.log(3 / 5), 6);
  });

  it("draws tokens as often as they are probable, and only from what is kept", () => {
    const logits = Float32Array.of(...[0.1, 0.6, 0.3].map(Math.log));
    const random = rowRandom(1, 0, 0);
    const counts = [0, 0, 0];
    const sampler = new TokenSampler(plainSampling);
    for (let i = 0; i < 20_000; i++) counts[sampler.sample(logits, { history: () => [], random }).token]!++;
    [0.1, 0.6, 0.3].forEach((p, i) => expect(Math.abs(counts[i]! / 20_000 - p)).toBeLessThan(0.015));
    const filtered = new TokenSampler({ ...plainSampling, topK: 2 });
    for (let i = 0; i < 200; i++) expect(filtered.sample(logits, { history: () => [], random }).token).not.toBe(0);
  });

  it("gives log-probabilities at the temperature, before filters", () => {
    const logits = Float32Array.of(1, 2, 3);
    const { token, logProb } = new TokenSampler({ ...plainSampling, temperature: 0.5, topK: 1 }).sample(logits, {
      history: () => [],
      random: () => 0.5,
    });
    expect(token).toBe(2);
    expect(logProb).toBeCloseTo(6 - Math.log(Math.exp(2) + Math.exp(4) + Math.exp(6)), 5);
    expect([...logits]).toEqual([1, 2, 3]);
  });

  it("draws the same tokens without banned ones as through all steps, whichever is the most probable", () => {
    const random = rowRandom(2, 0, 0);
    // A limit that removes nothing takes the way through all steps.
    const [short, long] = [0, Number.MIN_VALUE].map(
      (minP) => new TokenSampler({ ...plainSampling, minP, bannedTokenIds: [0, 5] }),
    ) as [TokenSampler, TokenSampler];
    for (let i = 0; i < 500; i++) {
      const logits = Float32Array.from({ length: 40 }, () => 12 * random());
      if (i % 10 === 0) logits[5] = 13;
      const uniform = random();
      const drawn = [short, long].map((sampler) =>
        sampler.sample(logits, { history: () => [], random: () => uniform }),
      );
      expect(drawn[0]).toEqual(drawn[1]);
      expect([0, 5]).not.toContain(drawn[0]!.token);
    }
  });

  it("applies the steps in transformers' order: the penalty before the temperature, top-k on what is left", () => {
    const shaped = shapeLogits(Float32Array.of(4, 3, 2, 1), () => [0], {
      ...plainSampling,
      temperature: 2,
      repetitionPenalty: 4,
      topK: 2,
      bannedTokenIds: [3],
    });
    expect([...shaped]).toEqual([out, 1.5, 1, out]);
  });
});

describe("rowRandom", () => {
  it("is the same stream for the same place, another for any other", () => {
    const first = (seed: number, prompt: number, sample: number): string =>
      Array.from({ length: 4 }, rowRandom(seed, prompt, sample)).join();
    expect(first(7, 1, 2)).toBe(first(7, 1, 2));
    const streams = [
      first(7, 1, 2),
      first(8, 1, 2),
      first(7, 2, 1),
      first(7, 2, 2),
      first(7, 1, 3),
      first(7 + 2 ** 32, 1, 2),
      first(-7, 1, 2),
    ];
    expect(new Set(streams).size).toBe(streams.length);
  });

  it("is uniform across rows and along a row", () => {
    const across = Array.from({ length: 4000 }, (_, i) => rowRandom(3, i >> 3, i & 7)());
    const stream = rowRandom(3, 0, 0);
    const along = Array.from({ length: 4000 }, stream);
    for (const values of [across, along]) {
      const counts = Array.from({ length: 10 }, () => 0);
      for (const value of values) counts[Math.floor(value * 10)]!++;
      // 400 expected each; a deviation of 80 is four standard deviations.
      for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(80);
    }
  });
});

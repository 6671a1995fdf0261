import { ConfigError } from "@v-triune/errors";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DifficultyConfig } from "../config/training-config";
import { DIFFICULTY_DEFAULTS } from "../config/default-config";
import { DifficultySampler } from "./difficulty-sampler";
import type { SourceRows } from "./training-data";

/** Rows of sources "0", "1", .. of the given sizes, each once per epoch. */
function rowsOf(...sizes: readonly number[]): SourceRows {
  const sourceOf = Uint16Array.from(sizes.flatMap((size, source) => Array.from({ length: size }, () => source)));
  return {
    sources: sizes.map((_, source) => String(source)),
    sourceOf,
    entries: new Uint16Array(sourceOf.length).fill(1),
  };
}

function samplerOf(rows: SourceRows, change: Partial<DifficultyConfig> = {}, seed = 1): DifficultySampler {
  return new DifficultySampler(rows, { ...DIFFICULTY_DEFAULTS, floor: 0, ...change }, seed);
}

/** Draws and tells the sampler that each sample has its own fixed rate of right answers. */
function play(sampler: DifficultySampler, rateOf: (row: number) => number, steps: number, count: number): number[] {
  const drawn: number[] = [];
  for (let step = 0; step < steps; step++) {
    const rows = sampler.draw(count).map(({ row }) => row);
    sampler.observe(rows.map((row) => [row, [rateOf(row), rateOf(row)]]));
    drawn.push(...rows);
  }
  return drawn;
}

const shareOf = (rows: readonly number[], isCounted: (row: number) => boolean): number =>
  rows.filter(isCounted).length / rows.length;

describe("drawing by difficulty", () => {
  it("draws samples of the band more often, by the stated weight, once it knows them", () => {
    const sampler = samplerOf(rowsOf(300));
    // A third each: never right, half right, always right.
    const rateOf = (row: number): number => [0, 0.5, 1][row % 3]!;
    play(sampler, rateOf, 300, 10);
    expect(sampler.counts()["0"]).toEqual({ unseen: 0, belowBand: 100, inBand: 100, aboveBand: 100, leftOut: 0 });
    const late = play(sampler, rateOf, 400, 10);
    // 100 · 1 against 200 · 0.1
    expect(shareOf(late, (row) => row % 3 === 1)).toBeCloseTo(100 / 120, 1);
  });

  it("takes samples that were never drawn as samples of the band", () => {
    const sampler = samplerOf(rowsOf(100));
    sampler.observe(Array.from({ length: 50 }, (_, row) => [row, [1, 1]] as const));
    const rows = Array.from({ length: 400 }, () => {
      const [draw] = sampler.draw(1);
      sampler.observe([]);
      return draw!.row;
    });
    expect(shareOf(rows, (row) => row >= 50)).toBeCloseTo(50 / 55, 1);
  });

  it("forgets by the decay: a rate is an average over groups in which the newest counts most", () => {
    const sampler = samplerOf(rowsOf(1), { decay: 0.5 });
    sampler.observe([[0, [0, 0, 0, 0]]]);
    sampler.observe([[0, [1, 1, 1, 1]]]);
    const { passes, answers } = sampler.state;
    expect([passes[0], answers[0]]).toEqual([4, 6]);
    expect(sampler.counts()["0"]?.inBand).toBe(1);
    sampler.observe([[0, []]]);
    expect(sampler.state.answers[0]).toBe(6);
  });

  it("gives every source its floor to within one draw, whatever its rates are", () => {
    const sampler = samplerOf(rowsOf(200, 20, 20), { floor: 0.2, outside: 0 });
    const sourceOf = (row: number): number => (row < 200 ? 0 : row < 220 ? 1 : 2);
    // Sources 1 and 2 are solved.
    const rateOf = (row: number): number => (sourceOf(row) === 0 ? 0.5 : 1);
    play(sampler, rateOf, 40, 10);
    const late = play(sampler, rateOf, 20, 10);
    for (const source of [1, 2]) {
      const draws = late.filter((row) => sourceOf(row) === source).length;
      expect(Math.abs(draws - 40)).toBeLessThanOrEqual(1);
    }
    // Without a floor they are not drawn any more.
    const bare = samplerOf(rowsOf(200, 20, 20), { floor: 0, outside: 0 });
    play(bare, rateOf, 120, 10);
    expect(play(bare, rateOf, 20, 10).every((row) => row < 200)).toBe(true);
  });

  it("draws no sample twice in a step before all of its source were drawn", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }), fc.nat(), (size, count, seed) => {
        const sampler = samplerOf(rowsOf(size), {}, seed);
        play(sampler, (row) => (row % 4) / 3, 3, 7);
        const rows = sampler.draw(count).map(({ row }) => row);
        const most = Math.max(...rows.map((row) => rows.filter((other) => other === row).length));
        expect(most).toBeLessThanOrEqual(Math.ceil(count / size));
      }),
      { numRuns: 60 },
    );
  });

  it("follows the weights and caps of the sets", () => {
    const rows = rowsOf(90);
    for (let row = 0; row < 90; row++) rows.entries[row] = row < 30 ? 0 : row < 60 ? 1 : 3;
    const drawn = Array.from({ length: 600 }, (_, seed) => samplerOf(rows, {}, seed).draw(1)[0]!.row);
    expect(drawn.every((row) => row >= 30)).toBe(true);
    expect(shareOf(drawn, (row) => row >= 60)).toBeCloseTo(0.75, 1);
  });

  it("never draws a row again that cannot be used, and ends when there is no other", () => {
    const sampler = samplerOf(rowsOf(3, 2));
    for (const row of [0, 3, 4]) sampler.leaveOut(row);
    const rows = sampler.draw(20).map(({ row }) => row);
    expect(new Set(rows)).toEqual(new Set([1, 2]));
    expect(sampler.counts()["1"]).toMatchObject({ leftOut: 2 });
    for (const row of [1, 2]) sampler.leaveOut(row);
    expect(sampler.draw(5)).toEqual([]);
  });

  it("goes on with the same draws from a saved state", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 6 }), (seed, steps) => {
        const rows = rowsOf(40, 9, 15);
        const rateOf = (row: number): number => (row % 5) / 4;
        const whole = samplerOf(rows, { floor: 0.1 }, seed);
        play(whole, rateOf, steps, 7);
        whole.leaveOut(2);
        whole.observe([]);
        const { position, state } = whole;
        const resumed = samplerOf(rows, { floor: 0.1 }, seed);
        resumed.restore(position, state);
        expect(play(resumed, rateOf, 5, 7)).toEqual(play(whole, rateOf, 5, 7));
        // A step that is made again draws the same.
        whole.restore(position, state);
        resumed.restore(position, state);
        expect(whole.draw(9)).toEqual(resumed.draw(9));
      }),
      { numRuns: 40 },
    );
  });

  it("refuses floors that are more than all draws, and says how large they may be", () => {
    const make = () => samplerOf(rowsOf(5, 5, 5), { floor: 0.4 });
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(/at most 1 \/ 3.*\n.*0\.4.*\n.*0\.333/);
    expect(() => samplerOf(rowsOf(5, 5, 5), { floor: 1 / 3 })).not.toThrow();
    // A source of which nothing may be drawn has no floor.
    const rows = rowsOf(5, 5, 5);
    rows.entries.fill(0, 10);
    expect(() => samplerOf(rows, { floor: 0.5 })).not.toThrow();
  });
});

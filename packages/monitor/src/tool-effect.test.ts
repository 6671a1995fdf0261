import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TOOL_METRICS, type ToolPair, toolDrift, toolRecords, toolTerms } from "./tool-effect";

const pair = (without: number, offered: number, called: boolean, source = "a"): ToolPair => {
  return { source, without: [without], offered: [{ accuracy: offered, called }] };
};

/** 4 samples fail without the tool, 6 succeed. */
const ten = [
  pair(0, 1, true),
  pair(0, 0, true),
  pair(0, 1, false),
  pair(0, 0, false),
  pair(1, 1, true),
  pair(1, 0, true),
  pair(1, 1, false),
  pair(1, 1, false),
  pair(1, 1, false),
  pair(1, 0, false),
];

describe("toolTerms", () => {
  it("counts each of the eight kinds of samples where MED does", () => {
    const terms = toolTerms([...ten, pair(0, 1, true), pair(1, 0, true)]);
    expect(terms.accuracyWithout).toBeCloseTo(7 / 12, 12);
    expect(terms.accuracyOffered).toBeCloseTo(7 / 12, 12);
    expect(terms.callGain).toBeCloseTo(2 / 12, 12);
    expect(terms.schemaGain).toBeCloseTo(1 / 12, 12);
    expect(terms.callHarm).toBeCloseTo(2 / 12, 12);
    expect(terms.schemaHarm).toBeCloseTo(1 / 12, 12);
    expect(terms.callRateOnFailures).toBeCloseTo(3 / 5, 12);
    expect(terms.callRateOnSuccesses).toBeCloseTo(3 / 7, 12);
    expect(terms.fixedByCall).toBeCloseTo(2 / 3, 12);
    expect(terms.brokenByCall).toBeCloseTo(2 / 3, 12);
  });

  it("pairs several answers each with each", () => {
    const terms = toolTerms([
      {
        source: "a",
        without: [1, 0, 0, 0],
        offered: [
          { accuracy: 1, called: true },
          { accuracy: 0, called: false },
        ],
      },
    ]);
    // A quarter of the answers without is right, half of those with, and all of those that call.
    expect(terms).toMatchObject({ gap: 0.25, callGain: 0.375, schemaGain: 0, callHarm: 0, schemaHarm: 0.125 });
  });

  it("has no rates of calls where nothing failed or was called", () => {
    const terms = toolTerms([pair(1, 1, false)]);
    expect(terms).toMatchObject({ callRateOnFailures: null, fixedByCall: null, brokenByCall: null });
    expect(terms.callRateOnSuccesses).toBe(0);
    expect(() => toolTerms([])).toThrow(RangeError);
    expect(() => toolTerms([{ source: "a", without: [], offered: [] }])).toThrow(RangeError);
  });

  it("always adds up to the gap", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const sample = fc.record({
      source: fc.constant("a"),
      without: fc.array(share, { minLength: 1, maxLength: 3 }),
      offered: fc.array(fc.record({ accuracy: share, called: fc.boolean() }), { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 8 }), (pairs) => {
        const { gap, callGain, schemaGain, callHarm, schemaHarm } = toolTerms(pairs);
        expect(callGain + schemaGain - callHarm - schemaHarm).toBeCloseTo(gap, 9);
      }),
    );
  });
});

describe("toolDrift", () => {
  it("is MED's: drifts from the first checkpoint, and the tool's share of the areas", () => {
    const drift = toolDrift([
      { step: 0, accuracyWithout: 0.4, gap: -0.1 },
      { step: 10, accuracyWithout: 0.6, gap: -0.1 },
      { step: 30, accuracyWithout: 0.7, gap: 0.1 },
    ]);
    expect(drift).toMatchObject({ from: 0, to: 30 });
    expect(drift.intrinsic).toBeCloseTo(0.3, 12);
    expect(drift.tool).toBeCloseTo(0.2, 12);
    // ∫|f| = 10 · 0.1 + 20 · 0.25 = 6, ∫|Δ| = 0 + 20 · 0.1 = 2.
    expect(drift.toolShare).toBeCloseTo(2 / 8, 12);
  });

  it("counts harm that grew as what moved, and nothing where nothing did", () => {
    const point = (step: number, accuracyWithout: number, gap: number) => ({ step, accuracyWithout, gap });
    expect(toolDrift([point(0, 0.5, 0.2), point(4, 0.5, 0)]).toolShare).toBe(1);
    expect(toolDrift([point(0, 0.5, 0.2), point(4, 0.5, 0.2)]).toolShare).toBe(0);
    expect(() => toolDrift([point(0, 0.5, 0.2)])).toThrow(RangeError);
    expect(() => toolDrift([point(3, 0.5, 0.2), point(3, 0.5, 0)])).toThrow(RangeError);
  });
});

describe("toolRecords", () => {
  it("has a record per source, and their plain mean with its interval", () => {
    const pairs = [...ten, ...Array.from({ length: 40 }, () => pair(0, 1, true, "b"))];
    const [a, b, all] = toolRecords(7, pairs, { resamples: 200 });
    expect([a, b, all].map((record) => [record?.step, record?.scope, record?.name])).toEqual([
      [7, "source", "a"],
      [7, "source", "b"],
      [7, "all", "all"],
    ]);
    expect(b?.metrics).toMatchObject({
      "samples/count": 40,
      [TOOL_METRICS.callGain]: 1,
      [`${TOOL_METRICS.callGain}/low`]: 1,
      [TOOL_METRICS.fixedByCall]: 1,
    });
    expect(b?.metrics).not.toHaveProperty([TOOL_METRICS.brokenByCall]);
    expect(all?.metrics[TOOL_METRICS.callGain]).toBeCloseTo((0.1 + 1) / 2, 12);
    const { [`${TOOL_METRICS.gap}/low`]: low, [`${TOOL_METRICS.gap}/high`]: high } = a!.metrics;
    expect(low).toBeLessThan(a!.metrics[TOOL_METRICS.gap]!);
    expect(high).toBeGreaterThan(a!.metrics[TOOL_METRICS.gap]!);
    expect(toolRecords(7, pairs, { resamples: 200 })).toEqual([a, b, all]);
    expect(toolRecords(7, [])).toEqual([]);
  });
});

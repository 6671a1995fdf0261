import type { MemorySample } from "@v-triune/training/browser";
import { describe, expect, it } from "vitest";
import { allTrainingSamples, heldOutSamples, samplesOf, sourcesOf, trainingSamples } from "./drawn-samples";
import { DEFAULTS, OWN_DEFAULT, OWN_SOURCE, readSettings, settingsQuery } from "./settings";

describe("the address of a run", () => {
  it("gives the settings that it was made of", () => {
    for (const settings of [
      DEFAULTS,
      { seed: 7, steps: 3, heldOut: 1, own: { counts: [2, 2], colors: ["red", "yellow"], sizes: [8, 28] } } as const,
    ])
      expect(readSettings(settingsQuery(settings))).toEqual({ settings, problems: [] });
    expect(readSettings("?ownCounts=0-1").settings.own).toEqual({ ...OWN_DEFAULT, counts: [0, 1] });
  });

  it.each([
    ["?steps=0", "steps=0", "a whole number from 1 to 1000"],
    ["?seed=1e9", "seed=1e9", "a whole number from 0"],
    ["?ownCounts=3-1", "ownCounts=3-1", "as in 1-3"],
    ["?ownCounts=1-9", "ownCounts=1-9", "from 0 to 6"],
    ["?ownColors=red,pink", "ownColors=red,pink", "some of red,green,blue,yellow"],
    ["?ownSizes=", "ownSizes=", "some of 8,12"],
    ["?step=3", "step, which this page does not know", "steps"],
  ])("says what is wrong with %s, and takes the default", (search, ...parts) => {
    const { settings, problems } = readSettings(search);
    expect(problems).toHaveLength(1);
    for (const part of parts) expect(problems[0]).toContain(part);
    expect({ ...settings, own: null }).toEqual(DEFAULTS);
  });
});

describe("your own source", () => {
  const own = { counts: [2, 3], colors: ["blue"], sizes: [24] } as const;
  const settings = { seed: 1, steps: 2, heldOut: 2, own };
  const pixelsOf = ({ pictures }: MemorySample): Uint8Array => (pictures[0] as { data: Uint8Array }).data;
  const samples = allTrainingSamples(settings);
  /** All of a sample, in a form that is compared quickly. */
  const text = (sample: MemorySample): string => JSON.stringify(sample.sample) + pixelsOf(sample).join();

  it("comes after the others, which stay as they are, with the counts and colors of the address", () => {
    const others = allTrainingSamples({ ...settings, own: null }).map(text);
    expect(samples).toHaveLength(samplesOf(settings));
    expect(samples.slice(0, others.length).map(text).join() === others.join()).toBe(true);
    const held = heldOutSamples(settings).map(text);
    const otherHeld = heldOutSamples({ ...settings, own: null }).map(text);
    expect(held.slice(0, otherHeld.length).join() === otherHeld.join()).toBe(true);
    expect(held).toHaveLength(otherHeld.length + 2);
    expect(sourcesOf(settings).at(-1)).toBe(OWN_SOURCE);
    for (const sample of samples.slice(others.length)) {
      expect(sample.sample.data_source).toBe(OWN_SOURCE);
      expect(["\\boxed{2}", "\\boxed{3}"]).toContain(sample.sample.reward_model.ground_truth);
      // Blue shapes on gray ground: no pixel is red, green or yellow.
      expect(pixelsOf(sample).some((value, at) => at % 3 < 2 && value > 150)).toBe(false);
    }
  });

  it("is drawn row by row as all at once", () => {
    const at = trainingSamples(settings);
    for (const row of [samples.length - 1, 3, 20]) expect(text(at(row)) === text(samples[row]!)).toBe(true);
    expect(() => at(samples.length)).toThrow("no training sample");
  });
});

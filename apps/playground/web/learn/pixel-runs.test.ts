import { heldOutQuestions } from "@v-triune/demo-tasks/questions";
import { expect, it } from "vitest";
import { pixelsOf, runsOf } from "./pixel-runs";

it("gives back the pixels, runs longer than a byte counts included, in a tenth of the memory", () => {
  const long = new Uint8Array(3 * 700).fill(7);
  const noise = Uint8Array.from({ length: 300 }, (_, index) => (index * 37) % 251);
  for (const pixels of [long, noise, new Uint8Array()]) expect(pixelsOf(runsOf(pixels))).toEqual(pixels);
  for (const { question } of heldOutQuestions(2)) {
    const { pixels } = question.canvas;
    const runs = runsOf(pixels);
    expect(pixelsOf(runs)).toEqual(pixels);
    expect(runs.length).toBeLessThan(pixels.length / 10);
  }
});

import type { MemoryEstimate } from "@v-triune/training";
import { expect, it } from "vitest";
import { formatMemory } from "./format-memory";

const small: MemoryEstimate = {
  parameters: 1e6,
  trained: 1e6,
  weights: 4e6,
  reference: 0,
  teacher: 0,
  gradients: 4e6,
  moments: 8e6,
  activations: 1e6,
  passing: 3e8,
  process: 3e8,
  tensors: 2e7,
  decoding: 1e6,
  threads: 0,
  gradientCheckpointing: false,
  savedByBfloat16: 0,
  total: 3.2e8,
};
const helps = (parts: Partial<MemoryEstimate>, available: number): string[] =>
  formatMemory({ ...small, ...parts }, available)
    .split("What helps:\n")
    .slice(1)
    .flatMap((text) => text.split("\n").map((line) => line.trim()));

it("advises what takes much of the memory that is missing, and nothing where all fits", () => {
  expect(helps({}, 64e9)).toEqual([]);
  expect(helps({}, 1e6)).toEqual(["or take a smaller model"]);
  expect(helps({ activations: 8e9, total: 9e9 }, 4e9)).toEqual([
    "lower update.microBatchTokens: the result stays the same",
    "update: {gradientCheckpointing: auto}: the same numbers in a third more time",
    "or take a smaller model",
  ]);
  expect(helps({ threads: 8e9, total: 9e9 }, 4e9)[0]).toBe("workers: 1: less memory, more time");
  expect(helps({ gradients: 3e9, moments: 6e9, total: 1e10 }, 4e9)[0]).toMatch(/^train an adapter/);
});

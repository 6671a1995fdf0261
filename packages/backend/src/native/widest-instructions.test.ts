import { expect, it } from "vitest";
import { BackendError } from "../backend-error";
import { widestInstructions } from "./widest-instructions";

it("limits own kernels to the instructions that a variable names", () => {
  expect(widestInstructions({})).toBe(2);
  expect(widestInstructions({ V_TRIUNE_INSTRUCTIONS: "" })).toBe(2);
  expect(["base", "avx2", "avx512"].map((name) => widestInstructions({ V_TRIUNE_INSTRUCTIONS: name }))).toEqual([
    0, 1, 2,
  ]);
});

it("says by its name what is wrong with it, also in doctor's one line", () => {
  const wrong = (): number => widestInstructions({ V_TRIUNE_INSTRUCTIONS: "avx3" });
  expect(wrong).toThrow(BackendError);
  expect(wrong).toThrow(
    /V_TRIUNE_INSTRUCTIONS names no instructions[^]*"avx3"[^]*set V_TRIUNE_INSTRUCTIONS to base, avx2/,
  );
});

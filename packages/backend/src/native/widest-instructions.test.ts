import { afterEach, describe, expect, it, vi } from "vitest";
import { useWidestInstructions, widestInstructions } from "./widest-instructions";

afterEach(() => vi.unstubAllEnvs());

describe("the instructions of own kernels", () => {
  const used = (...instructions: string[]): [string, number] => {
    let chosen = -1;
    const name = useWidestInstructions({ instructions, use: (index) => (chosen = index) });
    return [name, chosen];
  };

  it("are the widest that the processor has and V_TRIUNE_INSTRUCTIONS allows", () => {
    vi.stubEnv("V_TRIUNE_INSTRUCTIONS", "");
    expect(used("SSE2", "AVX2", "AVX-512")).toEqual(["AVX-512", 2]);
    expect(used("NEON")).toEqual(["NEON", 0]);
    vi.stubEnv("V_TRIUNE_INSTRUCTIONS", "avx2");
    expect(used("SSE2", "AVX2", "AVX-512")).toEqual(["AVX2", 1]);
    expect(used("NEON")).toEqual(["NEON", 0]);
  });

  it("are refused by a name that does not exist", () => {
    expect(() => widestInstructions({ V_TRIUNE_INSTRUCTIONS: "AVX2" })).toThrow(/expected.*base, avx2, avx512/is);
  });
});

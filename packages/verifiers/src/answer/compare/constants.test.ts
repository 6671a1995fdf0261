import { describe, expect, it } from "vitest";
import { compareMath, readMath } from "./math-engine";
import { fingerprint } from "./modular";

const compare = (a: string, b: string) => compareMath(readMath(a)!, readMath(b)!);

describe("constants of any size", () => {
  it.each([
    ["2024^{2024}", "2024^{2023}\\cdot 2024"],
    ["2^{2^{2024}}", "4^{2^{2023}}"],
    ["9^{9^{9}}", "9^{387420489}"],
    ["2025!", "2025\\cdot 2024!"],
    ["\\frac{1}{2^{20000}}", "2^{-20000}"],
    ["\\frac{100!}{50!50!}", "\\binom{100}{50}"],
    ["\\sqrt{8}", "2\\sqrt{2}"],
    ["\\sqrt{5+2\\sqrt{6}}", "\\sqrt{2}+\\sqrt{3}"],
    ["\\sqrt{2}\\cdot 10^{-30}", "\\frac{2\\cdot 10^{-30}}{\\sqrt{2}}"],
    ["e^{i\\pi}", "-1"],
  ])("%s equals %s", (a, b) => expect(compare(a, b)).toBe("equal"));

  it.each([
    ["4", "2^{2^{2^{2^{2^2}}}}"],
    ["2^{100000}-1", "2^{100000}+1"],
    ["10^{-20}", "10^{-19}"],
    ["\\frac{1}{2004!}", "\\frac{1}{2006!}"],
    ["0", "10^{-300}"],
    ["\\sqrt{2}\\cdot 10^{-30}", "\\sqrt{3}\\cdot 10^{-30}"],
    ["12", "10^{10^{10}}"],
  ])("%s differs from %s", (a, b) => expect(compare(a, b)).toBe("different"));

  it("of which some stay undecided", () => expect(compare("4", "\\sin(10^{10^{10^{10}}})")).toBe("undecided"));

  it("agree with BigInt modulo each prime", () => {
    for (const [tree, value] of [
      ["7^{50}-3", 7n ** 50n - 3n],
      ["30!+1", Array.from({ length: 30 }, (_, i) => BigInt(i + 1)).reduce((a, b) => a * b) + 1n],
      ["2^{2^{9}}", 2n ** 512n],
    ] as const)
      expect(fingerprint(readMath(tree)!)).toEqual(
        [67_108_859n, 67_108_837n, 67_108_819n].map((p) => Number(value % p)),
      );
  });
});

describe("expressions with variables", () => {
  it.each([
    ["(x+1)^2", "x^2+2x+1"],
    ["\\sin^2 x", "1-\\cos^2 x"],
    ["\\sqrt{\\frac{1}{n}}", "\\frac{1}{\\sqrt{n}}"],
    ["10^{-20}x", "\\frac{x}{10^{20}}"],
  ])("%s equals %s", (a, b) => expect(compare(a, b)).toBe("equal"));
  it.each([
    ["(x+1)^2", "x^2+1"],
    ["\\sqrt{x^2}", "x"],
    ["10^{-20}x", "10^{-19}x"],
    ["x+y", "x+z"],
  ])("%s differs from %s", (a, b) => expect(compare(a, b)).toBe("different"));
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeMath, parse, verify } from "../index";

const boxed = (answer: string): string => `\\boxed{${answer}}`;
/** 1 equal, 0 unequal, "undecided", or the reason for no verdict. */
const verdict = (gold: string, answer: string): number | string => {
  const found = judgeMath(boxed(gold), boxed(answer));
  if (found.status === "skipped") return found.reason;
  return found.undecided ? "undecided" : Number(found.correct);
};

const LARGE = [
  "2^{20000}",
  "2^{16385}",
  "-2^{20000}",
  "(-2)^{20001}",
  "7^{9999}",
  "2023^{2023}",
  "2024^{2024}",
  "99999^{99999}",
  "10^{100000}",
  "1E20000",
  "2^{2^{2^{2^{2^2}}}}",
  "9^{9^{9^9}}",
  "2025!",
  "2024!-1",
  "100000!",
  "(10^{12})!",
  "\\Gamma(20001)",
  "\\binom{20000}{10000}",
  "\\binom{10^9}{5\\cdot 10^8}",
  "\\frac{1}{2^{20000}}",
  "3^{-20000}",
  "0.5^{20000}",
  "\\sum_{k=1}^{10^{12}} k",
  "\\sum_{k=0}^{10^{6}} 2^k",
  "\\sum_{i=1}^{9999}\\sum_{j=1}^{9999} ij",
  "\\prod_{k=1}^{10^6} 2",
  "e^{1000}",
  "\\pi^{99999}",
  "\\sqrt{2}^{20001}",
  "\\sqrt{2^{20001}}",
  "(1+\\sqrt{2})^{20000}",
  "2^{20000}\\pi",
  "\\frac{10^{20000}-1}{9}",
  "\\ln(2^{20000})",
];

describe("constants too long to write out", () => {
  it.each(LARGE)("%s equals itself, and neither 4 nor 7 nor infinity", (large) => {
    expect(verdict(large, large)).toBe(1);
    expect(verdict("4", large)).toBe(0);
    expect(verdict(large, "7")).toBe(0);
    expect(verdict(large, "\\infty")).toBe(0);
  });

  it.each([
    ["2024^{2024}", "2024^{2023}\\cdot 2024"],
    ["2^{2^{2024}}", "4^{2^{2023}}"],
    ["2^{20000}", "2^{10000}\\cdot 2^{10000}"],
    ["10^{20000}", "1E20000"],
    ["3^{3^{3^3}}", "3^{7625597484987}"],
    ["2^{2^{2^{2^{2^2}}}}", "4^{2^{65535}}"],
    ["2^{2^{2^{2^{2^{2^2}}}}}", "2^{2^{2^{65536}}}"],
    ["10^{10^{100}}", "100^{5\\cdot 10^{99}}"],
    ["\\frac{1}{2^{20000}}", "0.5^{20000}"],
    ["2024!-1", "-1+2024!"],
    ["100000!", "100000\\cdot 99999!"],
    ["(10^6)!\\cdot 2", "2\\cdot (10^6)!"],
    ["\\binom{20000}{10000}", "\\frac{20000!}{(10000!)^2}"],
    ["2024", "\\frac{2024!}{2023!}"],
    ["6", "\\frac{2^{20000}\\cdot 6}{2^{20000}}"],
    ["500000000000500000000000", "\\sum_{k=1}^{10^{12}} k"],
    ["\\sum_{k=0}^{100000} 2^k", "2^{100001}-1"],
    ["\\sum_{k=0}^{19999} 10^k", "\\frac{10^{20000}-1}{9}"],
    ["\\prod_{k=1}^{10^6} 2", "2^{10^6}"],
    ["e^{1000}", "e^{500}\\cdot e^{500}"],
    ["2^{20000}\\pi", "\\pi\\cdot 4^{10000}"],
    ["\\sqrt{2}^{20001}", "2^{10000}\\sqrt{2}"],
    ["\\sqrt{2^{20000}}", "2^{10000}"],
    ["2^{\\frac{20001}{2}}", "2^{10000}\\sqrt{2}"],
    ["(2+\\sqrt{3})^{20000}", "(\\sqrt{3}+2)^{20000}"],
    ["20000", "\\log_2(2^{20000})"],
    ["20000\\ln 2", "\\ln(2^{20000})"],
    ["2^{20000}x", "x\\cdot 4^{10000}"],
    ["x=2^{20000}", "4^{10000}"],
    ["\\{2^{20001}, 2^{20000}\\}", "\\{4^{10000}, 2\\cdot 4^{10000}\\}"],
    ["(1, 2^{20000})", "(1, 4^{10000})"],
    ["\\begin{pmatrix}2^{20000}\\end{pmatrix}", "\\begin{pmatrix}4^{10000}\\end{pmatrix}"],
  ])("%s equals %s", (a, b) => {
    expect(verdict(a, b)).toBe(1);
    expect(verdict(b, a)).toBe(1);
  });

  it.each([
    ["2024^{2024}", "2024^{2023}"],
    ["2024^{2024}", "2024^{2024}+1"],
    ["2^{100000}-1", "2^{100000}+1"],
    ["\\frac{1}{2004!}", "\\frac{1}{2006!}"],
    ["\\frac{1}{2^{20000}}", "0"],
    ["2^{20001}", "(-2)^{20001}"],
    ["2^{3^{1000}}", "2^{3^{2000}}"],
    ["2^{1000!}", "2^{1001!}"],
    ["2^{2^{2^{2^{2^2}}}}", "2^{2^{2^{2^{2^3}}}}"],
    ["2^{2^{2^{2^{2^2}}}}", "2^{2^{2^{2^{2^2}}}}+1"],
    ["\\binom{20000}{10000}", "\\binom{20000}{9999}"],
    ["\\sum_{k=1}^{10^{12}} k", "\\sum_{k=1}^{10^{12}-1} k"],
    ["e^{1000}", "e^{1001}"],
    ["2^{20000}\\pi", "2^{20001}\\pi"],
    ["2^{20000}x", "2^{20001}x"],
    ["x=2^{20000}", "x=2^{20001}"],
    ["\\{1, 2^{20000}\\}", "\\{1, 2^{20001}\\}"],
    ["(1, 2^{20000})", "(1, \\infty)"],
    ["(1,2)\\cup(3, e^{1000})", "(1,2)\\cup(3, \\infty)"],
  ])("%s does not equal %s", (a, b) => {
    expect(verdict(a, b)).toBe(0);
    expect(verdict(b, a)).toBe(0);
  });

  it("what no way of telling decides is undecided, and still equals itself", () => {
    for (const unknown of ["\\sum_{k=1}^{10^{12}} \\frac{1}{k}", "\\prod_{k=1}^{10^{12}} k", "9".repeat(6000)]) {
      expect(verdict("4", unknown)).toBe("undecided");
      expect(verdict(unknown, "4")).toBe("undecided");
      expect(verdict(unknown, unknown)).toBe(1);
    }
  });

  it("decides with exact numbers of a few bits as it does with long ones", () => {
    const leaf = fc.integer({ min: 1, max: 12 }).map(String);
    const constant = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.tuple(tie("tree"), tie("tree")).map(([a, b]) => `(${a}+${b})`),
        fc.tuple(tie("tree"), tie("tree")).map(([a, b]) => `(${a}-${b})`),
        fc.tuple(tie("tree"), tie("tree")).map(([a, b]) => `(${a}\\cdot ${b})`),
        fc.tuple(tie("tree"), tie("tree")).map(([a, b]) => `\\frac{${a}}{${b}}`),
        fc.tuple(tie("tree"), fc.integer({ min: -9, max: 40 })).map(([a, k]) => `(${a})^{${k}}`),
        leaf.map((n) => `${n}!`),
        fc.tuple(leaf, leaf).map(([n, k]) => `\\binom{1${n}}{${k}}`),
        fc.tuple(tie("tree"), leaf).map(([a, n]) => `(\\sum_{k=1}^{${n}} k^2\\cdot ${a})`),
      ),
    })).tree;
    let unequal = 0;
    let equal = 0;
    fc.assert(
      fc.property(constant, constant, (a, b) => {
        for (const other of [b, `${a}+0`, `\\frac{2\\cdot ${a}}{2}`]) {
          const [gold, answer] = [parse(`$1\\cdot ${a}$`), parse(`$1\\cdot ${other}$`)];
          const exact = verify(gold, answer);
          // A difference below 2^-49 counts as none between short numbers only.
          if (verify(gold, answer, { bits: 24 }) !== exact && !(exact && other === b))
            throw new Error(`${a} and ${other}`);
          if (exact) equal++;
          else unequal++;
        }
      }),
      { numRuns: 1000, seed: 31 },
    );
    expect(Math.min(equal, unequal)).toBeGreaterThan(500);
  });
});

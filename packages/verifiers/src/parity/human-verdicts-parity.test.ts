import { describe, expect, it } from "vitest";
import { formatAgreement, type HumanVerdict, humanVerdictsParity, isHumanVerdictsFile } from "./human-verdicts-parity";

const row = (verifier: string, gold: string, response: string, right: number, mathVerify?: number): HumanVerdict => ({
  verifier,
  kind: "units",
  gold,
  response,
  right,
  ...(mathVerify !== undefined && { math_verify: mathVerify }),
});

const FILE: readonly HumanVerdict[] = [
  row("mathverify", "\\boxed{60}", "\\boxed{60 km/h}", 1, 0),
  row("mathverify", "\\boxed{5 cm}", "\\boxed{5 km}", 0, 1),
  row("answer", "12", "12", 0),
  row("choice", "B", "B", 1),
  row("nobody", "B", "B", 1),
];

describe("humanVerdictsParity", () => {
  const found = humanVerdictsParity(FILE);

  it("recognizes its layout", () => {
    expect(isHumanVerdictsFile(FILE)).toBe(true);
    expect(isHumanVerdictsFile([])).toBe(false);
    expect(isHumanVerdictsFile([{ gold: "1", pred: "1", expected: true }])).toBe(false);
  });

  it("judges rows of Math-Verify by answer and by their own name, and sets Math-Verify's verdict beside", () => {
    const judges = found.agreement
      .filter(({ rowsOf }) => rowsOf === "mathverify")
      .map(({ judge, agree, falsePasses, falseFails }) => [judge, agree, falsePasses, falseFails]);
    expect(judges).toEqual([
      ["answer", 2, 0, 0],
      ["mathverify", 0, 1, 1],
      ["Math-Verify", 0, 1, 1],
    ]);
  });

  it("keeps false passes, false fails and rows without a verdict apart", () => {
    expect(found.agreement.find(({ rowsOf }) => rowsOf === "answer")).toMatchObject({ rows: 1, falsePasses: 1 });
    expect(found.agreement.find(({ rowsOf }) => rowsOf === "nobody")).toMatchObject({ agree: 0, withoutVerdict: 1 });
  });

  it("has a tolerance for answer: 2 % of labels, 0.5 % of false passes", () => {
    expect(found.rows).toEqual([
      { quantity: "labels that answer misses (share)", error: 1 / 3, tolerance: 0.02 },
      { quantity: "false passes of answer (share)", error: 1 / 3, tolerance: 0.005 },
    ]);
    expect(humanVerdictsParity([row("choice", "B", "B", 1)]).rows).toEqual([]);
  });

  it("reads well at 80 columns and names the rows that answer misses", () => {
    const text = formatAgreement(found);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(text).toContain('false pass, label 0\n    gold "12"\n    response "12"');
  });
});

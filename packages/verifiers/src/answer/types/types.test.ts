import { describe, expect, it } from "vitest";
import { approximate } from "../compare/math-engine";
import { readDate, readTime } from "./calendar";
import { isChemical, reactionKey } from "./chemistry";
import { show } from "./exact";
import { readGold } from "./gold";
import { readLabel } from "./labels";
import { isMath, toLatex } from "./math-text";
import { numeralAt } from "./numeral";
import { readQuantity } from "./quantity";
import { readUnit } from "./units";

describe("a gold answer is typed by its form", () => {
  it.each([
    ["12", "number"],
    ["-\\frac{3}{4}", "number"],
    ["12 square centimeters", "number"],
    ["$3.50", "number"],
    ["x = 12", "number"],
    ["25%", "number"],
    ["3rd", "number"],
    ["2\\sqrt{3}", "expression"],
    ["x^2+1", "expression"],
    ["2ab", "expression"],
    ["\\frac{1}{2}mv^2", "expression"],
    ["y=2x+1", "equation"],
    ["[2,5)", "interval"],
    ["x>3", "interval"],
    ["(-\\infty, 2]", "interval"],
    ["1, 2", "list"],
    ["\\{1, 2\\}", "list"],
    ["x=1 or x=2", "list"],
    ["red and blue", "list"],
    ["(1, 2)", "tuple"],
    ["(1) 3; (2) 6", "tuple"],
    ["\\begin{pmatrix}1&2\\\\ 3&4\\end{pmatrix}", "matrix"],
    ["[[1, 2], [3, 4]]", "matrix"],
    ["B", "choice"],
    ["ACD", "choice"],
    ["B. 12 cm", "choice"],
    ["May 5, 2020", "date"],
    ["2020-05-06", "date"],
    ["7:15 pm", "time"],
    ["12:30", "time"],
    ["2 h 30 min", "duration"],
    ["5 apples and 3 pears", "compound"],
    ["3:4", "ratio"],
    ["10-20", "range"],
    ["between 3 and 5", "range"],
    ["A123", "code"],
    ["007", "code"],
    ["12-34-56", "code"],
    ["101_2", "code"],
    ["H_2O", "code"],
    ["STOP", "word"],
    ["ab", "word"],
    ["三角形", "word"],
    ["no solution", "word"],
  ])("%j is a %s", (text, type) => expect(readGold(text, approximate)?.type).toBe(type));
});

describe("numerals", () => {
  it.each([
    ["1,234.50", "1234.5"],
    ["1.234,50", "1234.5"],
    ["1 234 567", "1234567"],
    ["2'500", "2500"],
    ["6.02e23", "602000000000000000000000"],
    ["1.6 \\times 10^{-2}", "0.016"],
    ["10^{3}", "1000"],
    ["3\\frac{1}{2}", "3.5"],
    ["3 1/2", "3.5"],
    ["\\frac{-7}{2}", "-3.5"],
    ["0.1\\overline{6}", "1/6"],
    ["0.(6)", "2/3"],
    ["0.333...", "1/3"],
    ["twenty-one", "21"],
    ["two thousand five hundred", "2500"],
    ["three quarters", "0.75"],
    ["一百二十", "120"],
    ["四分之三", "0.75"],
    ["minus 5", "-5"],
  ])("%j is %s", (text, value) => {
    const numeral = numeralAt(text)!;
    expect([show(numeral.value), numeral.length]).toEqual([value, text.length]);
  });
});

describe("quantities", () => {
  it.each([
    "12 cm",
    "12 square meters",
    "12个",
    "约12",
    "12 (approximately)",
    "12 apples left",
    "€12",
    "12 USD",
    "#12",
    "the 5th floor",
  ])("%j is one", (text) => expect(readQuantity(text)).toBeDefined());
  it.each([
    "12 or 13",
    "12 and 13",
    "12:00",
    "3x",
    "2ab",
    "three-toed",
    "三角形",
    "Q12",
    "12-14",
    "less than 12",
    "12 not 13",
  ])("%j is not a quantity", (text) => expect(readQuantity(text)).toBeUndefined());
});

describe("units", () => {
  it.each([
    ["km/h", "L T-1"],
    ["m s^{-2}", "L T-2"],
    ["kg m^{-3}", "M L-3"],
    ["cubic meters", "L3"],
    ["\\frac{km}{h}", "L T-1"],
    ["N·m".replace("·", "\\cdot "), "M L2 T-2"],
    ["degrees Celsius", "Celsius"],
    ["平方厘米", "L2"],
  ])("%j measures %s", (text, dimensions) => {
    const found = Object.entries(readUnit(text)!.dimensions).map(([base, power]) =>
      power === 1 ? base : `${base}${power}`,
    );
    expect(found.sort()).toEqual(dimensions.split(" ").sort());
  });
  it("are no other words", () =>
    expect(["apples", "cm long", "x", ""].map(readUnit)).toEqual(Array(4).fill(undefined)));
});

describe("dates and times", () => {
  it.each(["May 5, 2020", "5 May 2020", "2020-05-05", "2020年5月5日", "Tuesday, May 5th, 2020", "5/5/2020"])(
    "%j is one day",
    (text) => expect(readDate(text)).toEqual({ year: 2020, month: 5, day: 5 }),
  );
  it.each(["14:30", "2:30 PM", "2:30 p.m.", "下午2:30", "14时30分", "2:30 in the afternoon"])(
    "%j is half past two",
    (text) => expect(readTime(text)?.seconds).toBe(14.5 * 3600),
  );
  it("refuses everything else", () => {
    expect([readDate("May"), readDate("2020"), readDate("31/31/2020")]).toEqual([{ month: 5 }, undefined, undefined]);
    expect([readTime("25:00"), readTime("12:61"), readTime("12")]).toEqual([undefined, undefined, undefined]);
  });
});

describe("labels", () => {
  it.each([
    ["x = 12", "x", "12"],
    ["AB = 2 \\cdot 3 = 6", "AB", "6"],
    ["Area: 12 cm", "Area", "12 cm"],
    ["P(3,-4)", "P", "(3,-4)"],
    ["|3+4i| = 5", "|3+4i|", "5"],
    ["2x = 10", undefined, "2x = 10"],
    ["x = 2x - 1", undefined, "x = 2x - 1"],
    ["12", undefined, "12"],
  ])("of %j", (text, label, value) => expect([readLabel(text).label, readLabel(text).value]).toEqual([label, value]));
});

describe("formulas and words", () => {
  it.each(["x^2", "2ab+c", "\\pi r^2", "sqrt(2)/2", "sin(x)", "3x"])("%j is mathematics", (text) =>
    expect(isMath(text)).toBe(true),
  );
  it.each(["STOP", "ab", "12 is it", "the 3", "红=1", "sin"])("%j is not math", (text) =>
    expect(isMath(text)).toBe(false),
  );
  it.each([
    ["sqrt(2)/2", "\\sqrt{2}/2"],
    ["2*x**10", "2\\cdot x^{10}"],
    ["2(3)", "2\\cdot (3)"],
    ["\\sin 30^\\circ", "\\sin (30\\cdot\\frac{\\pi}{180})"],
  ])("%j is read as %j", (text, latex) => expect(toLatex(text).replace(/ {2,}/g, " ")).toBe(latex));
  it("chemistry is neither", () => {
    expect(["H_2O", "C_6H_{12}O_6", "Ca^{2+}", "NaCl", "AB_2"].map(isChemical)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(reactionKey("2H_2 + O_2 \\to 2H_2O")).toBe("2H2+O2->2H2O");
  });
});

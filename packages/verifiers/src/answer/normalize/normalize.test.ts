import { describe, expect, it } from "vitest";
import { normalize } from "./normalize";

describe("normalize", () => {
  it.each([
    ["（１，２）", "(1,2)"],
    ["x²+½", "x^{2}+\\frac{1}{2}"],
    ["√12", "\\sqrt{12}"],
    ["∠A＝６０°", "\\angle A=60^\\circ"],
    ["①③", "(1)(3)"],
    ["−3", "-3"],
    ["“stop”。", "stop"],
    ["**$\\text{12 cm}$.**", "12 cm"],
    ["`12`", "12"],
    ["\\$3.50", "$3.50"],
    ["$3.50", "$3.50"],
    ["$12$", "12"],
    ["$7$ $10$", "7, 10"],
    ["$50-$100", "$50-$100"],
    ["\\frac12", "\\frac{1}{2}"],
    ["\\dfrac34", "\\frac{3}{4}"],
    ["\\frac{\\sqrt3}2", "\\frac{\\sqrt{3}}{2}"],
    ["\\frac\\pi2", "\\frac{\\pi}{2}"],
    ["5\\text{or}6", "5 or 6"],
    ["12\\mathrm{cm}", "12 cm"],
    ["\\mathrm{H}_2\\mathrm{O}", "H_2O"],
    ["\\textcolor{red}{12}", "12"],
    ["\\left(1,2\\right)", "(1,2)"],
    ["45^{\\circ}", "45^\\circ"],
    ["3{,}14", "3,14"],
    ["\\begin{cases}x=1\\\\y=2\\end{cases}", "x=1\\\\ y=2"],
    ["\\overline{AB}", "AB"],
    ["0.\\overline{3}", "0.\\overline{3}"],
    ["= 12.", "12"],
    ["0.333...", "0.333..."],
    ["Yes!", "Yes"],
    ["12!", "12!"],
    ["A\\&W", "A&W"],
    ["a\\_b", "a_b"],
  ])("%j is read as %j", (written, text) => expect(normalize(written).text).toBe(text));

  it("tells every step that changed the text", () => {
    expect(normalize("**１２。**").steps).toEqual([
      { step: "characters", text: "**12.**" },
      { step: "markdown", text: "12." },
      { step: "edges", text: "12" },
    ]);
  });

  it("is done after one pass", () => {
    for (const text of [
      "$\\text{12 cm}$",
      "（１，２）",
      "\\frac12",
      "**x**",
      "5\\text{or}6",
      "\\mathrm{H}_2\\mathrm{O}",
    ]) {
      const once = normalize(text).text;
      expect(normalize(once).text).toBe(once);
    }
  });
});

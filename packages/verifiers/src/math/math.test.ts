import { describe, expect, it } from "vitest";
import {
  type ParseOptions,
  type VerifyOptions,
  expressionTarget,
  judgeMath,
  latexTarget,
  parse,
  stringTarget,
  vTriune,
  verify,
} from "./index";

const equal = (gold: string, pred: string, options: VerifyOptions = {}): boolean =>
  verify(parse(gold), parse(pred), options);
const text = (source: string, options: ParseOptions = {}): unknown => parse(source, options).at(-1);

describe("finding the answer", () => {
  it("reads the last of several answers at one priority, and the announced one before others", () => {
    expect(text("The answer is $4$. No, the answer is $5$.")).toBe("5");
    expect(text("The final answer is $5$. I hope it is correct. Also $6$ and $7$")).toBe("5");
    expect(text("$x=3$ so \\boxed{12} follows")).toBe("12");
    expect(text("first 3 then 4")).toBe("4");
  });

  it("puts \\boxed first when told to", () => {
    const source = "We have \\boxed{7}. The final answer is $8$, or so.";
    expect(text(source)).toBe("8");
    expect(text(source, { targets: [latexTarget({ boxedMatchPriority: 0 })] })).toBe("7");
    expect(text(source, { targets: [latexTarget({ boxedMatchPriority: -1 })] })).toBe("8");
  });

  it("takes boxes that stand together, and leaves one far back alone", () => {
    expect(text("\\boxed{1} and \\boxed{2}")).toBe("1,2");
    expect(
      text("\\boxed{1} and then a great deal more is said before one comes to the end of it, which is \\boxed{2}"),
    ).toBe("2");
  });

  it("finds nothing without an anchor when none is allowed", () => {
    expect(parse("so it is $5$", { targets: [latexTarget({ tryExtractWithoutAnchor: false })] })).toEqual([]);
    expect(parse("so it is 5", { targets: [expressionTarget({ tryExtractWithoutAnchor: false })] })).toEqual([]);
    expect(
      parse("so it is 5", { targets: [expressionTarget({ tryExtractWithoutAnchor: false }), stringTarget()] }),
    ).toEqual([]);
    expect(text("the answer is $5$", { targets: [latexTarget({ tryExtractWithoutAnchor: false })] })).toBe("5");
  });

  it("keeps the text of what does not parse, by default", () => {
    expect(parse("$5 +$", { targets: [latexTarget()] })).toEqual(["5 +"]);
    expect(parse("$5 +$", { targets: [latexTarget()], fallbackMode: "noFallback" })).toEqual([]);
    expect(equal("$\\frac{-1\\pm\\sqrt{2}}{2}$", "$\\frac{-1\\pm\\sqrt{2}}{2}$")).toBe(true);
  });

  it("reads words from a list", () => {
    expect(parse("Answer: (x) or B.", { targets: [stringTarget()] })).toEqual(["b", "B"]);
    expect(parse("it is Blue.", { targets: [stringTarget({ strings: ["Blue", "Red"], lowercase: false })] })).toEqual([
      "Blue",
      "Blue",
    ]);
    expect(parse("ABC", { targets: [stringTarget()] })).toEqual([]);
    expect(parse("", { targets: [stringTarget({ strings: [] })] })).toEqual([""]);
  });

  it("reads numbers with separators, currency and signs, not digits inside words", () => {
    expect(text("costs $1,234.50 in all")).toBe("1234.50");
    expect(text("12 345 people")).toBe("12345");
    expect(text("it weighs 2,75 kg")).toBe("2.75");
    expect(text("The final answer is 12 percentage. I hope it is correct. Answer: 7")).toBe("12");
    expect(parse("AZYUK2A")).toEqual([]);
  });
});

describe("comparing", () => {
  it.each([
    ["$x=4$", "$4$"],
    ["$4$", "$2x=4$"],
    ["$\\{1,2\\}$", "$(2,1)$"],
    ["$2\\frac12$", "$2.5$"],
    ["$50\\%$", "$0.5$"],
    ["$50\\%$", "$50$"],
    ["$5\\text{ cm}$", "$5\\text{ m}$"],
    ["$\\frac13$", "$0.333333$"],
    ["$AB$", "$ab$"],
    ["$1<x<2$", "$x\\in(1,2)$"],
    ["$\\sin^2x+\\cos^2x$", "$1$"],
    ["$\\sum_{k=1}^{n}k$", "$\\frac{n(n+1)}{2}$"],
    ["$\\int_0^1 x^2 dx$", "$1/3$"],
    ["$x+y=3$", "$2x+2y=6$"],
    ["$(-\\infty,2)\\cup(1,\\infty)$", "$\\mathbb{R}$"],
    ["$\\begin{pmatrix}1&2\\end{pmatrix}$", "$\\begin{bmatrix}1&2\\end{bmatrix}$"],
    ["$90^\\circ$", "$90$"],
    ["$\\frac{d}{dx}\\frac{d}{dx}x^3$", "$6x$"],
    ["$\\frac{d}{dx}\\frac{d}{dx}e^{2x}$", "$4e^{2x}$"],
  ])("%s equals %s", (gold, pred) => expect(equal(gold, pred)).toBe(true));

  it.each([
    ["$2x=4$", "$4$"],
    ["$(1,2)$", "$(2,1)$"],
    ["$(2,1)$", "$\\{1,2\\}$"],
    ["$x\\in(1,2)$", "$1<x<2$"],
    ["$5$", "$5.0000001$"],
    ["$\\frac13$", "$0.33333$"],
    ["$1\\,000$", "$1000$"],
    ["$i$", "$I$"],
    ["$2^{100}$", "$2^{100}+1$"],
    ["$10^{20}x$", "$(10^{20}+1)x$"],
    ["$\\sqrt{x^2}$", "$x$"],
    ["$\\ln x^2$", "$2\\ln x$"],
    ["$x=39378$", "$x=49378$"],
    ["$[1,2]$", "$1\\le x\\le 2$"],
  ])("%s does not equal %s", (gold, pred) => expect(equal(gold, pred)).toBe(false));

  it("follows its options", () => {
    expect(equal("$f(x)$", "$f(y)$", { strict: false })).toBe(true);
    expect(equal("$[1,2]$", "$1\\le x\\le 2$", { allowSetRelationComp: true })).toBe(true);
    expect(equal("$\\frac13$", "$0.33$", { floatRounding: 2 })).toBe(true);
    expect(equal("$\\sqrt{2}+\\pi$", "$\\sqrt{2}+\\pi+10^{-6}$", { numericPrecision: 5 })).toBe(true);
  });

  it("decides identities between polynomials exactly", () => {
    expect(equal("$(x+y)^5$", "$x^5+5x^4y+10x^3y^2+10x^2y^3+5xy^4+y^5$")).toBe(true);
    expect(equal("$(x+y)^5$", "$x^5+5x^4y+10x^3y^2+10x^2y^3+5xy^4+y^5+10^{-30}$")).toBe(false);
  });
  it("goes through sets within sets once", () => {
    const nested = (symbol: string, order: string): string =>
      `$${"\\{1,".repeat(60)}${order.replace("x", symbol)}${"\\}".repeat(60)}$`;
    expect(equal(nested("x", "x, 2"), nested("y", "2, y"), { strict: false })).toBe(true);
    expect(equal(nested("x", "x, 2"), nested("y", "2, y"))).toBe(false);
  });
});

describe("judge", () => {
  const undecided = { status: "scored", correct: false, extracted: true, undecided: true };
  it("separates a wrong answer, a bad gold answer and an undecided one", () => {
    expect(judgeMath("$4$", "\\boxed{4}")).toEqual({ status: "scored", correct: true, extracted: true });
    expect(judgeMath("$4$", "\\boxed{5}")).toEqual({ status: "scored", correct: false, extracted: true });
    expect(judgeMath("$4$", "no number")).toEqual({ status: "scored", correct: false, extracted: false });
    expect(judgeMath("nothing to read", "\\boxed{5}")).toEqual({
      status: "skipped",
      reason: "the gold answer does not parse",
    });
    expect(judgeMath("$4$", "$\\sum_{k=1}^{10^{12}} \\frac{1}{k}$")).toEqual(undecided);
    expect(judgeMath("$4$", `$${"9".repeat(6000)}$`)).toEqual(undecided);
    expect(judgeMath("$4$", "$9$".repeat(200), { prediction: { fuel: 100 } })).toEqual({
      status: "scored",
      correct: false,
      extracted: false,
      undecided: true,
    });
    expect(judgeMath("$9$".repeat(200), "$9$", { gold: { fuel: 100 } })).toEqual({
      status: "skipped",
      reason: "the gold answer cannot be read within the limits",
    });
  });

  it("spends the same steps every time", () => {
    const pair = ["$\\sum_{k=1}^{500} \\frac{1}{k(k+1)}$", "$\\frac{500}{501}$"] as const;
    expect(judgeMath(...pair, { verify: { fuel: 20_000 } })).toMatchObject({ status: "scored", correct: true });
    expect(judgeMath(...pair, { verify: { fuel: 300 } })).toMatchObject({ correct: false, undecided: true });
    expect(verify(parse(pair[0]), parse(pair[1]), { fuel: 300 })).toBe(false);
  });

  it.each([
    ["a product of matrices", (n: number) => "\\begin{pmatrix}1&2\\\\3&x\\end{pmatrix}".repeat(n)],
    ["values at two places", (n: number) => `x${"|_{x=x+1}^{x=2x}".repeat(n)}`],
    [
      "determinants of determinants",
      (n: number) => `${"\\begin{vmatrix}1&2&3\\\\4&".repeat(n)}x${"&6\\\\7&8&9\\end{vmatrix}".repeat(n)}`,
    ],
  ])("ends where %s would double with every step", (_, source) => {
    const [few, many] = [`$${source(3)}$`, `$${source(40)}$`];
    expect(judgeMath(few, few)).toMatchObject({ correct: true });
    expect(judgeMath(few, many)).toEqual(undecided);
    expect(judgeMath(many, "$1,2$")).toEqual(undecided);
    expect(judgeMath(many, many)).toMatchObject({ correct: true });
  });

  it.each([
    [
      "a long product times a matrix",
      `$(${"x*".repeat(12_000)}x)\\begin{pmatrix}${"1&".repeat(12_000)}1\\end{pmatrix}$`,
    ],
    [
      "a matrix multiplied again and again",
      `$\\begin{pmatrix}${"1&".repeat(10_000)}1\\end{pmatrix}${"*2".repeat(500)}$`,
    ],
    [
      "a matrix negated again and again",
      `$${`${"-".repeat(79)}(`.repeat(40)}\\begin{pmatrix}${"1&".repeat(3000)}1\\end{pmatrix}${")".repeat(40)}$`,
    ],
    [
      "a matrix transposed again and again",
      `$\\begin{pmatrix}${"1&".repeat(20_000)}1\\end{pmatrix}${"^T".repeat(5000)}$`,
    ],
    [
      "a column of products times a row of products",
      `$\\begin{pmatrix}${`${"x*".repeat(30)}x\\\\`.repeat(700)}1\\end{pmatrix}\\begin{pmatrix}${`${"x*".repeat(30)}x&`.repeat(700)}1\\end{pmatrix}$`,
    ],
    [
      "a tree that substitution makes ever deeper",
      `${"pad ".repeat(220_000)}$x${`|_{x=${"\\sin".repeat(70)} x}`.repeat(110)}$`,
    ],
    ["a long subscript in subscripts", `$${"x_{".repeat(49)}${"k+".repeat(20_000)}1${"}".repeat(49)}$`],
    ["a long name in a long sum", `$\\sum_{k=1}^{9999}\\text{${"a".repeat(100_000)}}(k)$`],
    ["long bounds in a long integrand", `$\\frac{d}{dx}\\int_0^{${"x+".repeat(15_000)}x}(${"t+".repeat(15_000)}t)dt$`],
  ])("ends at the limit: %s", (_, source) => {
    expect(judgeMath("$x+1$", source)).toEqual(undecided);
  });

  it.each([
    ["long powers in a long sum", `$\\sum_{k=1}^{19999}\\min(1${",3^{10000}".repeat(20)})$`],
    ["roots in a long sum", `$\\sum_{k=1}^{19999}\\min(1${",(3^{1260})^{1/63}".repeat(20)})$`],
    ["long numbers in a long sum", `$\\sum_{k=1}^{19999}\\min(\\pi${`,${"7".repeat(4800)}`.repeat(20)})$`],
    [
      "many symbols around sums within a sum",
      `$${Array.from({ length: 9000 }, (_, i) => `x_{${i}}`).join("+")}+\\sum_{k=1}^{19000}\\sum_{j=1}^{1}j$`,
    ],
  ])("is not gone through when a short answer can be told from it: %s", (_, source) => {
    expect(judgeMath("$x+1$", source)).toEqual({ status: "scored", correct: false, extracted: true });
  });

  const listed = (count: number, item: (i: number) => string): string =>
    `$\\{${Array.from({ length: count }, (_, i) => item(i)).join()}\\}$`;
  it.each([
    [
      "many unions with a long set",
      `$\\{${Array.from({ length: 15_000 }, (_, i) => i).join()}\\}${"\\cup(0,1)".repeat(590)}$`,
      `$\\{${Array.from({ length: 15_000 }, (_, i) => i + 1).join()}\\}${"\\cup(0,1)".repeat(590)}$`,
    ],
    ["a decimal behind many divisions", "$0.5$", `$(${"1+".repeat(25_000)}1)/1.5${"/2".repeat(590)}$`],
    [
      "every name with every long product",
      listed(500, (i) => `x_{${i}}`),
      listed(500, (i) => (i < 250 ? `${"ab".repeat(800)}c_{${i}}` : `x_{${i - 250}}`)),
    ],
    ["limits of limits", "$\\sin x$", `$${"\\lim_{x\\to\\infty}".repeat(20)}x+\\frac{1}{x}$`],
  ])("is no comparison without end: %s", (_, gold, pred) => {
    expect(judgeMath(gold, pred)).toEqual(undecided);
  });

  it("makes no number longer than the limit on the way to a binomial or a common multiple", () => {
    expect(judgeMath("$1$", "$\\binom{10^{4000}}{2900}$")).toEqual({
      status: "scored",
      correct: false,
      extracted: true,
    });
    const numbers = Array.from({ length: 1000 }, (_, i) => `${10 ** 15 + 2 * i + 1}`);
    expect(judgeMath("$1$", `$\\lcm(${numbers.join()})$`)).toMatchObject({ correct: false, undecided: true });
    expect(equal("$\\binom{2000}{997}$", "$\\binom{2000}{1003}$")).toBe(true);
  });

  it("may be called in the middle of another verdict", () => {
    const pair = ["$\\sin^2 x+\\cos^2 x+\\binom{7}{3}$", "$36$"] as const;
    const inner: unknown[] = [];
    /** Options that judge something else whenever they are read. */
    const disturbing = <T extends object>(options: T): T =>
      new Proxy(options, {
        get(target, name, receiver) {
          inner.push(judgeMath("$|f(x)|+\\int_0^1 t\\,dt$", "$\\frac12+|f(x)|$"));
          return Reflect.get(target, name, receiver) as unknown;
        },
      });
    const options = { gold: disturbing({}), prediction: disturbing({}), verify: disturbing({ fuel: 100_000 }) };
    expect(judgeMath(...pair, options)).toEqual(judgeMath(...pair));
    expect(inner.length).toBeGreaterThan(5);
    expect(new Set(inner.map((verdict) => JSON.stringify(verdict))).size).toBe(1);
  });

  it("spends one budget on all pairs of readings", () => {
    const read = (latex: string) => parse(`$${latex}$`, { fallbackMode: "noFallback" });
    const gold = read("\\sum_{k=1}^{500} \\frac{1}{k(k+1)}");
    const right = read("\\frac{500}{501}");
    const wrong = Array.from({ length: 20 }, (_, i) => read(`\\frac{${i}}{501}`)).flat();
    expect(verify(gold, right, { fuel: 20_000 })).toBe(true);
    expect(verify(gold, [...wrong, ...right], { fuel: 20_000 })).toBe(false);
    expect(verify(gold, [...wrong, ...right], { fuel: 1_000_000 })).toBe(true);
  });

  it("says equal without evaluating when both are written the same", () => {
    expect(judgeMath("$9^{9^{9^9}}$", "$9^{9^{9^9}}$")).toMatchObject({ correct: true });
  });

  it("reads as V-Triune does: the box, lowercased, nothing without an anchor", () => {
    expect(judgeMath("\\boxed{\\text{Red}}", "so it is $\\boxed{\\text{RED}}$", vTriune)).toMatchObject({
      correct: true,
    });
    expect(judgeMath("\\boxed{4}", "it is $4$", vTriune)).toMatchObject({ correct: false, extracted: false });
    expect(judgeMath("\\boxed{4}", "\\boxed{4 \\text{ apples}}", vTriune)).toMatchObject({ correct: true });
  });
});

describe("bad input", () => {
  it.each([
    [() => parse("$5$", { fuel: NaN }), "fuel: expected a number from 0 to Infinity, found NaN"],
    [
      () => judgeMath("$5$", "$5$", { verify: { bits: Infinity } }),
      "bits: expected a number from 0 to 1000000, found Infinity",
    ],
    [
      () => verify(parse("$0.5$"), parse("$0.5001$"), { floatRounding: 1.5 }),
      "floatRounding: expected a whole number, found 1.5",
    ],
  ])("options that cannot be are errors: %s", (run, message) => expect(run).toThrow(new RangeError(message)));

  it("readings that are none equal nothing", () => {
    expect(verify(undefined as unknown as string, "a")).toBe(false);
    expect(verify(["a"], [null as unknown as string, "a"])).toBe(true);
  });

  it.each([
    ["no string", undefined as unknown as string],
    ["empty", ""],
    ["lone surrogates", "$\ud800 + \udc00$"],
    ["NUL", "$5\0$"],
    ["right-to-left marks", "$\u202e5\u202c$"],
    ["deep braces", `$${"{".repeat(5000)}1${"}".repeat(5000)}$`],
    ["deep brackets", `$${"(".repeat(5000)}1${")".repeat(5000)}$`],
    ["deep functions", `$${"f(".repeat(3000)}x${")".repeat(3000)}$`],
    ["deep roots", `$${"\\sqrt{".repeat(3000)}x${"}".repeat(3000)}$`],
    ["long quotient", `$1${"/2".repeat(20_000)}$`],
    ["long sum", `$1${"+1".repeat(20_000)}$`],
    ["long relation", `$x${"=x".repeat(20_000)}$`],
    ["many factorials", `$5${"!".repeat(20_000)}$`],
    ["subscripts of subscripts", `$x=0${"_y".repeat(20_000)}$`],
    ["powers of powers of one letter", `$x${"^y".repeat(20_000)}$`],
    ["blanks that come together", `$${'  "'.repeat(30_000)}x$`],
    ["separators that are blanks to Python alone", `$${"\x1c".repeat(50_000)}x$`],
    ["open boxes", "\\boxed{".repeat(20_000)],
    ["open text", `$${"\\text{".repeat(10_000)}$`],
    ["anchors only", "final answer is answer: ".repeat(3000)],
    ["derivatives in derivatives", `$${"\\frac{d ".repeat(400)}x${"}{dx}".repeat(400)}$`],
    ["derivative of a long product", `$\\frac{d}{dx}(x${"*x".repeat(20_000)})$`],
    [
      "a column times a row",
      `$\\begin{pmatrix}${"1\\\\".repeat(20_000)}1\\end{pmatrix}\\begin{pmatrix}${"1&".repeat(20_000)}1\\end{pmatrix}$`,
    ],
    ["zero to a negative power", "$0^{-1}$"],
    ["indeterminate", "$\\frac{0}{0}$"],
    ["infinite interval", "$(\\infty, -\\infty)$"],
  ])("%s: a verdict, no throw", (_, source) => {
    expect(["scored", "skipped", "error"]).toContain(judgeMath("$5$", source).status);
    expect(["scored", "skipped", "error"]).toContain(judgeMath(source, "$5$").status);
    expect(["scored", "skipped", "error"]).toContain(judgeMath(source, source).status);
  });
});

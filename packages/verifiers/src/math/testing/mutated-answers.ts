/**
 * Seeded answers, true and damaged, for the fuzz test and the fuzz bench: formulas from a small grammar, glued, cut,
 * repeated and sprinkled with odd characters.
 */
import { generator } from "../random";

const ATOMS = [
  "5",
  "-3",
  "0.25",
  "12",
  "x",
  "y",
  "\\pi",
  "e",
  "i",
  "I",
  "\\infty",
  "\\frac{1}{2}",
  "\\frac12",
  "\\sqrt{2}",
  "\\sqrt[3]{x}",
  "x^2",
  "2^{10}",
  "50\\%",
  "\\text{yes}",
  "90^\\circ",
  "f(x)",
  "\\sin x",
  "\\log_2 8",
  "|x|",
  "5!",
  "\\binom{5}{2}",
  "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
  "\\{1,2\\}",
  "(1,2)",
  "[0,1)",
  "\\mathbb{R}",
  "\\emptyset",
  "1,000",
  "3 \\text{ cm}",
  "\\sum_{k=1}^{5}k",
  "\\int_0^1 x dx",
  "\\lim_{x\\to 0} x",
  "\\vec{v}",
  "x_1",
  "\\alpha",
  "7 \\mod 3",
  "\\max(1,2)",
  "\\frac{d}{dx}x^2",
  "2\\frac{1}{3}",
];
const JOINS = [
  "+",
  "-",
  "\\cdot ",
  "/",
  "=",
  "<",
  "\\le ",
  ",",
  ";",
  " \\cup ",
  " \\pm ",
  "^",
  "_",
  "",
  " ",
  "\\text{ and }",
  "\\in ",
  "!",
];
const ODD = [
  "$",
  "$$",
  "\\boxed{",
  "}",
  "{",
  "(",
  ")",
  "[",
  "]",
  "\\",
  "\n",
  "\0",
  "\ud800",
  "\u202e",
  "answer",
  "final answer is ",
  "|",
  "\\left(",
  "\\right)",
  "&",
  "%",
  "'",
  "\\frac",
  "\\sqrt",
  "9999999999999999999999",
  "é",
  "∞",
  "²",
];
const WRAPS: readonly ((x: string) => string)[] = [
  (x) => `$${x}$`,
  (x) => `\\boxed{${x}}`,
  (x) => `The answer is \\(${x}\\).`,
  (x) => `\\[${x}\\]`,
  (x) => x,
  (x) => `final answer is $${x}$. I hope it is correct.`,
  (x) => `Answer: ${x}`,
];

/** An endless stream of texts, the same for the same seed; most are short, few reach `longest` characters. */
export function* mutatedAnswers(seed: number, longest: number): Generator<string> {
  const random = generator(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  for (;;) {
    let text = pick(ATOMS);
    for (let n = Math.floor(random() * 5); n > 0; n--) text += pick(JOINS) + pick(ATOMS);
    for (let n = random() < 0.6 ? Math.floor(random() * 4) : 0; n > 0; n--) {
      const at = Math.floor(random() * (text.length + 1));
      const action = random();
      if (action < 0.4) text = text.slice(0, at) + pick(ODD) + text.slice(at);
      else if (action < 0.6) text = text.slice(0, at) + text.slice(at + 1 + Math.floor(random() * 4));
      else if (action < 0.8)
        text =
          text.slice(0, at) + text.slice(Math.max(0, at - 6), at).repeat(1 + Math.floor(random() * 4)) + text.slice(at);
      else text = `(${text})`;
    }
    if (random() < 0.01) text = text.repeat(1 + Math.floor((longest * random()) / (text.length + 1)));
    text = pick(WRAPS)(text);
    yield text.slice(0, longest);
  }
}

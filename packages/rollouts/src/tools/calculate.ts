/**
 * Arithmetic: numbers, + - * / % ^, brackets, pi, sqrt abs round floor ceil min max. A grammar of its own, because what
 * a model writes must never be run as a program.
 *
 *     sum = product {(+|-) product}    product = unary {(*|/|%) unary}    unary = (-|+) unary | power
 *     power = value [^ unary]          value = number | pi | name(sum {, sum}) | (sum)
 */
import { type } from "arktype";
import type { Tool } from "./tool";

const schema = type({ expression: "0 < string <= 500" });

export const calculate: Tool<{ readonly expression: string }> = {
  name: "calculate",
  description: "Computes an arithmetic expression.",
  schema,
  parameters: {
    type: "object",
    properties: { expression: { type: "string", description: "For example (3 + 4) * sqrt(2)." } },
    required: ["expression"],
  },
  call({ expression }) {
    const value = evaluate(expression);
    if (typeof value === "string") return { fault: value };
    return { text: String(Number(value.toPrecision(12))) };
  },
};

const FUNCTIONS: Readonly<Record<string, (...values: number[]) => number>> = {
  sqrt: Math.sqrt,
  abs: Math.abs,
  round: Math.round,
  floor: Math.floor,
  ceil: Math.ceil,
  min: Math.min,
  max: Math.max,
};

/** @returns the reason if it is no expression or has no finite value */
export function evaluate(expression: string): number | string {
  const words = expression.match(/\d+\.?\d*(?:e[+-]?\d+)?|\.\d+|[a-z]+|\S/gi) ?? [];
  const state = { at: 0 };
  const unexpected = (): never => {
    throw new SyntaxError(state.at < words.length ? `unexpected ${words[state.at]}` : "the expression ends too early");
  };
  const take = (...wanted: string[]): string | undefined =>
    wanted.includes(words[state.at]?.replace("×", "*").replace("÷", "/") ?? "") ? words[state.at++] : undefined;
  const sum = (): number => {
    let value = product();
    for (let sign = take("+", "-"); sign; sign = take("+", "-")) value += sign === "+" ? product() : -product();
    return value;
  };
  const product = (): number => {
    let value = unary();
    for (let sign = take("*", "/", "%"); sign; sign = take("*", "/", "%")) {
      const other = unary();
      value = sign === "/" || sign === "÷" ? value / other : sign === "%" ? value % other : value * other;
    }
    return value;
  };
  const unary = (): number => (take("-") ? -unary() : take("+") ? unary() : power());
  const power = (): number => {
    const base = value();
    return take("^") ? base ** unary() : base;
  };
  const value = (): number => {
    if (take("(")) return closed(sum());
    const word = words[state.at] ?? unexpected();
    if (/^[\d.]/.test(word) && Number.isFinite(Number(word))) return (state.at++, Number(word));
    if (word.toLowerCase() === "pi") return (state.at++, Math.PI);
    const compute = Object.hasOwn(FUNCTIONS, word) ? FUNCTIONS[word]! : unexpected();
    state.at++;
    if (!take("(")) unexpected();
    const values = [sum()];
    while (take(",")) values.push(sum());
    return closed(compute(...values));
  };
  const closed = (result: number): number => (take(")") ? result : unexpected());
  try {
    const result = sum();
    if (state.at < words.length) unexpected();
    return Number.isFinite(result) ? result : "the result is not finite";
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    if (error instanceof RangeError) return "the expression is nested too deeply";
    throw error;
  }
}

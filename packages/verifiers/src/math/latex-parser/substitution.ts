/**
 * Replaces one part of a tree by another, wherever it stands.
 */
import { type Expression, same } from "../expression";

/** `x` with every occurrence of `from` replaced by `to`. */
export function substitute(x: Expression, from: Expression, to: Expression): Expression {
  if (same(x, from)) return to;
  const inside = (part: Expression): Expression => substitute(part, from, to);
  switch (x.kind) {
    case "add":
    case "mul":
      return { kind: x.kind, args: x.args.map(inside) };
    case "function":
    case "call":
      return { kind: x.kind, name: x.name, args: x.args.map(inside) };
    case "pow":
      return { kind: "pow", base: inside(x.base), exponent: inside(x.exponent) };
    case "matrix":
      return { kind: "matrix", rows: x.rows.map((row) => row.map(inside)) };
    case "set":
      return { kind: "set", items: x.items.map(inside), written: x.written.map(inside) };
    case "tuple":
      return { kind: "tuple", items: x.items.map(inside) };
    case "interval":
      return { ...x, start: inside(x.start), end: inside(x.end) };
    case "union":
    case "intersection":
    case "complement":
      return { kind: x.kind, left: inside(x.left), right: inside(x.right) };
    case "relation":
      return { ...x, left: inside(x.left), right: inside(x.right) };
    case "chain":
      return { kind: "chain", items: x.items.map((item) => ({ ...item, left: inside(item.left), right: inside(item.right) })) };
    case "sum":
    case "product":
    case "integral":
    case "limit":
    case "derivative":
      return { ...x, body: inside(x.body), lower: x.lower && inside(x.lower), upper: x.upper && inside(x.upper), variable: x.variable };
    default:
      return x;
  }
}

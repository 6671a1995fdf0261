/**
 * Derivatives written as fractions: `\frac{d}{dx}`, `\frac{dy}{dx}`, `\frac{\partial}{\partial x}`.
 */
import { type Expression, binder } from "../tree/expression";
import { type LatexReader, differentialName } from "./latex-reader";

/** Reads what follows `\frac`; undefined, with nothing read, for a fraction that is no derivative. */
export function parseDerivative(reader: LatexReader): Expression | undefined {
  const close = endOfGroup(reader);
  if (close === undefined || !reader.is("{")) return undefined;
  const isPartial = reader.ahead(/^\{partialletter/, close) && reader.peek(close + 3) === "}";
  if (!isPartial && !reader.ahead(/^\{differential\}/, close)) return undefined;
  const sign = isPartial ? "\\partial" : "d";
  const upper = reader.sourceBetween(1, close - 1);
  if (!upper.startsWith(sign)) return undefined;
  const isBare = reader.ahead(/^\{(letter|partial)\}/);
  const variable = reader.named(differentialName(reader.take(close + (isPartial ? 3 : 2))));
  reader.take();
  if (isBare) return { kind: "opaque", variable };
  // The text, not its tokens: without the `d`, other characters go together.
  const body = reader.nested(upper.slice(sign.length));
  return body ? binder("derivative", body, variable) : reader.unbuildable();
}

/** How many tokens the next group has, braces included. */
function endOfGroup(reader: LatexReader): number | undefined {
  let count = 0;
  let level = 0;
  do {
    const type = reader.peek(count++);
    if (type === "eof") return undefined;
    if (type === "{") level++;
    if (type === "}") level--;
    reader.budget.spend(1);
  } while (level > 0);
  return count;
}

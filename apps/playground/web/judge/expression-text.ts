import type { Expression } from "@v-triune/verifiers/math";

/** A parsed answer as nested calls: `add(x, 1)`. Trees stay as they were written, so `1 + 1` is not 2. */
export function expressionText(node: Expression): string {
  if (node.kind === "number") {
    const { n, d } = node.value;
    return d === 1n ? `${n}` : `${n}/${d}`;
  }
  if ("name" in node && !("args" in node)) return String(node.name);
  const { kind, ...fields } = node as { kind: string } & Record<string, unknown>;
  const parts = Object.entries(fields).flatMap(([name, value]) => {
    const text = fieldText(value);
    return text === undefined ? [] : [name === "args" || name === "name" ? text : `${name}: ${text}`];
  });
  return `${kind}(${parts.join(", ")})`;
}

function fieldText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value.map((one) => fieldText(one) ?? "").join(", ");
  if (typeof value === "object") return "kind" in value ? expressionText(value as Expression) : undefined;
  return String(value as string | number | boolean | bigint);
}

/**
 * A validator for the part of JSON Schema (2020-12) that structured outputs are written in: type, enum, const,
 * properties, required, additionalProperties, items, prefixItems, the limits of numbers, strings and lists,
 * uniqueItems, anyOf, oneOf, allOf, not. Keywords outside this list make the schema unusable rather than being passed
 * over, because an unchecked keyword would reward what it forbids. `pattern` is one of them: the model writes the text,
 * and a regular expression can be made to hang.
 */

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A schema that cannot be used: which keyword, where. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
}

/** Steps that one check may take; `anyOf` inside lists can multiply. */
export const SCHEMA_BUDGET = 1 << 20;

const CHECKED = [
  "type",
  "enum",
  "const",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "prefixItems",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
  "uniqueItems",
  "anyOf",
  "oneOf",
  "allOf",
  "not",
];
const REMARKS = [
  "$schema",
  "$id",
  "$comment",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
];
const KNOWN = new Set([...CHECKED, ...REMARKS]);
const DEEPEST = 64;

/**
 * Checks a schema itself, everywhere.
 *
 * @throws SchemaError naming the first keyword that is unknown or has a wrong kind of value
 */
export function checkSchema(schema: unknown, path = "#", depth = 0): asserts schema is Json {
  if (typeof schema === "boolean") return;
  if (typeof schema !== "object" || schema === null || Array.isArray(schema))
    throw new SchemaError(`${path}: an object or true or false expected`);
  if (depth > DEEPEST) throw new SchemaError(`${path}: nested deeper than ${DEEPEST}`);
  for (const [keyword, value] of Object.entries(schema as Record<string, unknown>)) {
    const where = `${path}/${keyword}`;
    if (!KNOWN.has(keyword))
      throw new SchemaError(`${where}: this keyword is not supported; known are ${CHECKED.join(", ")}`);
    const isList = Array.isArray(value);
    if (/^(?:min|max|exclusive|multiple)/.test(keyword) && typeof value !== "number")
      throw new SchemaError(`${where}: a number expected`);
    if (["required", "enum", "anyOf", "oneOf", "allOf", "prefixItems"].includes(keyword) && !isList)
      throw new SchemaError(`${where}: a list expected`);
    if (["anyOf", "oneOf", "allOf", "prefixItems"].includes(keyword))
      for (const [index, part] of (value as unknown[]).entries()) checkSchema(part, `${where}/${index}`, depth + 1);
    if (["items", "additionalProperties", "not"].includes(keyword)) checkSchema(value, where, depth + 1);
    if (keyword === "properties") {
      if (typeof value !== "object" || value === null || isList) throw new SchemaError(`${where}: an object expected`);
      for (const [name, part] of Object.entries(value)) checkSchema(part, `${where}/${name}`, depth + 1);
    }
  }
}

/** Validation that took more than {@link SCHEMA_BUDGET} steps. */
export class SchemaBudgetError extends Error {
  override readonly name = "SchemaBudgetError";
}

/**
 * Whether a value fits a schema that {@link checkSchema} has accepted.
 *
 * @throws SchemaBudgetError when the check is too long
 */
export function fitsSchema(value: Json, schema: Json): boolean {
  let steps = 0;
  const fits = (item: Json, part: Json): boolean => {
    if (++steps > SCHEMA_BUDGET) throw new SchemaBudgetError("the check takes too many steps");
    if (typeof part === "boolean") return part;
    const s = part as { readonly [key: string]: Json };
    const list = (keyword: string) => s[keyword] as readonly Json[] | undefined;
    if (s["type"] !== undefined && ![s["type"]].flat().some((type) => isOfType(item, type as string))) return false;
    if (list("enum")?.some((allowed) => sameJson(allowed, item)) === false) return false;
    if (s["const"] !== undefined && !sameJson(s["const"], item)) return false;
    if (typeof item === "number" && !numberFits(item, s)) return false;
    if (typeof item === "string" && !within([...item].length, s["minLength"], s["maxLength"])) return false;
    if (Array.isArray(item) && !listFits(item, s, fits)) return false;
    if (isJsonObject(item) && !objectFits(item, s, fits)) return false;
    if (list("anyOf")?.some((option) => fits(item, option)) === false) return false;
    if (list("allOf")?.every((option) => fits(item, option)) === false) return false;
    const oneOf = list("oneOf");
    if (oneOf !== undefined && oneOf.filter((option) => fits(item, option)).length !== 1) return false;
    return s["not"] === undefined || !fits(item, s["not"]);
  };
  return fits(value, schema);
}

/** Equality of JSON values; objects regardless of the order of their keys. */
export function sameJson(a: Json, b: Json): boolean {
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, index) => sameJson(item as Json, b[index] as Json))
    );
  if (!isJsonObject(a) || !isJsonObject(b)) return a === b;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key] as Json, b[key] as Json))
  );
}

type Fits = (item: Json, schema: Json) => boolean;
type Schema = { readonly [key: string]: Json };

function isJsonObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOfType(value: Json, type: string): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isJsonObject(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

const within = (size: number, low: Json | undefined, high: Json | undefined) =>
  size >= ((low as number | undefined) ?? 0) && size <= ((high as number | undefined) ?? Infinity);

function numberFits(value: number, s: Schema): boolean {
  const at = (keyword: string) => s[keyword] as number | undefined;
  if (value < (at("minimum") ?? -Infinity) || value > (at("maximum") ?? Infinity)) return false;
  if (value <= (at("exclusiveMinimum") ?? -Infinity) || value >= (at("exclusiveMaximum") ?? Infinity)) return false;
  const step = at("multipleOf");
  return step === undefined || Number.isInteger(value / step);
}

function listFits(items: readonly Json[], s: Schema, fits: Fits): boolean {
  if (!within(items.length, s["minItems"], s["maxItems"])) return false;
  const first = (s["prefixItems"] ?? []) as readonly Json[];
  if (!first.every((part, index) => index >= items.length || fits(items[index] as Json, part))) return false;
  const rest = s["items"];
  if (rest !== undefined && !items.slice(first.length).every((item) => fits(item, rest))) return false;
  return s["uniqueItems"] !== true || new Set(items.map(canonical)).size === items.length;
}

function objectFits(object: { readonly [key: string]: Json }, s: Schema, fits: Fits): boolean {
  const keys = Object.keys(object);
  if (!within(keys.length, s["minProperties"], s["maxProperties"])) return false;
  if (!((s["required"] ?? []) as readonly string[]).every((key) => Object.hasOwn(object, key))) return false;
  const properties = (s["properties"] ?? {}) as Schema;
  const others = s["additionalProperties"];
  return keys.every((key) => {
    if (Object.hasOwn(properties, key)) return fits(object[key] as Json, properties[key] as Json);
    return others === undefined || fits(object[key] as Json, others);
  });
}

/** A text that two JSON values share exactly when they are equal. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item as Json)).join(",")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  return `{${Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key] as Json)}`)
    .join(",")}}`;
}

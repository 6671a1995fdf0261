/**
 * Turns what arktype found wrong with a configuration into one sentence with the key's path, its line and, for a key
 * that does not exist, the one that was probably meant.
 */
import type { ArkErrors } from "arktype";
import { ConfigError, nearest } from "@v-triune/errors";
import type { ConfigSource } from "./config-source";
import { formatKeyPath, type KeyPath } from "./key-path";

/** The parts of arktype's JSON form that hold keys; a union is a list of branches. */
interface SchemaJson {
  readonly required?: readonly { readonly key: string; readonly value: SchemaNode }[];
  readonly optional?: readonly { readonly key: string; readonly value: SchemaNode }[];
  readonly sequence?: SchemaNode | { readonly variadic?: SchemaNode };
  readonly branches?: readonly SchemaNode[];
}
type SchemaNode = SchemaJson | readonly SchemaNode[] | string;

const branchesOf = (node: SchemaNode): readonly SchemaJson[] => {
  if (typeof node === "string") return [];
  if (Array.isArray(node)) return (node as readonly SchemaNode[]).flatMap(branchesOf);
  const json = node as SchemaJson;
  return json.branches === undefined ? [json] : json.branches.flatMap(branchesOf);
};

/** The keys that an object at `path` may have. */
export function keysAt(schema: { readonly json: unknown }, path: KeyPath): string[] {
  let nodes = branchesOf(schema.json as SchemaNode);
  for (const part of path) {
    nodes = nodes.flatMap((node) => {
      if (typeof part === "number") {
        if (node.sequence === undefined) return [];
        const item = node.sequence as { readonly variadic?: SchemaNode };
        return branchesOf(item.variadic ?? (node.sequence as SchemaNode));
      }
      return [...(node.required ?? []), ...(node.optional ?? [])]
        .filter(({ key }) => key === part)
        .flatMap(({ value }) => branchesOf(value));
    });
  }
  return [
    ...new Set(nodes.flatMap((node) => [...(node.required ?? []), ...(node.optional ?? [])].map(({ key }) => key))),
  ];
}

/** Where the schema has a key of this name, the shallowest first. */
function placesOf(schema: { readonly json: unknown }, name: string, parents: readonly KeyPath[] = [[]]): KeyPath[] {
  const children = parents.flatMap((parent) => keysAt(schema, parent).map((key): KeyPath => [...parent, key]));
  if (children.length === 0) return [];
  return [...children.filter((path) => path.at(-1) === name), ...placesOf(schema, name, children)];
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
};

function valueAt(root: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<string | number, unknown> | undefined)?.[part], root);
}

/** Values that YAML reads as text although a number was probably meant, and the other way round. */
function typeHint(expected: string, found: unknown): string | undefined {
  if (
    typeof found === "string" &&
    /number|positive|negative|integer|at least|less|more/.test(expected) &&
    Number.isFinite(Number(found)) &&
    found.trim() !== ""
  )
    return "write the number without quotes";
  return undefined;
}

/**
 * The first problem as an error; the others are counted in it. A key that does not exist comes before a wrong value, as
 * the one is often the reason for the other ("required key missing" beside its misspelling).
 */
export function configError(
  schema: { readonly json: unknown },
  problems: ArkErrors,
  source: ConfigSource,
): ConfigError {
  const unknown = problems.find((problem) => problem.expected === "removed");
  const problem = unknown ?? problems[0]!;
  const path = [...problem.path] as KeyPath;
  const key = formatKeyPath(path);
  const more =
    problems.length > 1
      ? `\n(and ${problems.length - 1} more ${problems.length === 2 ? "problem" : "problems"} in this configuration)`
      : "";
  if (unknown !== undefined) {
    const parent = path.slice(0, -1);
    // A list is an object to arktype, its indices undeclared keys.
    if (Array.isArray(valueAt(source.value, parent))) {
      return new ConfigError({
        what:
          parent.length === 0
            ? "The configuration is a list."
            : `The configuration key "${formatKeyPath(parent)}" is a list.`,
        where: source.locate(parent),
        expected: `keys with values: ${keysAt(schema, parent).join(", ")}`,
        found: shown(valueAt(source.value, parent)),
      });
    }
    const keys = keysAt(schema, parent);
    const name = String(path.at(-1));
    const meant = nearest(name, keys);
    const places = placesOf(schema, name);
    const elsewhere = places.filter((place) => place.length === places[0]!.length).slice(0, 3);
    const fix =
      meant !== null
        ? `did you mean "${formatKeyPath([...parent, meant])}"?`
        : elsewhere.length > 0
          ? `did you mean ${elsewhere.map((place) => `"${formatKeyPath(place)}"`).join(" or ")}?`
          : "remove it";
    return new ConfigError({
      what: `There is no configuration key "${key}".`,
      where: source.locate(path),
      expected: `one of ${keys.join(", ")}`,
      fix: fix + more,
    });
  }
  const found = valueAt(source.value, path);
  const expected =
    problem.code === "union"
      ? unionExpectation(problem.expected, key)
      : problem.expected.replaceAll(/\s*\n?\s*◦ /g, ", ").replace(/^, /, "");
  const hint = typeHint(expected, found);
  return new ConfigError({
    what:
      key === ""
        ? "The configuration has no keys."
        : `The configuration key "${key}" ${found === undefined ? "is missing" : "has a value that can't be used"}.`,
    where: source.locate(path),
    expected,
    found: found === undefined ? "nothing" : shown(found),
    fix:
      hint === undefined && more === ""
        ? undefined
        : `${hint ?? (found === undefined ? "add it" : "change the value")}${more}`,
  });
}

/** arktype puts the key's path and the value found around a union's expectation; both are said elsewhere. */
function unionExpectation(expected: string, key: string): string {
  // The value that ends it may hold parentheses itself.
  const found = expected.endsWith(")") ? expected.lastIndexOf(" (was ") : -1;
  return (found < 0 ? expected : expected.slice(0, found))
    .replaceAll(`${key} must be `, "")
    .replaceAll("must be ", "")
    .replaceAll(/ \(was [^)]*\)/g, "");
}

/** A place in a configuration: object keys and list indices, from the root. */
export type KeyPath = readonly (string | number)[];

/** "data.train[0].path" */
export function formatKeyPath(path: KeyPath): string {
  return path.map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`)).join("");
}

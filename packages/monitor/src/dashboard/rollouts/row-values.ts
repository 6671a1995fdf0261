/** Values of a row that DuckDB returns. Files may come from another program, so a value may have any type. */

export type Row = Readonly<Record<string, unknown>>;

/** The empty string for anything but text. */
export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** null for anything but a finite number. */
export function finite(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** The value of a text that holds JSON; undefined if it does not. */
export function parseJson(value: unknown): unknown {
  try {
    return typeof value === "string" ? JSON.parse(value) : undefined;
  } catch {
    return undefined;
  }
}

/** The finite numbers of an object; without those that are something else. */
export function numbers(value: unknown): Record<string, number> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter(
      (entry): entry is [string, number] => typeof entry[1] === "number" && Number.isFinite(entry[1]),
    ),
  );
}

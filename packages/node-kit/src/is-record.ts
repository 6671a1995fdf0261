/**
 * Whether a value is an object with named fields: not null, not an array. Imports nothing, so it also works in a
 * browser.
 */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

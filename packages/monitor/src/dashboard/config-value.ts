/** Reading a configuration that may be of any version, or of another program. */
import { isRecord } from "@v-triune/node-kit/is-record";

/** A configuration as "optimizer.lr" → "0.0003"; lists stay whole. */
export function flattenConfig(value: unknown, prefix = "", into: Record<string, string> = {}): Record<string, string> {
  if (!isRecord(value)) into[prefix] = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  else
    for (const [key, child] of Object.entries(value))
      flattenConfig(child, prefix === "" ? key : `${prefix}.${key}`, into);
  return into;
}

/** A value of a configuration that may be anything; undefined if it is missing. */
export function configValue(config: unknown, path: readonly string[]): unknown {
  let value = config;
  for (const key of path) value = isRecord(value) ? value[key] : undefined;
  return value;
}

/** The adapters by the key that a configuration names them with. */
import { DatasetError, nearest } from "@v-triune/schema";
import { chartqa } from "./chartqa";
import { clevr, superclevr } from "./clevr";
import { coco, d3, object365, v3det } from "./coco-layout";
import { geometry3k } from "./geometry3k";
import type { SourceAdapter } from "./source-adapter";

/** Every adapter: the 18 sources, and others that stand in for them or bring in people's own data. */
export const adapters: readonly SourceAdapter[] = [geometry3k, chartqa, v3det, object365, coco, d3, clevr, superclevr];

/** The adapter of a key. @throws DatasetError with the nearest key */
export function adapterFor(key: string): SourceAdapter {
  const adapter = adapters.find((candidate) => candidate.info.key === key);
  if (adapter !== undefined) return adapter;
  const keys = adapters.map((candidate) => candidate.info.key);
  const near = nearest(key, keys);
  throw new DatasetError({
    code: "bad-option",
    field: "source",
    expected: `one of ${keys.join(", ")}`,
    found: key,
    fix: near === null ? undefined : `did you mean ${near}?`,
  });
}

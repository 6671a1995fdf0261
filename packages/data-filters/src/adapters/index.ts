/** The adapters by the key that a configuration names them with. */
import { nearest } from "@v-triune/errors";
import { DatasetError } from "@v-triune/schema";
import { chartqa } from "./chartqa";
import { chartqapro } from "./chartqapro";
import { chartx } from "./chartx";
import { clevr, superclevr } from "./clevr";
import { coco, d3, object365, v3det } from "./coco-layout";
import { estvqa } from "./estvqa";
import { geometry3k } from "./geometry3k";
import { llavaOvOcr } from "./llava-ov-ocr";
import { mmMath } from "./mm-math";
import { mmk12 } from "./mmk12";
import { algopuzzlevqa, puzzlevqa } from "./puzzlevqa";
import { scienceqa } from "./scienceqa";
import { scivqa } from "./scivqa";
import type { SourceAdapter } from "./source-adapter";
import { checkSettings } from "./source-settings";
import { tableAdapter } from "./table";
import { tablevqa } from "./tablevqa";
import { verlAdapter } from "./verl";
import { virl39kChart, virl39kScience } from "./virl39k";
import { visualpuzzles } from "./visualpuzzles";

/**
 * Adapters that read one owner's layout: the 18 sources in the order of `sources`, then sources that can replace them.
 */
export const adapters: readonly SourceAdapter[] = [
  mmMath,
  geometry3k,
  mmk12,
  puzzlevqa,
  visualpuzzles,
  scienceqa,
  scivqa,
  virl39kScience,
  chartqapro,
  chartx,
  tablevqa,
  virl39kChart,
  v3det,
  object365,
  d3,
  clevr,
  llavaOvOcr,
  estvqa,
  algopuzzlevqa,
  chartqa,
  coco,
  superclevr,
];

/** Adapters for people's own data, made from the settings of a source. */
const generic: Readonly<Record<string, (settings: Readonly<Record<string, unknown>>) => SourceAdapter>> = {
  table: tableAdapter,
  verl: verlAdapter,
};

/**
 * The adapter of a key.
 *
 * @param settings settings of the source in the configuration; `table` and `verl` need them
 * @param known adapters to choose from. Default: those that ship. `[mine, ...adapters]` adds your own.
 * @throws DatasetError for a key or a setting that does not exist, with the nearest one
 */
export function adapterFor(
  key: string,
  settings: Readonly<Record<string, unknown>> = {},
  known: readonly SourceAdapter[] = adapters,
): SourceAdapter {
  const adapter = known.find((candidate) => candidate.info.key === key);
  // Adapters from elsewhere have settings of their own.
  if (adapter !== undefined && !adapters.includes(adapter)) return adapter;
  const make = generic[key];
  if (adapter !== undefined || make !== undefined) checkSettings(key, settings);
  if (adapter !== undefined) return adapter;
  if (make !== undefined) return make(settings);
  const keys = [...known.map((candidate) => candidate.info.key), ...Object.keys(generic)];
  const near = nearest(key, keys);
  throw new DatasetError({
    code: "bad-option",
    field: "source",
    expected: `one of ${keys.join(", ")}`,
    found: key,
    fix: near === null ? undefined : `did you mean ${near}?`,
  });
}

/** All that a configuration can name as a source, with its files and settings. */
import type { SourceInfo } from "@v-triune/schema";
import { adapters } from "./index";
import { sourceSettings } from "./source-settings";

/** A source as people choose it. */
export interface SourceDescription {
  /** `source:` in a configuration. */
  readonly key: string;
  readonly title: string;
  /** Files, relative to the source's folder, that its adapter looks for. */
  readonly files: readonly string[];
  /** `settings:` in a configuration, each with what it is. */
  readonly settings: Readonly<Record<string, string>>;
  /** Owner, task, license, .. of a published data set; missing for your own data. */
  readonly info?: SourceInfo;
}

/** All sources: the 18 of the paper, those that can replace them, then your own data. */
export const sourceCatalogue: readonly SourceDescription[] = [
  ...adapters.map(({ info }) => ({
    key: info.key,
    title: info.title,
    files: info.files,
    settings: sourceSettings[info.key] ?? {},
    info,
  })),
  {
    key: "table",
    title: "Your own tables",
    files: ["*.parquet, *.jsonl, *.json, *.csv or *.tsv; pictures as paths, bytes, base64 or data: URLs"],
    settings: sourceSettings.table ?? {},
  },
  {
    key: "verl",
    title: "Corpora of the verl family, also Orsta's and your own",
    files: ["*.parquet with prompt, images, reward_model"],
    settings: sourceSettings.verl ?? {},
  },
];

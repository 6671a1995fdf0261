/** Adds sources to those of an earlier run, whose report states them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatasetError } from "@v-triune/schema";
import type { CurationConfig, SourceConfig } from "./config";
import { readReport } from "./explain";

/**
 * The configuration with the sources of the run in its output folder before its own. If there is no run yet, the
 * configuration itself.
 *
 * @throws DatasetError for a run whose report does not state its sources
 */
export function withEarlierSources(config: CurationConfig): CurationConfig {
  const report = join(config.output, "report.json");
  if (!existsSync(report)) return config;
  const own = new Set(config.sources.map(identityOf));
  const earlier = readReport(config.output).sources.map(({ source, config: stated }) => {
    if (stated !== undefined) return stated;
    throw new DatasetError({
      code: "bad-value",
      file: report,
      field: `sources.${source}.config`,
      expected: "the configuration of each source",
      found: "a report of an earlier version",
      fix: "name all sources in the configuration and replace the result (overwrite: true, --overwrite)",
    });
  });
  return { ...config, sources: [...earlier.filter((source) => !own.has(identityOf(source))), ...config.sources] };
}

/** Sources of the same adapter, folders and name are the same source. */
function identityOf({ source, path, settings }: SourceConfig): string {
  return JSON.stringify([source, [path].flat(), settings?.name ?? null, settings?.files ?? null]);
}

import type { RunDetail } from "../src/dashboard/dashboard-api";

/** Where a run lies and what it is called differs in any case. */
const NAMES = ["run.name", "run.folder"];

/** The settings in which runs differ, by name; a run that records no configuration is left out. */
export function differingSettings(runs: readonly Pick<RunDetail, "config">[]): string[] {
  const configs = runs.map(({ config }) => config).filter((config) => Object.keys(config).length > 0);
  return [...new Set(configs.flatMap((config) => Object.keys(config)))]
    .filter((key) => !NAMES.includes(key) && new Set(configs.map((config) => config[key])).size > 1)
    .sort();
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TrainingConfig } from "@v-triune/training/config";
import { UsageError } from "../errors";

/**
 * The configuration of the run that a folder holds; undefined when the path is no run folder.
 *
 * @param goesOn whether the run is resumed, or only estimated: a new run needs a folder of its own
 * @throws UsageError when the folder is a run's and the run does not go on; ConfigError for overrides that cannot be
 *   used
 */
export async function resumedConfig(
  path: string | undefined,
  overrides: readonly string[],
  goesOn: boolean,
): Promise<TrainingConfig | undefined> {
  if (path === undefined || !existsSync(join(path, "run.json"))) return undefined;
  if (!goesOn) {
    throw new UsageError({
      what: "This folder holds a run.",
      where: path,
      fix: "continue it with --resume, estimate it with --dry-run, or give the configuration of a new run",
    });
  }
  const { runFolderConfig } = await import("@v-triune/training/run-folder");
  return runFolderConfig(path, overrides);
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TrainingConfig } from "@v-triune/training/config";
import { UsageError } from "../errors";

/**
 * The configuration of the run that is resumed by its folder; undefined when the path is no run folder.
 *
 * @throws UsageError when the folder is a run's and the run is not to be resumed; ConfigError for overrides that cannot
 *   be used
 */
export async function resumedConfig(
  path: string | undefined,
  overrides: readonly string[],
  resume: boolean,
): Promise<TrainingConfig | undefined> {
  if (path === undefined || !existsSync(join(path, "run.json"))) return undefined;
  if (!resume) {
    throw new UsageError({
      what: "This folder holds a run.",
      where: path,
      fix: "continue it with --resume, or give the configuration of a new run",
    });
  }
  const { runFolderConfig } = await import("@v-triune/training/run-folder");
  return runFolderConfig(path, overrides);
}

/** Configurations from files, overrides and code (complete-config.ts), with paths of this machine. */
import { resolve } from "node:path";
import { completeConfig, mergeConfig } from "./complete-config";
import { readConfigSource, type ConfigModules, type PlacedOverride } from "./config-source";
import type { TrainingConfig } from "./training-config";
import type { TrainingConfigInput } from "./training-config-schema";

/**
 * Loads a training configuration.
 *
 * @param path a .yaml, .json or .ts file, or a folder that holds a v-triune.yaml; undefined to take everything from the
 *   overrides
 * @param overrides `key.path=value` each, as given to --set; relative paths in them start from `cwd`, those in a file
 *   from the file's folder
 * @param modules what a TypeScript file can import besides its own modules and the packages that are installed beside
 *   it
 * @throws ConfigError naming the key, its line and what it may be
 */
export async function loadTrainingConfig(
  path: string | undefined,
  overrides: readonly (string | PlacedOverride)[] = [],
  cwd: string = process.cwd(),
  modules: ConfigModules = {},
): Promise<TrainingConfig> {
  return completeConfig(await readConfigSource(path, overrides, cwd, modules), cwd, resolve);
}

/**
 * A configuration with overrides, as they are given to --set.
 *
 * @throws ConfigError as `loadTrainingConfig`
 */
export async function overrideTrainingConfig(
  config: TrainingConfig,
  overrides: readonly string[],
  cwd: string = process.cwd(),
): Promise<TrainingConfig> {
  const source = await readConfigSource(undefined, overrides, cwd);
  return completeConfig({ ...source, value: mergeConfig(config, source.value) }, cwd, resolve);
}

/**
 * Fills in a configuration written in code.
 *
 * @param cwd what relative paths start from
 * @throws ConfigError as `loadTrainingConfig`
 */
export function resolveTrainingConfig(input: TrainingConfigInput, cwd: string = process.cwd()): TrainingConfig {
  return completeConfig(
    { value: input, locate: () => undefined, baseFolder: () => cwd, title: undefined },
    cwd,
    resolve,
  );
}

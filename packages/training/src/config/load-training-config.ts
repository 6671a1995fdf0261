/**
 * From what a person wrote to a `TrainingConfig`: preset, then file, then overrides; validated; paths made absolute;
 * defaults filled in.
 */
import { ArkErrors } from "arktype";
import { isRecord } from "@v-triune/node-kit/is-record";
import { configError } from "./config-problems";
import { checkTogether } from "./config-rules";
import { readConfigSource, type ConfigModules, type ConfigSource, type PlacedOverride } from "./config-source";
import { presets } from "./presets";
import { resolveInput } from "./resolve-input";
import type { TrainingConfig } from "./training-config";
import { trainingConfigSchema, type TrainingConfigInput } from "./training-config-schema";

/** Objects are merged key by key, everything else is replaced. */
function merge(under: unknown, over: unknown): unknown {
  if (!isRecord(under) || !isRecord(over)) return over === undefined ? under : over;
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(under[key], value);
  return merged;
}

function fromSource(source: ConfigSource, cwd: string): TrainingConfig {
  const preset = isRecord(source.value) ? source.value["preset"] : undefined;
  const base = typeof preset === "string" && preset in presets ? presets[preset as keyof typeof presets] : {};
  const input = trainingConfigSchema(merge(base, source.value));
  if (input instanceof ArkErrors) throw configError(trainingConfigSchema, input, source);
  const config = resolveInput(input, source, cwd);
  checkTogether(config, source);
  return config;
}

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
  return fromSource(await readConfigSource(path, overrides, cwd, modules), cwd);
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
  return fromSource({ ...source, value: merge(config, source.value) }, cwd);
}

/**
 * Fills in a configuration written in code.
 *
 * @param cwd what relative paths start from
 * @throws ConfigError as `loadTrainingConfig`
 */
export function resolveTrainingConfig(input: TrainingConfigInput, cwd: string = process.cwd()): TrainingConfig {
  return fromSource({ value: input, locate: () => undefined, baseFolder: () => cwd, title: undefined }, cwd);
}

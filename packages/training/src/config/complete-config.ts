/**
 * From what a person wrote to a `TrainingConfig`: preset, then file, then overrides; validated; paths made absolute;
 * defaults filled in.
 */
import { ArkErrors } from "arktype";
import { isRecord } from "@v-triune/node-kit/is-record";
import { configError } from "./config-problems";
import { checkTogether } from "./config-rules";
import type { ConfigSource } from "./config-source";
import { presets } from "./presets";
import { resolveInput } from "./resolve-input";
import type { TrainingConfig } from "./training-config";
import { trainingConfigSchema } from "./training-config-schema";

/** Objects are merged key by key, everything else is replaced. */
export function mergeConfig(under: unknown, over: unknown): unknown {
  if (!isRecord(under) || !isRecord(over)) return over === undefined ? under : over;
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) merged[key] = mergeConfig(under[key], value);
  return merged;
}

/**
 * The configuration that a source describes.
 *
 * @param cwd what the run's folder starts from
 * @param absolute a path that starts from a folder, in full: `resolve` of node:path
 * @throws ConfigError naming the key, its line and what it may be
 */
export function completeConfig(
  source: ConfigSource,
  cwd: string,
  absolute: (folder: string, path: string) => string,
): TrainingConfig {
  const preset = isRecord(source.value) ? source.value["preset"] : undefined;
  const base = typeof preset === "string" && preset in presets ? presets[preset as keyof typeof presets] : {};
  const input = trainingConfigSchema(mergeConfig(base, source.value));
  if (input instanceof ArkErrors) throw configError(trainingConfigSchema, input, source);
  const config = resolveInput(input, source, cwd, absolute);
  checkTogether(config, source);
  return config;
}

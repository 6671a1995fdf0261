/**
 * A curation's configuration from a YAML, JSON or TypeScript file: what `curate` of @v-triune/data-filters takes, with
 * paths relative to the file. The keys are checked there; a complaint gets its line here.
 */
import { resolve } from "node:path";
import type { CurationConfig } from "@v-triune/data-filters";
import { ConfigError } from "@v-triune/errors";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError } from "@v-triune/schema";
import { readConfigSource, type ConfigSource, type KeyPath } from "@v-triune/training/config";
import { configModules } from "../config-modules";

export interface LoadedCuration {
  readonly config: CurationConfig;
  /** The same error, with the line of the key that it is about. */
  readonly withLine: (error: unknown) => unknown;
}

/** Absolute paths where there are paths; anything of a wrong type is left for the check. */
function withAbsolutePaths(value: unknown, source: ConfigSource): unknown {
  if (!isRecord(value)) return value;
  const absolute = (path: unknown, at: KeyPath): unknown => {
    if (Array.isArray(path)) return path.map((item, i) => absolute(item, [...at, i]));
    return typeof path === "string" && path !== "" ? resolve(source.baseFolder(at), path) : path;
  };
  const entries = (items: unknown, at: KeyPath): unknown =>
    Array.isArray(items)
      ? items.map((item: unknown, i) =>
          isRecord(item) && "path" in item ? { ...item, path: absolute(item["path"], [...at, i, "path"]) } : item,
        )
      : items;
  const decontaminate = (given: unknown): unknown => {
    if (!isRecord(given)) return given;
    const at = ["decontaminate"];
    return {
      ...given,
      ...("benchmarks" in given ? { benchmarks: absolute(given["benchmarks"], [...at, "benchmarks"]) } : {}),
      ...("sources" in given ? { sources: entries(given["sources"], [...at, "sources"]) } : {}),
    };
  };
  return {
    ...value,
    ...("output" in value ? { output: absolute(value["output"], ["output"]) } : {}),
    ...("blindRollouts" in value ? { blindRollouts: absolute(value["blindRollouts"], ["blindRollouts"]) } : {}),
    ...("rollouts" in value ? { rollouts: absolute(value["rollouts"], ["rollouts"]) } : {}),
    ...("decisions" in value ? { decisions: absolute(value["decisions"], ["decisions"]) } : {}),
    ...("decontaminate" in value ? { decontaminate: decontaminate(value["decontaminate"]) } : {}),
    ...("sources" in value ? { sources: entries(value["sources"], ["sources"]) } : {}),
  };
}

function withLine(error: unknown, source: ConfigSource): unknown {
  if (!(error instanceof DatasetError) || error.code !== "bad-option") return error;
  const path = (error.field ?? "")
    .split(".")
    .filter((part) => part !== "")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return new ConfigError({
    what:
      path.length === 0
        ? "The curation can't be configured like this."
        : `The curation's key "${error.field}" can't be used.`,
    where: source.locate(path),
    expected: error.expected,
    found: error.found,
    fix: error.fix,
    cause: error,
  });
}

/**
 * @param path the file
 * @param overrides `key.path=value` each
 * @throws ConfigError when the file is missing or can't be parsed
 */
export async function loadCurationConfig(
  path: string,
  overrides: readonly string[] = [],
  cwd: string = process.cwd(),
): Promise<LoadedCuration> {
  const source = await readConfigSource(path, overrides, cwd, configModules);
  return {
    config: withAbsolutePaths(source.value, source) as CurationConfig,
    withLine: (error) => withLine(error, source),
  };
}

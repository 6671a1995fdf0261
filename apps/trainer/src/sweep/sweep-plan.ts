/**
 * From a sweep's file to its runs: all combinations of the grid's cases, each once a seed, every configuration resolved
 * and checked.
 */
import { join } from "node:path";
import { ConfigError } from "@v-triune/errors";
import { type PlacedOverride, type TrainingConfig, loadTrainingConfig } from "@v-triune/training/config";
import { configModules } from "../config-modules";
import type { Settings, SweepFile, Variables } from "./sweep-file";

/** One run of a sweep. */
export interface PlannedRun {
  /** Its folder's name. */
  readonly name: string;
  /** The label of each axis. */
  readonly cases: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly config: TrainingConfig;
}

/** A combination's cases as one short text: "freeze-vit", "lr-0.0003". */
export function caseName(cases: Readonly<Record<string, string>>): string {
  const parts = Object.entries(cases).map(([axis, label]) =>
    /^-?[\d.]/.test(label) || ["true", "false", "null"].includes(label) ? `${axis.split(".").at(-1)}-${label}` : label,
  );
  return parts.join("_").replaceAll(/[^\w.-]+/g, "-") || "base";
}

/**
 * @param base the configuration that the runs start from
 * @param folder the sweep's; runs go to `runs/NAME` in it
 * @param variables what `${name}` stands for, beside the file's own
 * @throws ConfigError for a configuration that can't be used, before anything runs
 */
export async function planSweep(
  sweep: SweepFile,
  base: string,
  folder: string,
  variables: Variables,
  cwd: string,
): Promise<PlannedRun[]> {
  const known = { ...variables, ...sweep.variables };
  const placed = (settings: Settings): PlacedOverride[] =>
    Object.entries(settings).map(([key, value]) => ({
      text: `${key}=${JSON.stringify(interpolate(value, known))}`,
      folder: sweep.folder,
    }));
  const runs: PlannedRun[] = [];
  for (const combination of combinations(sweep)) {
    for (const seed of sweep.seeds) {
      const cases = Object.fromEntries(combination.map(({ axis, label }) => [axis, label]));
      const name = `${caseName(cases)}_seed-${seed}`;
      const own = { "run.seed": seed, "run.name": name, "run.folder": join(folder, "runs", name) };
      const given = sweep.overrides.map((text) => ({ text, folder: cwd }));
      const config = await loadTrainingConfig(
        base,
        [...placed(sweep.set), ...given, ...combination.flatMap(({ settings }) => placed(settings)), ...placed(own)],
        cwd,
        configModules,
      );
      runs.push({ name, cases, seed, config });
    }
  }
  const twice = runs.find(({ name }, index) => runs.findIndex((other) => other.name === name) < index);
  if (twice)
    throw new ConfigError({
      what: "Two runs of the sweep would have the same name.",
      found: twice.name,
      fix: "give the axes' cases different labels",
    });
  return runs;
}

function combinations({ axes }: SweepFile): { axis: string; label: string; settings: Settings }[][] {
  return axes.reduce<{ axis: string; label: string; settings: Settings }[][]>(
    (before, { name, cases }) =>
      before.flatMap((combination) => cases.map((one) => [...combination, { axis: name, ...one }])),
    [[]],
  );
}

/** `${name}` in texts, also inside lists and objects; a variable may name another one. */
function interpolate(value: unknown, variables: Variables, depth = 0): unknown {
  if (Array.isArray(value)) return value.map((item) => interpolate(item, variables, depth));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolate(item, variables, depth)]));
  if (typeof value !== "string" || !value.includes("${")) return value;
  if (depth > 10) throw new ConfigError({ what: "The sweep's variables go round in a circle.", found: value });
  const alone = /^\$\{([\w-]+)\}$/.exec(value);
  const found = alone === null ? undefined : variables[alone[1] as string];
  if (found !== undefined) return interpolate(found, variables, depth + 1);
  const replaced = value.replaceAll(/\$\{([\w-]+)\}/g, (text, name: string) => {
    const value = variables[name];
    if (value === undefined)
      throw new ConfigError({
        what: `The sweep has no variable "${name}".`,
        expected: `one of ${Object.keys(variables).join(", ") || "(none)"}`,
        found: text,
        fix: "write it under variables in the sweep's file",
      });
    return String(value);
  });
  return interpolate(replaced, variables, depth + 1);
}

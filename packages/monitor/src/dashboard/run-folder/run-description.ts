/** What a run folder says about the run besides its numbers: run.json, run.lock and the names of its files. */
import { readFile, readdir, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { isProcessAlive } from "@v-triune/node-kit/is-process-alive";
import { isRecord } from "@v-triune/node-kit/is-record";
import { configValue } from "../config-value";

const LARGEST_DESCRIPTION = 8 << 20;

/** run.json, unchecked: it may be of any version. */
export interface RunDescription {
  readonly name: string | null;
  readonly seed: number | null;
  readonly backend: string | null;
  readonly createdAt: string | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly config: unknown;
  /** Where an import took the run from: the trainer, and the files. null for a run of our own. */
  readonly imported: { readonly dialect: string; readonly from: readonly string[] } | null;
  /** What import found odd, in sentences. */
  readonly notes: readonly string[];
}

/** Of a run without a readable run.json. */
export const NO_DESCRIPTION: RunDescription = {
  name: null,
  seed: null,
  backend: null,
  createdAt: null,
  versions: {},
  config: {},
  imported: null,
  notes: [],
};

/** Texts that a page lists. */
const MOST_TEXTS = 20;

const texts = (value: unknown): string[] =>
  (Array.isArray(value) ? (value as unknown[]) : [value])
    .filter((one): one is string => typeof one === "string")
    .slice(0, MOST_TEXTS);

export async function readDescription(folder: string): Promise<RunDescription> {
  try {
    const path = join(folder, "run.json");
    if ((await stat(path)).size > LARGEST_DESCRIPTION) return NO_DESCRIPTION;
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (!isRecord(value)) return NO_DESCRIPTION;
    const text = (key: string): string | null => (typeof value[key] === "string" ? value[key] : null);
    const versions = isRecord(value.versions) ? value.versions : {};
    return {
      name: text("name"),
      seed: typeof value.seed === "number" ? value.seed : null,
      backend: text("backend"),
      createdAt: text("createdAt"),
      versions: Object.fromEntries(Object.entries(versions).map(([name, version]) => [name, String(version)])),
      config: value.config ?? {},
      imported:
        value.format === "imported" ? { dialect: text("dialect") ?? "", from: texts(value.importedFrom) } : null,
      notes: texts(value.notes),
    };
  } catch {
    return NO_DESCRIPTION;
  }
}

/** Number of steps that the run is configured for; null if run.json does not say. */
export function plannedSteps({ config }: RunDescription): number | null {
  const steps = configValue(config, ["run", "steps"]);
  return typeof steps === "number" ? steps : null;
}

/** Steps of the files or folders `step-000012` plus `ending`, ascending. */
export async function stepsIn(folder: string, ending: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  return names
    .flatMap((name) => {
      const match = /^step-(\d{6,12})(.*)$/.exec(name);
      return match?.[2] === ending ? Number(match[1]) : [];
    })
    .sort((a, b) => a - b);
}

/** Who holds a run folder. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** null for a process of another machine, which this one cannot look for. */
  readonly isHeld: boolean | null;
}

/** What run.lock says; null without a readable one. */
export async function lockOf(folder: string): Promise<LockHolder | null> {
  try {
    const lock: unknown = JSON.parse(await readFile(join(folder, "run.lock"), "utf8"));
    const { pid, host = hostname() } = isRecord(lock) ? lock : {};
    if (typeof pid !== "number" || !Number.isInteger(pid) || pid <= 0 || typeof host !== "string") return null;
    return { pid, host, isHeld: host === hostname() ? isProcessAlive(pid) : null };
  } catch {
    return null;
  }
}

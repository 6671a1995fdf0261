/** What a run says about itself besides its numbers. */
import { isRecord } from "@v-triune/node-kit/is-record";
import { configValue } from "../config-value";

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

/** @param value of run.json */
export function runDescription(value: unknown): RunDescription {
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
    imported: value.format === "imported" ? { dialect: text("dialect") ?? "", from: texts(value.importedFrom) } : null,
    notes: texts(value.notes),
  };
}

/** Number of steps that the run is configured for; null if run.json does not say. */
export function plannedSteps({ config }: RunDescription): number | null {
  const steps = configValue(config, ["run", "steps"]);
  return typeof steps === "number" ? steps : null;
}

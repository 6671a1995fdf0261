/**
 * Layer-wise gradient norms of a run: the mean over its steps of each layer's norm before clipping, vision tower
 * against language model (arXiv 2505.18129 finds the tower's first layer at 5 to 10 times its last, and a language
 * model that is even).
 */
import { join } from "node:path";
import { type MetricRecord, readMetricRecords } from "@v-triune/monitor";
import { RunFolderError, readRunDescription } from "@v-triune/training/run-folder";

/** Mean norms of one group's layers, the first layer first. */
export interface LayerProfile {
  readonly group: string;
  readonly layers: readonly { readonly layer: number; readonly norm: number }[];
  /** First layer over last; undefined for a single layer or a last one without gradient. */
  readonly firstToLast: number | undefined;
}

export interface GradientProfile {
  /** Steps that the means are over. */
  readonly steps: number;
  readonly groups: readonly LayerProfile[];
}

const prefix = "actor/grad_norm/layer/";

/** The profile of a run's records. Tensors outside of layers (embeddings, final norms) are left out. */
export function gradientProfile(records: Iterable<MetricRecord>): GradientProfile {
  const sums = new Map<string, Map<number, { sum: number; count: number }>>();
  const steps = new Set<number>();
  for (const { split, scope, step, metrics } of records) {
    if (split !== "train" || scope !== "all") continue;
    for (const [name, value] of Object.entries(metrics)) {
      const match = name.startsWith(prefix) ? /^(.+)\.(\d+)$/.exec(name.slice(prefix.length)) : null;
      if (match === null || !Number.isFinite(value)) continue;
      const [, group = "", layer = ""] = match;
      const layers = sums.get(group) ?? new Map<number, { sum: number; count: number }>();
      const before = layers.get(Number(layer)) ?? { sum: 0, count: 0 };
      sums.set(group, layers.set(Number(layer), { sum: before.sum + value, count: before.count + 1 }));
      steps.add(step);
    }
  }
  const order = ["vision", "connector", "language"];
  const groups = [...sums]
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([group, means]): LayerProfile => {
      const layers = [...means]
        .sort(([a], [b]) => a - b)
        .map(([layer, { sum, count }]) => ({ layer, norm: sum / count }));
      const last = layers.at(-1)?.norm ?? 0;
      return { group, layers, firstToLast: layers.length > 1 && last > 0 ? (layers[0]?.norm ?? 0) / last : undefined };
    });
  return { steps: steps.size, groups };
}

/** @throws RunFolderError when the folder holds no run, or its metrics no gradients of layers */
export async function readGradientProfile(folder: string): Promise<GradientProfile> {
  await readRunDescription(folder);
  const path = join(folder, "metrics.jsonl");
  const records: MetricRecord[] = [];
  try {
    for await (const record of readMetricRecords(path)) records.push(record);
  } catch (cause) {
    throw new RunFolderError({ what: "The run has no metrics yet.", where: path, fix: "let it finish a step", cause });
  }
  const profile = gradientProfile(records);
  if (profile.steps === 0)
    throw new RunFolderError({
      what: "The run's metrics hold no gradient norms of layers.",
      where: path,
      expected: `records with ${prefix}..`,
      found: `${records.length} records without`,
      fix: "let it finish a step",
    });
  return profile;
}

/** A bar a layer, 80 columns wide, all groups on one scale. */
export function formatGradientProfile({ steps, groups }: GradientProfile): string {
  const largest = Math.max(Number.MIN_VALUE, ...groups.flatMap(({ layers }) => layers.map(({ norm }) => norm)));
  const lines = [`Gradient norm by layer, mean over ${steps} ${steps === 1 ? "step" : "steps"}`];
  for (const { group, layers, firstToLast } of groups) {
    lines.push("", `  ${group}${firstToLast === undefined ? "" : `, first to last layer ${firstToLast.toFixed(2)}`}`);
    for (const { layer, norm } of layers)
      lines.push(
        `  ${String(layer).padStart(5)}  ${norm.toExponential(2).padStart(9)}  ${"█".repeat(Math.round((50 * norm) / largest))}`.trimEnd(),
      );
  }
  if (!groups.some(({ group }) => group === "vision"))
    lines.push("", "The vision tower was not trained: optimizer.groups.vision.freeze is true.");
  return `${lines.join("\n")}\n`;
}

/** The prompts of two windows of rollouts in memory, as {@link promptTotals} reads them from files. */
import type { ChangeWindows } from "../dashboard-api";
import type { StoredRow } from "../rollouts/stored-row";
import { isWithin } from "./change-windows";
import { UNIT_STRIDE, type Unit } from "./mean-change";
import {
  CHANGE_METRICS,
  evidenceKey,
  promptId,
  type PromptEvidence,
  type PromptTotals,
  type PromptUnits,
} from "./compared-metrics";

/** What was counted of a source, a task or all in a window. */
class Evidence {
  readonly #steps = new Set<number>();
  readonly #prompts = new Set<string>();
  #rollouts = 0;

  add(row: StoredRow): void {
    this.#steps.add(row.step);
    this.#prompts.add(JSON.stringify([row.source, promptId(row)]));
    this.#rollouts += 1;
  }

  count(): PromptEvidence {
    return { steps: this.#steps.size, prompts: this.#prompts.size, rollouts: this.#rollouts };
  }
}

/** Every prompt stays apart: what fits in memory is not too much for the bootstrap. */
export function promptTotalsInMemory(rows: readonly StoredRow[], { before, after }: ChangeWindows): PromptTotals {
  const members = new Map<string, PromptUnits>();
  const units = new Map<string, Unit>();
  const evidence = new Map<string, { readonly before: Evidence; readonly after: Evidence }>();
  for (const row of rows) {
    const side = isWithin(row.step, before) ? "before" : isWithin(row.step, after) ? "after" : undefined;
    if (side === undefined) continue;
    const { source, task } = row;
    const key = JSON.stringify([source, task]);
    let member = members.get(key);
    if (member === undefined) members.set(key, (member = { source, task, units: [] }));
    const prompt = JSON.stringify([source, task, promptId(row)]);
    let unit = units.get(prompt);
    if (unit === undefined) {
      units.set(prompt, (unit = new Float64Array(CHANGE_METRICS.length * UNIT_STRIDE)));
      member.units.push(unit);
    }
    const offset = side === "before" ? 0 : 2;
    for (const [index, { valueOf }] of CHANGE_METRICS.entries()) {
      const value = valueOf(row);
      if (value === null) continue;
      unit[index * UNIT_STRIDE + offset]! += value;
      unit[index * UNIT_STRIDE + offset + 1]! += 1;
    }
    for (const of of [evidenceKey("source", source), evidenceKey("task", task), evidenceKey("all", "all")]) {
      let counted = evidence.get(of);
      if (counted === undefined) evidence.set(of, (counted = { before: new Evidence(), after: new Evidence() }));
      counted[side].add(row);
    }
  }
  return {
    units: [...members.values()].sort((a, b) => (a.source < b.source ? -1 : 1)),
    evidence: new Map(
      [...evidence].map(([key, counted]) => [key, { before: counted.before.count(), after: counted.after.count() }]),
    ),
  };
}

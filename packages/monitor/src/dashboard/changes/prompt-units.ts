/** The prompts of two windows, read from the stored rollouts: what the bootstrap of Changes draws from. */
import type { ChangeWindows } from "../dashboard-api";
import type { RolloutReader } from "../rollouts/rollout-reader";
import { text, type Row } from "../rollouts/row-values";
import type { RunView } from "../run-folder/run-view";
import {
  CHANGE_METRICS,
  evidenceKey,
  type PromptEvidence,
  type PromptTotals,
  type PromptUnits,
} from "./compared-metrics";
import { UNIT_STRIDE } from "./mean-change";

/** Prompts per source that stay apart; more are put together at random, to bound memory (mean-change.ts). */
const MOST_PROMPTS = 4_096;

/** {@link promptId} in SQL. */
export const PROMPT = "coalesce(nullif(id::VARCHAR, ''), step || '/' || group_index)";

const SIDES = ["before", "after"] as const;

/** @throws DashboardError when the files cannot be read */
export async function promptTotals(reader: RolloutReader, run: RunView, windows: ChangeWindows): Promise<PromptTotals> {
  const { before, after } = windows;
  const table = await reader.storedSteps(run, [before, after]);
  const values = { a: before.from, b: before.to, c: after.from, d: after.to };
  const rollouts = `select *, ${PROMPT} as prompt_id,
      step between $a and $b as is_before, step between $c and $d as is_after,
      ${CHANGE_METRICS.map(({ sql }, index) => `(${sql})::DOUBLE as value_${index}`).join(", ")}
    from ${table} where is_before or is_after`;
  const totals = SIDES.flatMap((side) =>
    CHANGE_METRICS.flatMap((_, index) => [
      `coalesce(sum(value_${index}) filter (is_${side}), 0) as sum_${side}_${index}`,
      `count(value_${index}) filter (is_${side}) as count_${side}_${index}`,
    ]),
  );
  const names = SIDES.flatMap((side) =>
    CHANGE_METRICS.flatMap((_, index) => [`sum_${side}_${index}`, `count_${side}_${index}`]),
  );
  const rows = await reader.query(
    `with prompts as (
       select data_source::VARCHAR as source, task::VARCHAR as task, prompt_id, ${totals.join(", ")}
       from (${rollouts}) group by all),
     numbered as (
       select *, (row_number() over (partition by source, task order by md5(prompt_id)) - 1) % ${MOST_PROMPTS} as bag
       from prompts)
     select source, task, ${names.map((name) => `sum(${name})::DOUBLE as "${name}"`).join(", ")}
     from numbered group by source, task, bag order by source, task, bag`,
    values,
    run.folder,
  );
  const found = await reader.query(
    `select grouping(data_source)::INTEGER as "no_source", grouping(task)::INTEGER as "no_task",
       data_source::VARCHAR as "source", task::VARCHAR as "task",
       ${SIDES.map(
         (side) => `count(distinct step) filter (is_${side})::DOUBLE as "steps_${side}",
       count(distinct (data_source, prompt_id)) filter (is_${side})::DOUBLE as "prompts_${side}",
       count(*) filter (is_${side})::DOUBLE as "rollouts_${side}"`,
       ).join(", ")}
     from (${rollouts}) group by grouping sets ((data_source), (task), ())`,
    values,
    run.folder,
  );
  return { units: unitsOf(rows), evidence: new Map(found.map(evidenceOf)) };
}

function unitsOf(rows: readonly Row[]): PromptUnits[] {
  const all: PromptUnits[] = [];
  for (const row of rows) {
    const source = text(row.source);
    const task = text(row.task);
    let last = all.at(-1);
    if (last === undefined || last.source !== source || last.task !== task)
      all.push((last = { source, task, units: [] }));
    const unit = new Float64Array(CHANGE_METRICS.length * UNIT_STRIDE);
    for (const [side, name] of SIDES.entries()) {
      for (let metric = 0; metric < CHANGE_METRICS.length; metric += 1) {
        unit[metric * UNIT_STRIDE + 2 * side] = Number(row[`sum_${name}_${metric}`]);
        unit[metric * UNIT_STRIDE + 2 * side + 1] = Number(row[`count_${name}_${metric}`]);
      }
    }
    last.units.push(unit);
  }
  return all;
}

function evidenceOf(row: Row): [string, { before: PromptEvidence; after: PromptEvidence }] {
  const key =
    row.no_source === 0
      ? evidenceKey("source", text(row.source))
      : row.no_task === 0
        ? evidenceKey("task", text(row.task))
        : evidenceKey("all", "all");
  const of = (side: string): PromptEvidence => ({
    steps: Number(row[`steps_${side}`]),
    prompts: Number(row[`prompts_${side}`]),
    rollouts: Number(row[`rollouts_${side}`]),
  });
  return [key, { before: of("before"), after: of("after") }];
}

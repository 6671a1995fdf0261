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

/**
 * One statement for both, because reading the columns of many small files takes most of its time.
 *
 * @throws DashboardError when the files cannot be read
 */
export async function promptTotals(reader: RolloutReader, run: RunView, windows: ChangeWindows): Promise<PromptTotals> {
  const { before, after } = windows;
  const table = await reader.storedSteps(run, [before, after]);
  const sums = SIDES.flatMap((side) => CHANGE_METRICS.map((_, index) => ({ side, index, name: `${side}_${index}` })));
  const rows = await reader.query(
    `with rollouts as materialized (
       select step, data_source::VARCHAR as source, task::VARCHAR as task, ${PROMPT} as prompt_id,
         step between $a and $b as is_before, step between $c and $d as is_after,
         ${CHANGE_METRICS.map(({ sql }, index) => `(${sql})::DOUBLE as value_${index}`).join(", ")}
       from ${table} where is_before or is_after),
     prompts as (
       select source, task, prompt_id,
         ${sums.map(
           ({ side, index, name }) => `coalesce(sum(value_${index}) filter (is_${side}), 0) as sum_${name},
             count(value_${index}) filter (is_${side}) as count_${name}`,
         )}
       from rollouts group by all),
     bags as (
       select *, (row_number() over (partition by source, task order by md5(prompt_id)) - 1) % ${MOST_PROMPTS} as bag
       from prompts)
     select 'units' as "about", source as "source", task as "task", bag as "bag",
       ${sums.map(
         ({ name }) => `sum(sum_${name})::DOUBLE as "sum_${name}", sum(count_${name})::DOUBLE as "count_${name}"`,
       )}
     from bags group by source, task, bag
     union all by name
     select case when grouping(source) = 0 then 'source' when grouping(task) = 0 then 'task' else 'all' end as "about",
       source as "source", task as "task",
       ${SIDES.map(
         (side) => `count(distinct step) filter (is_${side})::DOUBLE as "steps_${side}",
           count(distinct (source, prompt_id)) filter (is_${side})::DOUBLE as "prompts_${side}",
           count(*) filter (is_${side})::DOUBLE as "rollouts_${side}"`,
       )}
     from rollouts group by grouping sets ((source), (task), ())
     order by about, source, task, bag`,
    { a: before.from, b: before.to, c: after.from, d: after.to },
    run.folder,
  );
  const units = rows.filter(({ about }) => about === "units");
  const evidence = rows.filter(({ about }) => about !== "units");
  return { units: unitsOf(units), evidence: new Map(evidence.map(evidenceOf)) };
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
    row.about === "all" ? evidenceKey("all", "all") : evidenceKey(text(row.about), text(row[text(row.about)]));
  const of = (side: string): PromptEvidence => ({
    steps: Number(row[`steps_${side}`]),
    prompts: Number(row[`prompts_${side}`]),
    rollouts: Number(row[`rollouts_${side}`]),
  });
  return [key, { before: of("before"), after: of("after") }];
}

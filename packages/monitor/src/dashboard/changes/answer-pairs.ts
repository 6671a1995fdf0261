/**
 * What a row's answers looked like before and after: the same prompts where they recur, else prompts that have the same
 * rank among the rewards of their window, so that neither side is chosen for being bad.
 */
import type { AnswerComparison, ChangeWindows, ComparedAnswer, ComparedPrompt } from "../dashboard-api";
import type { RolloutReader } from "../rollouts/rollout-reader";
import { finite, text, type Row } from "../rollouts/row-values";
import type { RunView } from "../run-folder/run-view";
import {
  LONGEST_ANSWER,
  LONGEST_PROMPT,
  MOST_ANSWERS,
  MOST_PAIRS,
  meanReward,
  type ComparedRow,
} from "./compared-prompt";
import { PROMPT } from "./prompt-units";

/** Where a prompt was answered. */
interface Place {
  readonly step: number;
  readonly group: number;
}

/**
 * @returns no pairs where a window has no stored rollouts of the row
 * @throws DashboardError when the files cannot be read
 */
export async function answerPairs(
  run: RunView,
  reader: RolloutReader,
  { before, after }: ChangeWindows,
  { scope, name }: ComparedRow,
): Promise<AnswerComparison> {
  const none: AnswerComparison = { pairing: "same-rank", recurring: 0, pairs: [] };
  const stored = await run.rolloutSteps();
  if (!stored.some((step) => step >= before.from && step <= before.to)) return none;
  if (!stored.some((step) => step >= after.from && step <= after.to)) return none;
  const table = await reader.storedSteps(run, [before, after]);
  const condition = { source: "data_source::VARCHAR = $name", task: "task::VARCHAR = $name", all: "$name = $name" }[
    scope
  ];
  const values = { a: before.from, b: before.to, c: after.from, d: after.to, name };
  // The latest answers of a window stand for it.
  const prompts = `select ${PROMPT} as id, data_source::VARCHAR as source, step between $a and $b as is_before,
      avg(reward) filter (status = 'scored' and isfinite(reward)) as reward,
      arg_max(step, step)::INTEGER as step, arg_max(group_index, step)::INTEGER as group_index
    from ${table} where (step between $a and $b or step between $c and $d) and ${condition} group by all`;
  const recurring = await reader.query(
    `with prompts as (${prompts}),
     pairs as (
       select b.step as "step_before", b.group_index as "group_before", a.step as "step_after",
         a.group_index as "group_after", a.reward - b.reward as "change", b.id
       from prompts b join prompts a on a.id = b.id and a.source = b.source where b.is_before and not a.is_before)
     select *, count(*) over ()::INTEGER as "recurring" from pairs order by change nulls last, id limit ${MOST_PAIRS}`,
    values,
    run.folder,
  );
  const rows = recurring.length > 0 ? recurring : await rankedPairs(reader, run, prompts, values);
  const pairs = await Promise.all(
    rows.map(async (row) => ({
      before: await comparedPrompt(run, reader, placeOf(row, "before")),
      after: await comparedPrompt(run, reader, placeOf(row, "after")),
    })),
  );
  return {
    pairing: recurring.length > 0 ? "same-prompts" : "same-rank",
    recurring: Number(recurring[0]?.recurring ?? 0),
    pairs: pairs.filter((pair) => pair.before !== null || pair.after !== null),
  };
}

/** Prompts at the middle of each eighth of the rewards of their window. */
async function rankedPairs(
  reader: RolloutReader,
  run: RunView,
  prompts: string,
  values: Record<string, number | string>,
): Promise<Row[]> {
  return await reader.query(
    `with prompts as (${prompts}),
     ranked as (
       select *, row_number() over (partition by is_before order by reward nulls last, id) - 1 as place,
         count(*) over (partition by is_before) as prompts
       from prompts),
     chosen as (
       select *, (place * ${MOST_PAIRS}) // prompts as eighth,
         row_number() over (
           partition by is_before, (place * ${MOST_PAIRS}) // prompts
           order by abs((place + 0.5) * ${MOST_PAIRS} / prompts - (place * ${MOST_PAIRS}) // prompts - 0.5), place
         ) as choice
       from ranked)
     select b.step as "step_before", b.group_index as "group_before", a.step as "step_after",
       a.group_index as "group_after"
     from (select * from chosen where choice = 1 and is_before) b
     full join (select * from chosen where choice = 1 and not is_before) a on a.eighth = b.eighth
     order by coalesce(a.eighth, b.eighth)`,
    values,
    run.folder,
  );
}

function placeOf(row: Row, side: "before" | "after"): Place | null {
  const step = finite(row[`step_${side}`]);
  const group = finite(row[`group_${side}`]);
  return step === null || group === null ? null : { step, group };
}

async function comparedPrompt(
  run: RunView,
  reader: RolloutReader,
  place: Place | null,
): Promise<ComparedPrompt | null> {
  if (place === null) return null;
  const { step, group } = place;
  const rows = await reader.query(
    `select sample_index::INTEGER as "sample", data_source::VARCHAR as "source", id::VARCHAR as "id",
       left(prompt::VARCHAR, ${LONGEST_PROMPT}) as "prompt", left(ground_truth::VARCHAR, ${LONGEST_PROMPT}) as "gold",
       reward::DOUBLE as "reward", status::VARCHAR as "status", truncated::BOOLEAN as "truncated",
       response_tokens::INTEGER as "tokens", right(response::VARCHAR, ${LONGEST_ANSWER}) as "response",
       length(response::VARCHAR) > ${LONGEST_ANSWER} as "cut"
     from ${await reader.storedSteps(run, [{ from: step, to: step }])}
     where group_index = $group order by sample_index limit ${MOST_ANSWERS}`,
    { group },
    run.folder,
  );
  const first = rows[0];
  if (first === undefined) return null;
  const answers = rows.map((row): ComparedAnswer => ({
    sample: Number(row.sample),
    reward: finite(row.reward),
    status: text(row.status),
    truncated: row.truncated === true,
    responseTokens: finite(row.tokens),
    response: text(row.response),
    isCut: row.cut === true,
  }));
  return {
    step,
    group,
    source: text(first.source),
    id: text(first.id),
    prompt: text(first.prompt),
    groundTruth: text(first.gold),
    reward: meanReward(answers),
    answers,
  };
}

/**
 * Second step of a curation: the rules drop rows, and what they need beyond SQL is computed for the rows that are left.
 */
import { queryRows } from "../duckdb/database";
import { keepReadBoxes } from "./review-data";
import { applyRules } from "../rules/apply-rules";
import { computeTexts, isTextNeed, TEXT_OF, type TextNeed } from "../rules/text-needs";
import { joinToRows, type RuleNeed } from "../tables/curation-tables";
import { addContamination } from "./add-contamination";
import { addDecisions } from "./add-decisions";
import { addRollouts } from "./add-rollouts";
import type { CurationRun } from "./curation-run";
import { inspectRows } from "./inspect-rows";

/** Runs the rules of the configuration over `rows`. */
export async function runRules(run: CurationRun): Promise<void> {
  const { bound, options, database } = run;
  if (bound.config.rollouts !== undefined) await keepReadBoxes(database);
  await applyRules(database.connection, bound.rules, {
    seed: bound.seed,
    allReasons: bound.config.allReasons === true,
    provide: (need, relation) => provide(run, need, relation),
    onRules: (names) => options.onProgress?.({ phase: "rules", what: names.join(", "), rows: 0 }),
    signal: options.signal,
  });
}

/** Adds the columns of a need to `rows`, computed for the rows of `relation`. */
async function provide(run: CurationRun, need: RuleNeed, relation: string): Promise<void> {
  const { bound, options, database, spool, workers } = run;
  if (isTextNeed(need)) return beside(run, () => addTexts(run, need, relation));
  if (need === "decisions") return addDecisions(run);
  if (need === "rollouts" || need === "golds" || need === "blind") {
    const { boxes, rollouts: seen, blindRollouts } = bound.config;
    const rollouts = (need === "blind" ? blindRollouts : seen) ?? [];
    return beside(run, async () => {
      const golds = await addRollouts(database, relation, {
        files: typeof rollouts === "string" ? [rollouts] : rollouts,
        boxes,
        dataSources: new Map(bound.sources.map(({ adapter }) => [adapter.info.key, adapter.info.dataSource])),
        answerTypes: bound.sources.map(({ adapter }) => adapter.info.answerType),
        workers,
        signal: options.signal,
        blind: need === "blind",
      });
      if (need !== "blind") run.found.golds = golds;
    });
  }
  if (need === "contamination") return addContamination(run, relation);
  const [count] = await queryRows(database.connection, `SELECT count(*) AS n FROM ${relation}`);
  const of = Number(count?.n);
  await inspectRows(database, relation, {
    hash: bound.rules.some((rule) => rule.needs?.includes("hash")),
    spool,
    onProgress: (rows) => options.onProgress?.({ phase: "pictures", what: "decode", rows, of }),
    signal: options.signal,
  });
}

/** Runs a step that uses worker threads, and frees their memory after it. */
async function beside({ memory, workers }: CurationRun, work: () => Promise<void>): Promise<void> {
  await memory.withWorkers(workers.count, async () => {
    await work();
    await workers.rest();
  });
}

async function addTexts({ database, options, workers }: CurationRun, need: TextNeed, relation: string): Promise<void> {
  const table = await computeTexts(database, need, relation, workers, options.signal);
  await joinToRows(database.connection, {
    relation: `(SELECT row, value FROM ${relation} JOIN ${table} ON text = ${TEXT_OF[need]})`,
    add: { [need]: "value" },
  });
  await database.connection.run(`DROP TABLE ${table}`);
}

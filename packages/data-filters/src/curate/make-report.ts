/** Last step of a curation: the report, counted from the tables of the run. */
import { createHash } from "node:crypto";
import { contaminationReport } from "../contamination/contamination-hits";
import { queryRows } from "../duckdb/database";
import type { FilterRule } from "../rules/filter-rule";
import { ALIVE, columnsOfRows, DROPPED, REASONS, ROWS, TAGS } from "../tables/curation-tables";
import type { CurationRun } from "./curation-run";
import { passRates } from "./pass-rates";
import type { Reading } from "./read-sources";
import { curationWarnings } from "./curation-warnings";
import type { AppliedDecisions } from "../golds/gold-decision";
import { decisionWarnings } from "./add-decisions";
import type {
  CurationReport,
  DroppedByRule,
  FileReport,
  GoldDecisionsReport,
  RuleReport,
  SourceReport,
} from "./report";
import { suspiciousGoldsReport } from "./suspicious-golds";

/** What the other steps did. */
export interface RunResult {
  readonly readings: readonly Reading[];
  readonly files: readonly FileReport[];
  /** `performance.now()` at the start of the run. */
  readonly started: number;
}

/** Counts rows read, dropped by each rule and kept, of every source. */
export async function makeReport(run: CurationRun, { readings, files, started }: RunResult): Promise<CurationReport> {
  const { config, seed, rules } = run.bound;
  const sources = await sourceReports(run, readings);
  const sum = (of: (source: SourceReport) => number): number =>
    sources.reduce((total, source) => total + of(source), 0);
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${file.name} ${file.contentHash}\n`);
  const { golds, decisions } = run.found;
  const warnings = [
    ...(await curationWarnings(run.database.connection, sources)),
    ...(decisions === undefined ? [] : decisionWarnings(decisions)),
  ];
  return {
    version: 1,
    output: config.output,
    seed,
    rules: rules.map(ruleReport),
    sources,
    files,
    totals: {
      read: sum(({ read }) => read),
      unreadable: sum(({ unreadable }) => unreadable),
      dropped: sum(({ dropped }) => dropped.reduce((total, { rows }) => total + rows, 0)),
      kept: sum(({ kept }) => kept),
    },
    contentHash: hash.digest("hex"),
    ...(config.allReasons === true ? { allReasons: await allReasons(run) } : {}),
    ...(warnings.length > 0 ? { warnings } : {}),
    ...(run.found.references === undefined
      ? {}
      : { contamination: await contaminationReport(run.database.connection, run.found.references) }),
    ...(golds === undefined ? {} : { suspiciousGolds: await suspiciousGoldsReport(run, golds) }),
    ...(decisions === undefined ? {} : { goldDecisions: decisionsReport(decisions) }),
    seconds: Math.round(performance.now() - started) / 1000,
  };
}

function decisionsReport({ file, rows, stale, unknown }: AppliedDecisions): GoldDecisionsReport {
  return {
    file,
    accepted: rows.accept,
    rejected: rows.reject,
    replaced: rows.replace,
    stale: stale.length,
    unknown: unknown.length,
  };
}

/** A rule without its SQL, which its name and parameters give again. */
function ruleReport({ name, reason, scope, tasks, sources, needs, parameters }: FilterRule): RuleReport {
  return {
    name,
    reason,
    scope,
    ...(tasks === undefined ? {} : { tasks }),
    ...(sources === undefined ? {} : { sources }),
    ...(needs === undefined ? {} : { needs }),
    parameters,
  };
}

async function sourceReports(
  { bound, database, rules }: CurationRun,
  readings: readonly Reading[],
): Promise<SourceReport[]> {
  const counts = await queryRows(
    database.connection,
    `SELECT part, rule, count(*) AS n FROM ${ROWS} LEFT JOIN ${DROPPED} USING (row)
     GROUP BY part, rule ORDER BY part, rule NULLS LAST`,
  );
  const changes = await changedPictures(database.connection);
  const tagged = await taggedRows(database.connection, bound.rules);
  const rates = await passRates(database.connection);
  return bound.sources.map(({ adapter, config, paths }, part) => {
    const own = counts.filter((row) => row.part === part);
    const { read, unreadable, examples } = readings[part] as Reading;
    return {
      source: adapter.info.key,
      task: adapter.info.task,
      paths,
      config,
      read,
      unreadable,
      unreadableExamples: examples,
      dropped: own
        .filter(({ rule }) => rule !== null)
        .map(({ rule, n }) => ({
          rule: rules[Number(rule)]?.name ?? "",
          reason: rules[Number(rule)]?.reason ?? "",
          rows: Number(n),
        })),
      kept: Number(own.find(({ rule }) => rule === null)?.n ?? 0),
      ...(tagged === undefined ? {} : { tagged: tagged.get(part) ?? [] }),
      changedPictures: changes[part] ?? {},
      ...rates.get(part),
    };
  });
}

/** Kept rows by source and by the rule that tagged them; undefined if no rule tags. */
async function taggedRows(
  connection: CurationRun["database"]["connection"],
  rules: readonly FilterRule[],
): Promise<ReadonlyMap<number, DroppedByRule[]> | undefined> {
  if (!rules.some(({ action }) => action === "tag")) return undefined;
  const counts = await queryRows(
    connection,
    `SELECT part, rule, count(*) AS n FROM ${ALIVE} JOIN ${TAGS} USING (row) GROUP BY ALL ORDER BY ALL`,
  );
  const byPart = new Map<number, DroppedByRule[]>();
  for (const { part, rule, n } of counts) {
    const { name = "", reason = "" } = rules[Number(rule)] ?? {};
    byPart.set(Number(part), [...(byPart.get(Number(part)) ?? []), { rule: name, reason, rows: Number(n) }]);
  }
  return byPart;
}

/** Kept pictures that were encoded again, by source and by what was changed. */
async function changedPictures(
  connection: CurationRun["database"]["connection"],
): Promise<Record<number, Record<string, number>>> {
  // Without a rule that needs pictures they were not inspected.
  if (!(await columnsOfRows(connection)).has("picture_changes")) return {};
  const counts = await queryRows(
    connection,
    `SELECT part, picture_changes AS change, count(*) AS n FROM ${ALIVE} WHERE picture_changes IS NOT NULL
     GROUP BY ALL ORDER BY ALL`,
  );
  const byPart: Record<number, Record<string, number>> = {};
  for (const { part, change, n } of counts) (byPart[Number(part)] ??= {})[String(change)] = Number(n);
  return byPart;
}

async function allReasons({ database, rules }: CurationRun): Promise<Record<string, Record<string, number>>> {
  const counts = await queryRows(
    database.connection,
    `SELECT source, rule, count(*) AS n
     FROM (SELECT row, unnest(rules) AS rule FROM ${REASONS}) JOIN ${ROWS} USING (row)
     GROUP BY ALL ORDER BY ALL`,
  );
  const bySource: Record<string, Record<string, number>> = {};
  for (const { source, rule, n } of counts)
    (bySource[String(source)] ??= {})[rules[Number(rule)]?.name ?? ""] = Number(n);
  return bySource;
}

/** Third step of a curation: rows that the mix does not draw are dropped. */
import type { SourceInfo } from "@v-triune/schema";
import { queryRows } from "../duckdb/database";
import { drawOrder } from "../rules/filter-rule";
import { ALIVE, DROPPED } from "../tables/curation-tables";
import type { CurationRun } from "./curation-run";
import { mixCounts } from "./mix";

/** Drops what the mix of the configuration, if it has one, does not draw. */
export async function drawMix({ bound, database, rules }: CurationRun): Promise<void> {
  const { mix } = bound.config;
  if (mix === undefined) return;
  const counts = await queryRows(
    database.connection,
    `SELECT part, count(*) AS n FROM ${ALIVE} GROUP BY part ORDER BY part`,
  );
  if (counts.length === 0) return;
  const offers = counts.map(({ part, n }) => {
    const info = bound.sources[Number(part)]?.adapter.info as SourceInfo;
    return { source: info.key, task: info.task, rows: Number(n) };
  });
  const draws = mixCounts(offers, mix);
  const quotas = counts.map(({ part }, i) => `(${String(part)}, ${draws[i] ?? 0})`).join(", ");
  const order = drawOrder(bound.seed, "source", "id");
  await database.connection.run(`INSERT INTO ${DROPPED} SELECT row, ${rules.length - 1} FROM (
      SELECT row, part, row_number() OVER (PARTITION BY part ORDER BY ${order}) AS place FROM ${ALIVE})
    JOIN (VALUES ${quotas}) quota(part, most) USING (part) WHERE place > most`);
}

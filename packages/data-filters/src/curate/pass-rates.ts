/** How a model answers the rows of each source, with and without their pictures. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { queryRows } from "../duckdb/database";
import { columnsOfRows, ROWS } from "../tables/curation-tables";
import { passSpectra } from "./pass-spectrum";
import type { PassRates } from "./report";

const KINDS = {
  seen: { count: "rollout_count", right: "right_count", mean: "mean_accuracy" },
  blind: { count: "blind_count", right: "blind_right", mean: "blind_accuracy" },
} as const;

/** Pass rates by the position of the source; nothing for kinds of which the run has no rollouts. */
export async function passRates(
  connection: DuckDBConnection,
): Promise<ReadonlyMap<number, { readonly seen?: PassRates; readonly blind?: PassRates }>> {
  const columns = await columnsOfRows(connection);
  const byPart = new Map<number, { seen?: PassRates; blind?: PassRates }>();
  for (const kind of ["seen", "blind"] as const) {
    const { count, right, mean } = KINDS[kind];
    if (!columns.has(count)) continue;
    const found = await queryRows(
      connection,
      `SELECT part, count(*) AS rows, avg(${count}) AS answers, avg(${mean}) AS one, avg((${mean} > 0)::INTEGER) AS some,
         avg((${mean} >= 1)::INTEGER) AS always
       FROM ${ROWS} WHERE ${count} > 0 GROUP BY part ORDER BY part`,
    );
    const spectra = await passSpectra(connection, { count, right });
    for (const { part, rows, answers, one, some, always } of found) {
      const rates = byPart.get(Number(part)) ?? {};
      rates[kind] = {
        rows: Number(rows),
        answers: Number(answers),
        passAt1: Number(one),
        passAtAll: Number(some),
        always: Number(always),
        spectrum: spectra.get(Number(part)),
      };
      byPart.set(Number(part), rates);
    }
  }
  return byPart;
}

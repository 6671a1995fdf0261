/** What a person should look at before training on a corpus: losses that are more likely a mistake than bad data. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { queryRows } from "../duckdb/database";
import { NO_SUCH_FILE } from "../pictures/inspect-picture";
import { columnsOfRows, ROWS } from "../tables/curation-tables";
import type { SourceReport } from "./report";

/** One sentence or two for each warning. */
export async function curationWarnings(
  connection: DuckDBConnection,
  sources: readonly SourceReport[],
): Promise<string[]> {
  const missing = await missingPictures(connection);
  return sources.flatMap(({ source, paths, read, unreadable }, part) => {
    const warnings: string[] = [];
    const { rows = 0, of = 0, example = "" } = missing.get(part) ?? {};
    if (2 * rows > of) {
      warnings.push(
        `${source}: the pictures of ${number(rows)} of ${number(of)} rows are missing, such as ${example}. ` +
          `Put them into ${paths.join(" or ")}.`,
      );
    }
    if (2 * unreadable > read)
      warnings.push(`${source}: ${number(unreadable)} of ${number(read)} records cannot be used.`);
    return warnings;
  });
}

/** Rows whose pictures are missing, among those whose pictures were looked at, by source. */
async function missingPictures(
  connection: DuckDBConnection,
): Promise<ReadonlyMap<number, { readonly rows: number; readonly of: number; readonly example: string }>> {
  if (!(await columnsOfRows(connection)).has("picture_error")) return new Map();
  const isMissing = `picture_error LIKE '%: ${NO_SUCH_FILE}%'`;
  const rows = await queryRows(
    connection,
    `SELECT part, count(*) FILTER (${isMissing}) AS n, count(*) AS total,
       min(split_part(picture_error, ': ${NO_SUCH_FILE}', 1)) FILTER (${isMissing}) AS example
     FROM ${ROWS} WHERE picture_error IS NOT NULL OR smallest_side IS NOT NULL GROUP BY part`,
  );
  return new Map(
    rows.map(({ part, n, total, example }) => [
      Number(part),
      { rows: Number(n), of: Number(total), example: String(example) },
    ]),
  );
}

function number(rows: number): string {
  return rows.toLocaleString("en-US");
}

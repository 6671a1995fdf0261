/** The last check of a run: every row that was read is accounted for, in the report and in the files. */
import { DatasetError } from "@v-triune/schema";
import type { CurationReport } from "./report";

/**
 * Checks that, for every source, rows read = rows kept + rows dropped by a rule + records that could not be used, and
 * that the files hold exactly the rows kept.
 *
 * @throws DatasetError `row-count` if a row is missing or counted twice
 */
export function checkCounts({ output, sources, files, totals }: CurationReport): void {
  const wrong = sources.flatMap(({ source, read, unreadable, dropped, kept }) => {
    const gone = dropped.reduce((sum, { rows }) => sum + rows, 0);
    return read === kept + gone + unreadable
      ? []
      : [
          `${source}: ${count(read)} read, ` +
            `but ${count(kept)} kept, ${count(gone)} dropped, ${count(unreadable)} unreadable`,
        ];
  });
  const written = files.reduce((sum, { samples }) => sum + samples, 0);
  if (written !== totals.kept) wrong.push(`all files: ${count(totals.kept)} kept, but ${count(written)} written`);
  if (wrong.length === 0) return;
  throw new DatasetError({
    code: "row-count",
    file: output,
    expected: "all rows that were read are kept, dropped by a rule or unreadable, and all kept rows are written",
    found: wrong.join("\n"),
    fix: "run again; if the counts differ again, report it with the configuration. Nothing was left of this run",
  });
}

function count(rows: number): string {
  return rows.toLocaleString("en-US");
}

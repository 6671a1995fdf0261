/** The golds of a finished run that look most wrong, for the terminal. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatasetError } from "@v-triune/schema";
import { queryRows, withDatabase } from "../duckdb/database";
import { fileLiteral } from "../duckdb/scan";
import { readReport } from "./explain";
import { SUSPICIOUS_GOLDS_FILE } from "./report";

/** A row of `suspicious-golds.parquet`. */
export interface SuspiciousGold {
  readonly source: string;
  readonly id: string;
  readonly question: string;
  /** The gold answer; empty for boxes. */
  readonly answer: string;
  /** The chance that the gold is wrong. */
  readonly suspicion: number;
  /**
   * Responses that say an answer, that give the gold (for boxes: the gold box found least), and that agree otherwise.
   */
  readonly answers: number;
  readonly goldCount: number;
  readonly consensusCount: number;
  /** What they agree on: an answer, or boxes as JSON. */
  readonly consensus: string | null;
}

/**
 * Reads the golds that look most wrong, the most suspicious first.
 *
 * ```ts
 * console.log(formatSuspiciousGolds(await suspiciousGolds("corpus", 20)));
 * ```
 * @param output folder of the run
 * @throws DatasetError if the folder holds no run, or the run had no rollouts
 */
export async function suspiciousGolds(output: string, most: number): Promise<SuspiciousGold[]> {
  readReport(output);
  const file = join(output, SUSPICIOUS_GOLDS_FILE);
  if (!existsSync(file)) {
    throw new DatasetError({
      code: "missing-file",
      file,
      expected: "the golds that a model's answers speak against",
      found: "a run without rollouts",
      fix: "run v-triune rollout on the corpus, and curate again with rollouts: FOLDER",
    });
  }
  const rows = await withDatabase({ threads: 1 }, (connection) =>
    queryRows(connection, `SELECT * FROM ${fileLiteral(file)} LIMIT ${Math.trunc(most)}`),
  );
  return rows.map((row) => ({
    source: String(row.source),
    id: String(row.id),
    question: String(row.question ?? ""),
    answer: String(row.answer ?? ""),
    suspicion: Number(row.suspicion),
    answers: Number(row.answer_count),
    goldCount: Number(row.gold_count),
    consensusCount: Number(row.consensus_count),
    consensus: row.consensus === null ? null : String(row.consensus),
  }));
}

/** The golds as text of at most 80 columns. */
export function formatSuspiciousGolds(golds: readonly SuspiciousGold[]): string {
  if (golds.length === 0) return "No gold looks wrong.";
  return golds
    .map(({ source, id, question, answer, suspicion, answers, goldCount, consensusCount, consensus }, i) => {
      const isBoxes = answer === "";
      const gold = isBoxes ? "a gold box" : `"${cut(answer, 20)}"`;
      const other = isBoxes ? "another place" : consensus === null ? "nothing else" : `"${cut(consensus, 20)}"`;
      const head = `${String(i + 1).padStart(3)} ${percent(suspicion)}  ${cut(`${source}/${id}`, 66)}`;
      const counts = `gold ${gold}: ${goldCount} of ${answers} answers; ${consensusCount} say ${other}`;
      return [
        head,
        `          ${cut(counts, 70)}`,
        ...(question === "" ? [] : [`          ${cut(question, 70)}`]),
      ].join("\n");
    })
    .join("\n");
}

function percent(chance: number): string {
  return chance > 0.99 ? ">99 %" : `${String(Math.round(100 * chance)).padStart(3)} %`;
}

function cut(text: string, width: number): string {
  const flat = text.replace(/\s+/g, " ").trim();
  return flat.length > width ? `${flat.slice(0, width - 1)}…` : flat;
}

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { curate, explainRow, type FilterRule } from "@v-triune/data-filters";
import { checkFilterRule } from "@v-triune/data-filters/conformance";

// Drops questions that give their own answer away.
function answerInQuestion({ shortest = 3 } = {}): FilterRule {
  return {
    name: "answer-in-question",
    reason: "the question contains its answer",
    scope: "row",
    parameters: { shortest },
    // A boolean DuckDB expression over the columns of a row: true for a row to drop.
    sql: () => `length(answer) >= ${shortest} AND contains(lower(question), lower(answer))`,
  };
}

const findings = await checkFilterRule(answerInQuestion());
console.log(findings); // an empty list: it keeps the contract

const folder = mkdtempSync(join(tmpdir(), "rule-"));
const rows = [
  { id: "a", question: "Which city is the capital of Peru?", answer: "Lima" },
  { id: "b", question: "Lima is the capital of Peru. Which city?", answer: "Lima" },
];
mkdirSync(join(folder, "rows"));
const lines = rows.map((row) => JSON.stringify(row));
writeFileSync(join(folder, "rows/rows.jsonl"), lines.join("\n"));
const columns = { id: "id", question: "question", answer: "answer" };
await curate({
  sources: [
    {
      source: "table",
      path: join(folder, "rows"),
      settings: { task: "science", name: "cities", columns },
    },
  ],
  rules: ["duplicate-id", answerInQuestion()],
  output: join(folder, "corpus"),
});
for (const { id } of rows) {
  const { droppedBy, reason } = await explainRow(join(folder, "corpus"), `cities/${id}`);
  console.log(id, droppedBy === null ? "kept" : `${droppedBy}: ${reason}`);
}
// []
// a kept
// b answer-in-question: the question contains its answer

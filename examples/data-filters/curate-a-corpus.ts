import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { curate, explainRow } from "@v-triune/data-filters";

const folder = mkdtempSync(join(tmpdir(), "curation-"));
const rows = [
  { id: "a", q: "What is 2 + 3?", a: "5" },
  { id: "b", q: "What is 2 + 3? A) 4 B) 5", a: "B" },
  { id: "c", q: "Write about five.", a: "A number that all know and few think about" },
];
mkdirSync(join(folder, "questions"));
writeFileSync(
  join(folder, "questions/rows.jsonl"),
  rows.map((row) => JSON.stringify(row)).join("\n"),
);

const report = await curate({
  sources: [
    {
      source: "table", // your own columns; 22 published data sets have names of their own
      path: join(folder, "questions"),
      settings: {
        task: "math",
        name: "mine",
        columns: { id: "id", question: "q", answer: "a" },
      },
    },
  ],
  rules: [
    "duplicate-id",
    "has-answer",
    "multiple-choice",
    { rule: "answer-length", max: 20 },
  ],
  output: join(folder, "corpus"),
});
for (const { source, read, kept, dropped } of report.sources) {
  console.log(`${source}: ${kept} of ${read} rows kept`);
  for (const { rule, rows } of dropped) console.log(`  ${rule}: ${rows}`);
}
const { droppedBy, reason } = await explainRow(join(folder, "corpus"), "mine/c");
console.log(`c: ${droppedBy}, because ${reason}`);
// mine: 1 of 3 rows kept
//   multiple-choice: 1
//   answer-length: 1
// c: answer-length, because the answer is longer than 20 characters

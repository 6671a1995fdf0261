import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAlarmWatch, createSinkGroup, createStepMetrics } from "@v-triune/monitor";
import { jsonlSink, readMetricRecords, tensorBoardSink } from "@v-triune/monitor";

const folder = mkdtempSync(join(tmpdir(), "run-"));
const path = join(folder, "metrics.jsonl");
const sinks = createSinkGroup([jsonlSink(path), tensorBoardSink(folder)], {
  onProblem: console.warn,
});
const metrics = createStepMetrics();
const watch = createAlarmWatch();

for (let step = 1; step <= 12; step++) {
  const rewards = step <= 6 ? [1, 0.5] : [0.1, 0]; // what goes wrong in this run
  for (let prompt = 0; prompt < 8; prompt++) {
    for (const reward of rewards) {
      metrics.add({
        dataSource: "clevr",
        task: "counting",
        group: `${step}/${prompt}`, // both answer one prompt
        reward,
        response: "\\boxed{3}",
        responseTokens: 5,
        truncated: false,
        verdict: { status: "scored", accuracy: reward, format: 1, metrics: {} },
      });
    }
  }
  const records = metrics.finish(step, { "actor/pg_loss": 0.1 });
  sinks.write(records); // returns at once and never throws
  for (const { rule, name } of watch.check(records))
    console.log(`step ${step}: ${rule} in ${name}`);
}
await sinks.close();

let count = 0;
for await (const _record of readMetricRecords(path)) count += 1;
console.log(count, "records");
// step 10: reward collapse in clevr
// 36 records

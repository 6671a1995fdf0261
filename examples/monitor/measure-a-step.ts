import { createStepMetrics, formatStepTable } from "@v-triune/monitor";

const metrics = createStepMetrics();
for (const [dataSource, accuracy] of [
  ["clevr", 1],
  ["clevr", 0],
  ["coco", 1],
] as const) {
  metrics.add({
    dataSource,
    task: dataSource === "clevr" ? "counting" : "detection",
    group: dataSource, // rollouts of one prompt share it
    reward: accuracy,
    response: "wait, \\boxed{3}",
    responseTokens: 5,
    truncated: false,
    verdict: { status: "scored", accuracy, format: 1, metrics: {} },
  });
}
const records = metrics.finish(1);
console.log(formatStepTable(records).join("\n"));
// step 1                    n reward change   acc format length  cut same left out
// clevr                     2  0.500        0.500  1.000      5   0%   0%
// coco                      1  1.000        1.000  1.000      5   0% 100%
// all sources               3  0.667        0.667  1.000      5   0%  50%

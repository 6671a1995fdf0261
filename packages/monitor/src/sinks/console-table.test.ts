import { expect, it } from "vitest";
import { consoleTableSink, formatStepLine, formatStepTable } from "./console-table";
import { createStepMetrics, type RolloutRecord } from "../step-metrics";
import type { MetricRecord } from "../metric-record";

function stepOf(step: number, reward: number): MetricRecord[] {
  const metrics = createStepMetrics();
  const base = { format: 1, response: "3", truncated: false } as const;
  const add = (
    over: Partial<RolloutRecord> & Pick<RolloutRecord, "dataSource" | "task" | "group" | "reward">,
    accuracy: number,
  ): void =>
    metrics.add({
      verdict: { status: "scored", accuracy, format: base.format, metrics: {} },
      response: base.response,
      responseTokens: 120,
      truncated: false,
      ...over,
    });
  add({ dataSource: "virl39k_science_with_a_long_name", task: "science", group: 1, reward: 0.25 }, 0.25);
  add({ dataSource: "clevr", task: "counting", group: 2, reward }, reward);
  add({ dataSource: "clevr", task: "counting", group: 2, reward: 0, truncated: true }, 0);
  metrics.add({
    dataSource: "clevr",
    task: "counting",
    group: 3,
    reward: null,
    verdict: { status: "skipped", reason: "gold" },
    response: "",
    responseTokens: 2048,
    truncated: true,
  });
  return metrics.finish(step);
}

it("shows the sources by task in 80 columns", () => {
  const lines = formatStepTable(stepOf(12, 1), { before: stepOf(11, 0.5) });
  expect(lines).toEqual([
    "step 12                   n reward change   acc format length  cut same left out",
    "clevr                     3  0.500 +0.250 0.500  1.000    763  67%  50%        1",
    "virl39k_science_with_…    1  0.250      = 0.250  1.000    120   0% 100%",
    "all sources               4  0.417 +0.167 0.417  1.000    602  50%  67%        1",
  ]);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
});

it("has nothing to show for an evaluation or an empty step", () => {
  expect(formatStepTable([{ step: 1, split: "eval", scope: "source", name: "a", metrics: {} }])).toEqual([]);
  expect(formatStepLine([])).toBe("");
});

it("does not let a source's name move the cursor", () => {
  const [, row] = formatStepTable([{ step: 1, split: "train", scope: "source", name: "a\u001b[2Jb", metrics: {} }]);
  expect(row).toContain("a?[2Jb");
});

it("puts a step into one line, naming the source that fell most", () => {
  expect(formatStepLine(stepOf(12, 0.5), { before: stepOf(11, 1) })).toBe(
    "step 12 | reward 0.250 | acc 0.250 | length 602 | clevr -0.25",
  );
  expect(formatStepLine(stepOf(12, 1), { before: stepOf(11, 1) })).toBe(
    "step 12 | reward 0.417 | acc 0.417 | length 602",
  );
});

it("prints a table every n steps", async () => {
  const lines: string[] = [];
  const sink = consoleTableSink({ print: (line) => lines.push(line), every: 2 });
  await sink.write([...stepOf(1, 1), ...stepOf(2, 0.5), ...stepOf(3, 1), ...stepOf(4, 1)]);
  expect(lines.filter((line) => line.startsWith("step")).map((line) => line.split(" ")[1])).toEqual(["2", "4"]);
  expect(lines[5]).toContain("+0.250");
});

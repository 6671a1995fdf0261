import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selectBackend } from "@v-triune/backend";
import {
  heldOutQuestions,
  pictureSize,
  trainingQuestions,
  sampleOf,
  type SourcedQuestion,
} from "@v-triune/demo-tasks/questions";
import { type MetricRecord, readMetricRecords } from "@v-triune/monitor";
import { withStoredRatios } from "@v-triune/schema";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TrainingConfig } from "../config/training-config";
import { loadModel } from "../model/load-model";
import { runTraining } from "../run/run-training";
import { tinyRun } from "../testing/tiny-run";
import { frozenGroups } from "../update/learner-config";
import { type MemorySample, type TrainingInMemory, openTrainingInMemory } from "./training-in-memory";

const folder = mkdtempSync(join(tmpdir(), "v-triune-memory-"));
let config: TrainingConfig;
let run: TrainingInMemory;

const inMemory = ({ source, question }: SourcedQuestion, id: string): MemorySample => ({
  sample: withStoredRatios(sampleOf(source, id, question, null)),
  pictures: [{ width: pictureSize, height: pictureSize, data: question.canvas.pixels }],
});

beforeAll(async () => {
  await selectBackend({ prefer: "wasm" });
  config = await tinyRun(folder, "run", 3);
  const { policy, processor } = await loadModel(config.model, config.run.seed, { freeze: frozenGroups(config) });
  const samples = [...trainingQuestions(4, 1)].map((drawn) => inMemory(drawn, drawn.id));
  const sources = [...new Set(samples.map(({ sample }) => sample.data_source))];
  run = openTrainingInMemory({
    config,
    policy,
    processor,
    length: samples.length,
    sampleAt: (row) => samples[row]!,
    sources,
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const numbers = (records: readonly MetricRecord[]) =>
  records.map((record) => ({
    ...record,
    metrics: Object.fromEntries(Object.entries(record.metrics).filter(([key]) => !/^(timing_s|perf)\//.test(key))),
  }));

it("gives the numbers of a run with files, and takes up a step that was called off", async () => {
  const heldOut = heldOutQuestions(2).map((drawn, index) => inMemory(drawn, `held-out-${index}`));
  const found: MetricRecord[] = [];
  const before = await run.evaluate(heldOut);
  found.push(...before.records);
  const called = new AbortController();
  const calledOff = run.next({ signal: called.signal, onProgress: () => called.abort(new Error("called off")) });
  await expect(calledOff).rejects.toThrow("called off");
  for (let step = 1; step <= 3; step++) {
    const { records, rollouts, samples, summary } = await run.next();
    found.push(...records);
    expect(summary.step).toBe(step);
    expect(rollouts).toHaveLength(12);
    expect(samples.map(({ sample }) => sample.reward_model.ground_truth)).toEqual(
      rollouts.filter(({ sample }) => sample === 0).map(({ groundTruth }) => groundTruth),
    );
  }
  const after = await run.evaluate(heldOut);
  found.push(...after.records);
  expect(after.answers).toHaveLength(heldOut.length);

  const { before: scored } = await runTraining(config);
  expect(before.scores).toEqual(scored);
  const expected: MetricRecord[] = [];
  for await (const record of readMetricRecords(join(folder, "run", "metrics.jsonl"))) expected.push(record);
  expect(numbers(JSON.parse(JSON.stringify(found)) as MetricRecord[])).toEqual(numbers(expected));
});

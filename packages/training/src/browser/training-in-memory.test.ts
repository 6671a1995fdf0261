import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { selectBackend } from "@v-triune/backend";
import {
  heldOutQuestions,
  pictureSize,
  trainingQuestions,
  sampleOf,
  type SourcedQuestion,
} from "@v-triune/demo-tasks/questions";
import { formatRecordLine, type MetricRecord, readMetricRecords } from "@v-triune/monitor";
import { withStoredRatios } from "@v-triune/schema";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TrainingConfig } from "../config/training-config";
import { loadModel } from "../model/load-model";
import { runTraining } from "../run/run-training";
import { runFolderConfig } from "../run-folder";
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

/** What lies beside the weights of the model that is trained. */
function companions(): Map<string, Uint8Array> {
  const path = (config.model as { readonly tokenizer: string }).tokenizer;
  const names = readdirSync(path).filter((name) => !/^(config\.json|model\.safetensors)$/.test(name));
  return new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(path, name)))]));
}

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
  let saved: Map<string, Uint8Array> | undefined;
  const called = new AbortController();
  const calledOff = run.next({ signal: called.signal, onProgress: () => called.abort(new Error("called off")) });
  await expect(calledOff).rejects.toThrow("called off");
  for (let step = 1; step <= 3; step++) {
    const { records, rollouts, samples, summary } = await run.next();
    found.push(...records);
    expect(summary.step).toBe(step);
    if (step === 2) saved = await run.checkpoint(companions());
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

  // A folder that was made of it, with paths that start there, goes on as the run did.
  const made = join(folder, "made");
  const write = (name: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(join(made, name)), { recursive: true });
    writeFileSync(join(made, name), content);
  };
  const moved = (paths: TrainingConfig["data"]["train"]) =>
    paths.map(({ path, ...rest }) => ({ ...rest, path: relative(made, path) }));
  const { model, data } = config;
  const described = {
    ...config,
    model: model.init === "random" ? { ...model, tokenizer: relative(made, model.tokenizer) } : model,
    data: { ...data, train: moved(data.train), eval: moved(data.eval) },
  };
  write("run.json", JSON.stringify({ format: 1, name: "made", seed: 1, config: described }));
  const until = found.filter(({ step }) => step <= 2);
  write("metrics.jsonl", until.map((record) => `${formatRecordLine(record)}\n`).join(""));
  for (const [name, bytes] of saved!) write(`checkpoints/step-000002/${name}`, bytes);
  await runTraining(await runFolderConfig(made), { resume: true });
  const resumed: MetricRecord[] = [];
  for await (const record of readMetricRecords(join(made, "metrics.jsonl"))) resumed.push(record);
  expect(numbers(resumed)).toEqual(numbers(expected));
});

/** A run in memory answers as the same run does from its folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseRecordLine } from "../record-line";
import { answerPairs } from "./changes/answer-pairs";
import { runChanges } from "./changes/run-changes";
import type { RolloutFilter, RunChanges } from "./dashboard-api";
import { RolloutReader } from "./rollouts/rollout-reader";
import { parseJson, type Row } from "./rollouts/row-values";
import { runDescription } from "./run-folder/run-description";
import { RunView } from "./run-folder/run-view";
import { RunInMemory, type RolloutInMemory } from "./run-in-memory";
import { copyRecordedRun } from "./testing/recorded-run";
import { writeSimulatedRun } from "./testing/simulated-run";

let parent: string;
let reader: RolloutReader;
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), "v-triune-memory-"));
  reader = new RolloutReader();
});
afterAll(async () => {
  await reader.close();
  rmSync(parent, { recursive: true, force: true });
});

async function both(folder: string): Promise<{ stored: RunView; inMemory: RunInMemory }> {
  const stored = new RunView("run", folder);
  await stored.refresh();
  const samples = await reader
    .query(
      `select data_source || '/' || extra_info.id as "id", to_json(reward_model)::VARCHAR as "reward"
     from read_parquet('${join(parent, ".recorded/data/*.parquet")}')`,
      {},
      folder,
    )
    .catch(() => []);
  const inMemory = new RunInMemory({
    id: "run",
    description: runDescription(JSON.parse(await readFile(join(folder, "run.json"), "utf8"))),
    sampleOf(id) {
      const sample = samples.find((one) => one.id === id);
      return sample && { reward: parseJson(sample.reward), pictures: ["data:,"] };
    },
  });
  const lines = (await readFile(join(folder, "metrics.jsonl"), "utf8")).trim().split("\n");
  inMemory.write(lines.map((line) => parseRecordLine(line)!));
  for (const step of await stored.rolloutSteps()) {
    const rollouts = await storedRollouts(folder, step);
    // Of every other step the run keeps none, and asks for them again.
    const again = (): RolloutInMemory[] => structuredClone(rollouts);
    inMemory.writeRollouts(step, again(), ...(step % 2 === 0 ? [again] : []));
  }
  inMemory.state = stored.summary().state;
  return { stored, inMemory };
}

async function storedRollouts(folder: string, step: number): Promise<RolloutInMemory[]> {
  const path = join(folder, "rollouts", `step-${String(step).padStart(6, "0")}.parquet`);
  const rows = await reader.query(
    `select *, to_json(image_sizes)::VARCHAR as "sizes", to_json(metrics)::VARCHAR as "numbers"
     from read_parquet('${path}')`,
    {},
    path,
  );
  return rows.map((row: Row) => ({
    step: row.step as number,
    group: row.group_index as number,
    sample: row.sample_index as number,
    dataSource: row.data_source as string,
    task: row.task as string,
    id: row.id as string,
    prompt: row.prompt as string,
    response: row.response as string,
    groundTruth: row.ground_truth as string,
    // The recorded run is older than this column, and its boxes are in this convention.
    boxes: "resized-pixels",
    imageSizes: parseJson(row.sizes) as [number, number][],
    promptTokens: row.prompt_tokens as number,
    responseTokens: row.response_tokens as number,
    strippedTokens: row.stripped_tokens as number,
    truncated: row.truncated as boolean,
    status: row.status as string,
    reason: row.reason as string | null,
    accuracy: row.accuracy as number,
    format: row.format as number,
    reward: row.reward as number,
    additions: {},
    advantage: row.advantage as number,
    metrics: parseJson(row.numbers) as Record<string, number>,
  }));
}

/** Without what the bootstrap draws, whose units come in another order. */
const certain = ({ rows, ...rest }: RunChanges) => ({
  ...rest,
  rows: rows
    .map(({ scope, name, task, before: earlier, after: later, cells }) => ({
      scope,
      name,
      task,
      earlier,
      later,
      cells: cells.map(({ metric, before, after }) => [metric, before?.toFixed(12), after?.toFixed(12)]),
    }))
    .sort((a, b) => (`${a.scope} ${a.name}` < `${b.scope} ${b.name}` ? -1 : 1)),
});

describe("the recorded run", () => {
  let stored: RunView;
  let inMemory: RunInMemory;
  beforeAll(async () => ({ stored, inMemory } = await both(await copyRecordedRun(parent))));

  it("has the same description, numbers and alarms", async () => {
    const inFolder = { checkpointSteps: [], read: 0, size: 0 };
    expect(inMemory.detail()).toEqual({ ...(await stored.detail()), ...inFolder });
    expect(inMemory.numbers.alarms(inMemory.rolloutSteps())).toEqual(stored.alarms(await stored.rolloutSteps()));
    expect(inMemory.numbers.evaluations([])).toEqual(stored.evaluations());
    const key = { split: "train", scope: "all", name: "all" } as const;
    expect(inMemory.numbers.series([key], ["critic/rewards/mean", "sum:timing_s/step"], 100)).toEqual(
      stored.series([key], ["critic/rewards/mean", "sum:timing_s/step"], 100),
    );
  });

  it("lists the same rollouts under every filter", async () => {
    const filters: RolloutFilter[] = [
      { limit: 7, offset: 3 },
      { step: 2, order: "-reward" },
      { order: "reward", rewardTo: 0.5 },
      { order: "length", lengthFrom: 3, source: "demo_detect" },
      { order: "-length", text: "ANSWER", truncated: true },
      { text: "<answer>\n1", status: "scored" },
    ];
    for (const filter of filters) {
      const expected = await reader.list(stored, filter);
      const { rows, total } = inMemory.rollouts(filter);
      expect({ rows, total }).toMatchObject({ ...expected });
      expect(rows).toHaveLength(expected.rows.length);
    }
  });

  it("shows the same groups, boxes and arithmetic included", async () => {
    for (const [step, group] of [
      [1, 0],
      [2, 5],
      [12, 1],
    ] as const) {
      const expected = await reader.group(stored, step, group, () => "data:,");
      expect(expected?.pictures[0]?.source).toBe("data:,");
      expect(await inMemory.group(step, group)).toEqual(expected);
    }
    expect(await inMemory.group(3, 0)).toBeUndefined();
  });

  it("compares the same windows", async () => {
    const windows = { before: { from: 1, to: 2 }, after: { from: 12, to: 12 } };
    expect(certain(await inMemory.changes(windows))).toEqual(certain(await runChanges(stored, reader, windows)));
    for (const row of [
      { scope: "source", name: "demo_read" },
      { scope: "all", name: "all" },
    ] as const)
      expect(inMemory.answers(windows, row)).toEqual(await answerPairs(stored, reader, windows, row));
    await expect(inMemory.changes({ before: { from: 1, to: 2 }, after: { from: 2, to: 3 } })).rejects.toThrow(
      "steps in common",
    );
  });
});

it("pairs prompts that recur as a run folder does", async () => {
  const folder = join(parent, "recurring");
  const source = { name: "clevr", task: "counting", promptsPerStep: 4, distinctPrompts: 30 };
  await writeSimulatedRun(folder, {
    sources: [{ ...source, solved: (step) => (step <= 20 ? 0.9 : 0.1) }],
    steps: 40,
    seed: 9,
  });
  const { stored, inMemory } = await both(folder);
  const windows = { before: { from: 1, to: 20 }, after: { from: 21, to: 40 } };
  const row = { scope: "source", name: "clevr" } as const;
  expect(inMemory.answers(windows, row)).toEqual(await answerPairs(stored, reader, windows, row));
  expect(certain(await inMemory.changes({}))).toEqual(certain(await runChanges(stored, reader)));
  expect((await inMemory.changes({})).rows[0]).toMatchObject({ verdict: "worse" });
});

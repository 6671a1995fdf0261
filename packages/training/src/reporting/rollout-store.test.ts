import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createRolloutStore, type StoredRollout } from "./rollout-store";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-rollouts-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const rollout = (over: Partial<StoredRollout> = {}): StoredRollout => ({
  step: 1,
  group: 0,
  sample: 0,
  dataSource: "coco",
  task: "detection",
  id: "coco/1",
  prompt: "<|im_start|>user\nFind it.",
  response: "it's 'here' \u0000 日本語 🎈 <script>",
  groundTruth: "<answer>\n[]\n</answer>",
  imagePaths: ["a.png"],
  imageSizes: [[28, 56]],
  boxes: null,
  promptTokens: 20,
  responseTokens: 3,
  strippedTokens: 1,
  truncated: false,
  status: "scored",
  reason: null,
  accuracy: 0.5,
  format: 1,
  reward: 0.45,
  additions: { overlong: -0.125, kl: 0.025 },
  advantage: -1.25,
  metrics: { map50: 0.5, "iou/mean": Number.NaN },
  tokenIds: Int32Array.of(5, 6, 7),
  ...over,
});

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(sql)).getRowObjectsJson();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

it("stores what was asked, answered and judged", async () => {
  const store = createRolloutStore({
    folder: join(folder, "rollouts"),
    keep: null,
    onProblem: (message) => expect.fail(message),
  });
  const skipped = rollout({
    group: 1,
    status: "skipped",
    reason: "gold",
    accuracy: null,
    format: null,
    reward: null,
    additions: {},
    advantage: null,
    metrics: {},
    imagePaths: [],
    imageSizes: [],
    tokenIds: new Int32Array(),
  });
  store.write(12, [rollout({ step: 12 }), skipped]);
  await store.close();
  expect(readdirSync(join(folder, "rollouts"))).toEqual(["step-000012.parquet"]);
  const [first, second] = await query(
    `select *, metrics['map50'] as map50, additions['overlong'] as overlong from '${folder}/rollouts/*.parquet' ` +
      "order by group_index",
  );
  expect(first).toMatchObject({
    step: 12,
    data_source: "coco",
    response: rollout().response,
    image_sizes: [[28, 56]],
    reward: 0.45,
    advantage: -1.25,
    map50: 0.5,
    overlong: -0.125,
    truncated: false,
    token_ids: [5, 6, 7],
    reason: null,
  });
  expect(second).toMatchObject({ status: "skipped", reason: "gold", reward: null, image_paths: [], token_ids: [] });
});

it("replaces a step, keeps the newest, and drops what a resumed run will write again", async () => {
  const store = createRolloutStore({ folder, keep: 3, onProblem: (message) => expect.fail(message) });
  for (const step of [1, 2, 3, 4, 4]) store.write(step, [rollout({ step })]);
  await store.flush();
  expect(readdirSync(folder)).toEqual(["step-000002.parquet", "step-000003.parquet", "step-000004.parquet"]);
  expect(await query(`select count(*)::int as n from '${folder}/step-000004.parquet'`)).toEqual([{ n: 1 }]);
  await store.dropAfter(2);
  expect(readdirSync(folder)).toEqual(["step-000002.parquet"]);
  await store.close();
});

it("goes on when a file can't be written, and says so once", async () => {
  writeFileSync(join(folder, "rollouts"), "");
  const said: string[] = [];
  const store = createRolloutStore({
    folder: join(folder, "rollouts"),
    keep: null,
    onProblem: (message) => said.push(message),
  });
  store.write(1, [rollout()]);
  store.write(2, [rollout()]);
  await store.flush();
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/step 1 could not be written/);
  rmSync(join(folder, "rollouts"));
  store.write(3, [rollout()]);
  await store.close();
  expect(said[1]).toMatch(/written again from step 3 on; 2 steps are missing/);
  expect(readdirSync(join(folder, "rollouts"))).toEqual(["step-000003.parquet"]);
});

it("stores a step of 8,192 rollouts", async () => {
  const store = createRolloutStore({ folder, keep: null, onProblem: (message) => expect.fail(message) });
  const rows = Array.from({ length: 8192 }, (_, i) =>
    rollout({ group: i >> 3, sample: i & 7, tokenIds: new Int32Array(200).fill(i) }),
  );
  store.write(1, rows);
  await store.close();
  expect(
    await query(`select count(*)::int as n, count(distinct group_index)::int as groups from '${folder}/*.parquet'`),
  ).toEqual([{ n: 8192, groups: 1024 }]);
});

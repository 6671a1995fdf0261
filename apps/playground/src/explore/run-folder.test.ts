/** A run that was chosen in the page is shown as the dashboard's server shows its folder. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { RunInMemory } from "@v-triune/monitor/browser";
import { type Dashboard, startDashboard } from "@v-triune/monitor/dashboard";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recognize } from "./chosen";
import type { NamedFile } from "./file-kind";
import { readRolloutFiles, readRun, runFolders } from "./run-folder";

const recorded = resolve(import.meta.dirname, "../../../../packages/monitor/test-data");

/** The files below a folder, as a browser gives those of a folder that was dropped. */
const filesOf = (folder: string, name: string): NamedFile[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name: file }) => {
      const path = join(parentPath, file);
      return { path: `${name}${path.slice(folder.length)}`, blob: new Blob([readFileSync(path)]) };
    });
const addressOf = (bytes: Uint8Array): string => `blob:${bytes.length}`;
const line = (value: object): string => `${JSON.stringify(value)}\n`;

describe("a run folder", () => {
  let dashboard: Dashboard;
  let run: RunInMemory;
  beforeAll(async () => {
    dashboard = await startDashboard({ folder: join(recorded, "run"), port: 0, readOnly: true });
    const files = filesOf(recorded, "test-data").filter(({ path }) => /\/(run|data)\//.test(path));
    run = await readRun(runFolders(files)[0]!, addressOf);
  });
  afterAll(() => dashboard.close());

  const served = async (path: string): Promise<unknown> =>
    await (await fetch(`http://127.0.0.1:${dashboard.port}/api/${path}`)).json();
  const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  it("has the server's description and numbers", async () => {
    const {
      read: _,
      size: __,
      id,
      ...expected
    } = (await served(`run?run=${dashboard.runs[0]}`)) as Record<string, unknown>;
    expect(asJson(run.detail())).toMatchObject(expected);
    expect(id).toBe(run.summary().id);
    expect(asJson(run.evaluations())).toEqual(await served(`evaluations?run=${String(id)}`));
  });

  it("has the server's rollouts", async () => {
    const id = run.summary().id;
    expect(asJson(run.rollouts({ order: "-reward", limit: 20 }))).toMatchObject({
      total: ((await served(`rollouts?run=${id}`)) as { total: number }).total,
    });
    const group = (await served(`group?run=${id}&step=12&group=1`)) as { pictures: object[] };
    const own = await run.group(12, 1);
    const withoutSources = (pictures: readonly object[]): object[] => pictures.map((one) => ({ ...one, source: null }));
    expect(asJson({ ...own, pictures: withoutSources(own!.pictures), rollouts: own!.rollouts.length })).toEqual({
      ...group,
      pictures: withoutSources(group.pictures),
      rollouts: (group as unknown as { rollouts: unknown[] }).rollouts.length,
    });
    // The data set lies beside the run: the sample's picture is found by the rollout's id.
    expect(own!.pictures.map(({ source }) => source)).toEqual([expect.stringMatching(/^blob:\d+$/)]);
    expect(own!.rollouts[0]!.arithmetic?.agrees).toBe(true);
  });

  it("says what of it cannot be read", async () => {
    const files: NamedFile[] = [
      {
        path: "mine/metrics.jsonl",
        blob: new Blob([
          line({ step: 1, split: "train", scope: "all", name: "all", metrics: { "critic/rewards/mean": 0.5 } }),
          "{\n",
        ]),
      },
      { path: "mine/rollouts/step-000001.parquet", blob: new Blob(["PAR1 and no more"]) },
      {
        path: "mine/eval-other.jsonl",
        blob: new Blob([line({ step: 1, split: "eval", scope: "all", name: "all", metrics: { "acc/mean@1": 1 } })]),
      },
    ];
    const found = await readRun(runFolders(files)[0]!, addressOf);
    expect(found.summary()).toMatchObject({ id: "mine", step: 1, reward: 0.5, state: "stopped" });
    expect(found.evaluations().map(({ label }) => label)).toEqual(["other"]);
    expect(found.detail().notes).toEqual([
      "The folder has no run.json.",
      "Lines of metrics.jsonl that cannot be read: 1.",
      expect.stringMatching(/^The rollouts of mine\/rollouts\/step-000001\.parquet are not shown\. .*without its end/),
    ]);
    const empty = { ...files[0]!, blob: new Blob([]) };
    await expect(readRun(runFolders([empty])[0]!, addressOf)).rejects.toThrow(/found: +an empty file/);
  });
});

describe("a file of rollouts", () => {
  const folder = mkdtempSync(join(tmpdir(), "v-triune-rollout-file-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const shown = async (...files: NamedFile[]): Promise<RunInMemory> => {
    const chosen = await recognize(files);
    if (chosen.kind !== "rollouts") throw new Error(chosen.kind);
    return await readRolloutFiles(chosen.files, chosen.corpora, addressOf);
  };

  it("of a step of training", async () => {
    const path = join(recorded, "run/rollouts/step-000012.parquet");
    const run = await shown({ path: "step-000012.parquet", blob: new Blob([readFileSync(path)]) });
    expect(run.rolloutSteps()).toEqual([12]);
    expect((await run.group(12, 0))!.rollouts.length).toBeGreaterThan(1);
    expect(run.detail().notes).toEqual(["Only rollouts were chosen: there are no metrics."]);
  });

  it("of v-triune rollout, as Parquet", async () => {
    const path = join(folder, "rollouts.parquet");
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    await connection.run(`COPY (SELECT 'clevr' AS source, id, sample, 'It is ' || sample AS response, 'scored' AS status,
      NULL::VARCHAR AS reason, sample / 2 AS accuracy, 1.0 AS format, 0.5 AS reward, 7 AS tokens, false AS truncated
      FROM (VALUES ('a', 0), ('a', 1), ('b', 0)) AS t(id, sample)) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`);
    connection.closeSync();
    instance.closeSync();
    const run = await shown({ path: "rollouts.parquet", blob: new Blob([readFileSync(path)]) });
    expect(
      run
        .rollouts({})
        .rows.map(({ group, sample, id, reward, responseTokens }) => [group, sample, id, reward, responseTokens]),
    ).toEqual([
      [0, 0, "clevr/a", 0.5, 7],
      [0, 1, "clevr/a", 0.5, 7],
      [1, 0, "clevr/b", 0.5, 7],
    ]);
  });

  it("as JSON Lines, with a note on lines that are something else", async () => {
    const lines = [
      line({ source: "clevr", id: 1, responses: ["3", "4"] }),
      "not JSON\n",
      line({ source: "clevr", id: 2, response: "5", accuracy: 1 }),
    ];
    const run = await shown({ path: "answers.jsonl", blob: new Blob(lines) });
    expect(run.rollouts({}).rows.map(({ id, status, reward }) => [id, status, reward])).toEqual([
      ["clevr/1", "skipped", null],
      ["clevr/1", "skipped", null],
      ["clevr/2", "scored", 1],
    ]);
    expect(run.detail().notes.at(-1)).toBe(
      "Lines of answers.jsonl that are no rollouts: 1. The first: line 2: not JSON",
    );
    await expect(shown({ path: "other.jsonl", blob: new Blob([line({ question: "?" })]) })).rejects.toThrow(
      /lines of JSON with source, id and\s+response/,
    );
  });
});

describe("tells what files are", () => {
  const text = (path: string): NamedFile => ({ path, blob: new Blob(["some text"]) });
  it.each<readonly [what: string, files: readonly NamedFile[], expected: RegExp]>([
    ["no files", [], /a folder without files/],
    [
      "a picture",
      [{ path: "a.png", blob: new Blob([Uint8Array.of(0x89, 0x50, 0x4e, 0x47)]) }],
      /a\.png\n[^]*a PNG picture/,
    ],
    [
      "a pointer",
      [{ path: "a.parquet", blob: new Blob(["version https://git-lfs.github.com/spec/v1\n"]) }],
      /Git LFS pointer[^]*git lfs pull/,
    ],
    ["a folder without data", [text("docs/a.md"), text("docs/b.md")], /docs\n[^]*2 files: a\.md, b\.md/],
  ])("%s", async (_, files, expected) => {
    await expect(recognize(files)).rejects.toThrow(expected);
  });

  it("several runs", async () => {
    const chosen = await recognize([
      text("runs/a/metrics.jsonl"),
      text("runs/b/metrics.jsonl"),
      text("runs/b/run.json"),
    ]);
    expect(chosen.kind === "runs" && chosen.runs.map(({ name, files }) => [name, files.size])).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
  });
});

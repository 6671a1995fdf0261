import { appendFileSync, mkdtempSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { copyRecordedRun } from "../testing/recorded-run";
import { KeptAnswers } from "./kept-answers";
import { RunView } from "./run-view";

let parent: string;
beforeAll(() => void (parent = mkdtempSync(join(tmpdir(), "v-triune-kept-"))));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

it("answers a question once until the run's metrics or stored rollouts are others", async () => {
  const run = new RunView("demo", await copyRecordedRun(parent));
  await run.refresh();
  const answers = new KeptAnswers();
  let computed = 0;
  const ask = (question = "changes"): Promise<number> => answers.of(run, question, async () => (computed += 1));
  expect(await Promise.all([ask(), ask()])).toEqual([1, 1]);
  expect(await ask("answers")).toBe(2);
  expect(await ask()).toBe(1);
  // The same size, written again.
  utimesSync(join(run.folder, "rollouts", "step-000002.parquet"), 1, 1);
  expect(await ask()).toBe(3);
  appendFileSync(
    join(run.folder, "metrics.jsonl"),
    '{"step":13,"split":"train","scope":"all","name":"all","metrics":{}}\n',
  );
  await run.refresh();
  expect(await ask()).toBe(4);
  expect(await ask()).toBe(4);
});

it("keeps no failure, and the last 64 answers", async () => {
  const run = { id: "demo", stamp: async () => "" };
  const answers = new KeptAnswers();
  await expect(answers.of(run, "0", () => Promise.reject(new Error("busy")))).rejects.toThrow("busy");
  for (let question = 0; question < 65; question += 1)
    expect(await answers.of(run, String(question), async () => question)).toBe(question);
  expect(await answers.of(run, "1", async () => "again")).toBe(1);
  expect(await answers.of(run, "0", async () => "again")).toBe("again");
  expect(await answers.of({ ...run, id: "other" }, "1", async () => "other")).toBe("other");
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { answersFile } from "./answer-cache";
import { writeRolloutTable } from "./rollout-table";

const root = mkdtempSync(join(tmpdir(), "rollout-table-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function answersIn(folder: string, ...keys: readonly string[]): void {
  mkdirSync(dirname(answersFile(folder)), { recursive: true });
  const lines = keys.map((key) =>
    JSON.stringify({
      key,
      source: "a",
      id: key,
      sample: 0,
      response: "1",
      status: "scored",
      accuracy: 1,
      correct: true,
    }),
  );
  writeFileSync(answersFile(folder), lines.join("\n"));
}

it("reads the answers of its own folder, whose name looks like a glob", async () => {
  const folder = join(root, "id=7", "a[1]*{b}");
  answersIn(folder, "x", "y");
  answersIn(join(root, "id=7", "a1x{b}"), "x", "z");
  const { rows, sources } = await writeRolloutTable(folder, ["x", "y", "z"], 1);
  expect(rows).toBe(2);
  expect(sources).toMatchObject([{ source: "a", samples: 2, meanAccuracy: 1 }]);
});

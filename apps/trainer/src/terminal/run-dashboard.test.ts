import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunSummary } from "@v-triune/monitor/dashboard";
import { afterAll, expect, it } from "vitest";
import { tinyRun } from "../testing/tiny-run";
import { runCommandLine } from "../cli/run-command-line";

const folder = mkdtempSync(join(tmpdir(), "v-triune-run-dashboard-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Asks from another process while this one does nothing else, as when it trains. */
function askMeanwhile(url: string): readonly RunSummary[] {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["-e", `fetch(${JSON.stringify(`${url}api/runs`)}).then((reply) => reply.text()).then(console.log)`],
    { encoding: "utf8", timeout: 20_000 },
  );
  expect(stderr).toBe("");
  return JSON.parse(stdout) as RunSummary[];
}

it("train --dashboard: the page answers while the run computes, on a free port, and is gone with the run", async () => {
  const config = await tinyRun(folder, "watched", 2);
  const path = join(folder, "watched.json");
  writeFileSync(path, JSON.stringify(config));
  // Where something listens there already, that is as good.
  const other = createServer();
  await new Promise<void>((resolve) => void other.once("error", () => resolve()).listen(6070, "127.0.0.1", resolve));
  let url = "";
  let seen: readonly RunSummary[] = [];
  try {
    const code = await runCommandLine(["train", path, "--dashboard", "--json"], {
      out(text) {
        const event = JSON.parse(text) as { type: string; url?: string };
        if (event.type === "dashboard") url = event.url!;
        // Files are looked at once a second, the first time perhaps while the folder is being begun.
        for (let left = 60; event.type === "step" && seen[0]?.state !== "live" && left > 0; left -= 1)
          seen = askMeanwhile(url);
      },
      err: (text) => expect.fail(text),
    });
    expect(code).toBe(0);
  } finally {
    other.close();
  }
  expect(url).toMatch(/^http:\/\/localhost:60(7[1-9]|8\d|90)\/$/);
  expect(seen).toMatchObject([{ id: "watched", name: "watched", steps: 2, state: "live" }]);
  await expect(fetch(url)).rejects.toThrow();
});

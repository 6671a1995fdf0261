/**
 * Runs the Python quickstart of docs/reward-server.md against a server; tools/examples runs the TypeScript one.
 */
import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { startRewardServer } from "./server";

const root = resolve(import.meta.dirname, "../../..");
const file = resolve(root, "examples/rewards/quickstart.py");
const python = process.env["PYTHON"] ?? "python3";
const isPresent = spawnSync(python, ["--version"]).status === 0;
if (!isPresent)
  console.warn(`skipped: the quickstart in Python, there is no ${python} (install Python 3.8 or later, or set PYTHON)`);

it.skipIf(!isPresent)("prints what its last lines say", async () => {
  const server = await startRewardServer({ port: 0, workers: 1, logLevel: "silent" });
  try {
    const env = {
      ...process.env,
      PYTHONPATH: resolve(root, "packages/rewards/python"),
      PYTHONDONTWRITEBYTECODE: "1",
      V_TRIUNE_REWARD_URL: server.url,
    };
    const { stdout } = await promisify(execFile)(python, [file], { env });
    const comments = readFileSync(file, "utf8")
      .trimEnd()
      .split("\n")
      .filter((line) => line.startsWith("# "));
    expect(stdout).toBe(`${comments.map((line) => line.slice(2)).join("\n")}\n`);
  } finally {
    await server.drain();
  }
});

it("is shown in the docs as it is", () => {
  expect(readFileSync(resolve(root, "docs/reward-server.md"), "utf8")).toContain(
    `\`\`\`python\n${readFileSync(file, "utf8")}\`\`\`\n`,
  );
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveTrainingConfig } from "@v-triune/training/config";
import { afterAll, expect, it } from "vitest";
import { UsageError } from "../errors";
import { resumedConfig } from "./resumed-config";

const folder = mkdtempSync(join(tmpdir(), "v-triune-resume-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("takes a run folder with --resume only, and leaves other paths to be read as configurations", async () => {
  expect(await resumedConfig(undefined, [], true)).toBeUndefined();
  expect(await resumedConfig(folder, [], true)).toBeUndefined();
  const config = resolveTrainingConfig({ model: "m", data: { train: "d.parquet" } });
  writeFileSync(join(folder, "run.json"), JSON.stringify({ format: 1, config }));
  expect(await resumedConfig(folder, [], true)).toEqual({ ...config, run: { ...config.run, folder } });
  await expect(resumedConfig(folder, [], false)).rejects.toThrow(UsageError);
});

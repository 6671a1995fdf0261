import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { resolveTrainingConfig } from "../config/load-training-config";
import { checkResumedConfig, runFolderConfig } from "./resume-config";
import { RunFolderError } from "./run-folder-error";

const folder = mkdtempSync(join(tmpdir(), "v-triune-resume-"));
afterAll(() => rmSync(folder, { recursive: true }));
const config = resolveTrainingConfig({ model: "m", data: { train: "d.parquet" } });

describe("checkResumedConfig", () => {
  it("lets reporting and evaluation change and nothing that decides the numbers", () => {
    checkResumedConfig(config, config);
    checkResumedConfig(config, { ...config, evaluation: { ...config.evaluation, every: 1 } });
    expect(() => checkResumedConfig(config, { ...config, optimizer: { ...config.optimizer, lr: 1 } })).toThrow(
      "optimizer.lr: 0.000001 -> 1",
    );
    expect(() => checkResumedConfig(config, { ...config, run: { ...config.run, seed: 9 } })).toThrow("run.seed");
    // The warm-up is a share of all steps, so their number decides the learning rates.
    expect(() => checkResumedConfig(config, { ...config, run: { ...config.run, steps: 9 } })).toThrow(
      /run\.steps: 135 -> 9[^]*shares of run\.steps[^]*Ctrl-C/,
    );
  });
});

describe("runFolderConfig", () => {
  it("is the run's own configuration under the folder's present name", async () => {
    await expect(runFolderConfig(folder)).rejects.toThrow(RunFolderError);
    writeFileSync(join(folder, "run.json"), JSON.stringify({ format: 1, config }));
    expect(await runFolderConfig(folder)).toEqual({ ...config, run: { ...config.run, folder } });
    const changed = await runFolderConfig(folder, [
      "update.microBatchTokens=512",
      "reward.servers=http://127.0.0.1:8000",
    ]);
    expect(changed).toEqual({
      ...config,
      run: { ...config.run, folder },
      update: { ...config.update, microBatchTokens: 512 },
      reward: { ...config.reward, servers: ["http://127.0.0.1:8000"] },
    });
    await expect(runFolderConfig(folder, ["update.microBatchToken=512"])).rejects.toThrow(
      'did you mean "update.microBatchTokens"?',
    );
  });
});

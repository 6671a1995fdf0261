/** What becomes of checkpoints in a run: the best one kept, a damaged one passed over, memory that runs out. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OutOfMemoryError } from "@v-triune/backend";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainingConfig } from "../config/training-config";
import { resolveTrainingConfig } from "../config/load-training-config";
import { tinyRun } from "../testing/tiny-run";
import type { RunTrainingOptions } from "../run/run-options";
import { runTraining } from "../run/run-training";
import { trackBest } from "./best-checkpoint";

const folder = mkdtempSync(join(tmpdir(), "v-triune-upkeep-"));
let base: TrainingConfig;
beforeAll(async () => {
  base = await tinyRun(folder, "base", 4);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = (
  name: string,
  checkpoint: Partial<TrainingConfig["checkpoint"]>,
  more: Partial<TrainingConfig> = {},
): TrainingConfig => ({
  ...base,
  run: { ...base.run, name, folder: join(folder, name) },
  data: { ...base.data, eval: [] },
  checkpoint: { every: 1, keep: 1, keepBest: null, ...checkpoint },
  ...more,
});
const kept = (name: string) => readdirSync(join(folder, name, "checkpoints")).sort();
const path = (name: string, step: number, file: string) => join(folder, name, `checkpoints/step-00000${step}`, file);
async function warnings(run: TrainingConfig, options: RunTrainingOptions = {}): Promise<string[]> {
  const messages: string[] = [];
  await runTraining(run, {
    ...options,
    listen: (event) => void (event.type === "warning" && messages.push(event.message)),
  });
  return messages;
}

describe("the best checkpoint", () => {
  const record = (step: number, value: number, name = "acc/source_mean@1") => ({
    step,
    split: "eval" as const,
    scope: "all" as const,
    name: "all",
    metrics: { [name]: value },
  });

  it("is told by a metric of the run as a whole, the earlier of equal ones", () => {
    const best = trackBest({ metric: "acc/source_mean", mode: "max" });
    best.note([
      record(1, 0.2),
      record(2, 0.5, "acc/source_mean@8"),
      record(3, 0.5),
      { ...record(4, 0.9), scope: "source" },
      record(5, Number.NaN),
    ]);
    expect(best.of([1, 2, 3, 4, 5])).toEqual({ step: 2, value: 0.5 });
    expect(best.of([1, 4])).toEqual({ step: 1, value: 0.2 });
    expect(best.of([])).toBeUndefined();
    const least = trackBest({ metric: "actor/loss", mode: "min" });
    least.note([record(1, 3, "actor/loss"), record(2, 1, "actor/loss")]);
    expect(least.of([1, 2])?.step).toBe(2);
    expect(trackBest(null).of([1])).toBeUndefined();
  });

  it("stays beside the newest, also when the run was resumed", async () => {
    const run = config("best", { keepBest: { metric: "actor/grad_norm", mode: "max" } });
    const norms: number[] = [];
    const interruption = { requested: false };
    const listen: RunTrainingOptions["listen"] = (event) => {
      if (event.type !== "step") return;
      norms.push(event.summary.gradientNorm);
      interruption.requested = event.summary.step === 2;
    };
    await runTraining(run, { listen, interruption });
    interruption.requested = false;
    await runTraining(run, { resume: true, listen, interruption });
    const best = norms.indexOf(Math.max(...norms)) + 1;
    expect(kept("best")).toEqual([...new Set([`step-00000${best}`, "step-000004"])]);
    expect(() => resolveTrainingConfig({ model: "m", data: { train: "d" }, checkpoint: { keepBest: {} } })).toThrow(
      /needs an evaluation[\s\S]*acc\/source_mean/,
    );
  });
});

describe("a damaged checkpoint", () => {
  it("is passed over and named; the run ends as it would have", async () => {
    const run = config("damaged", { keep: null });
    const interruption = { requested: false };
    await runTraining(run, {
      interruption,
      listen: (event) => void (interruption.requested ||= event.type === "step" && event.summary.step === 3),
    });
    truncateSync(path("damaged", 3, "model.safetensors"), 100);
    const [message] = await warnings(run, { resume: true });
    expect(message).toMatch(
      /checkpoint of step 3 is damaged \([\s\S]*model\.safetensors: expected \d+ bytes, found 100 bytes\), so the run goes on from step 2/,
    );
    expect(kept("damaged")).toEqual([
      "step-000001",
      "step-000002",
      "step-000003",
      "step-000003.damaged",
      "step-000004",
    ]);
  });

  it("is refused when there is none before it", async () => {
    const run = config("lost", {});
    const interruption = { requested: false };
    await runTraining(run, {
      interruption,
      listen: (event) => void (interruption.requested ||= event.type === "step"),
    });
    writeFileSync(path("lost", 1, "optimizer.safetensors"), "x");
    await expect(runTraining(run, { resume: true })).rejects.toThrow(
      /checkpoint is damaged[\s\S]*optimizer\.safetensors/,
    );
  });
});

describe("memory that runs out", () => {
  it("leaves the run saved as it was before the step, and says what to lower", async () => {
    const run = config("memory", { every: null });
    let failing = false;
    const outOfMemory = new OutOfMemoryError({
      backend: "wasm",
      what: "The backend ran out of memory.",
    });
    // The last thing that happens before an update is the progress of its last answer.
    const listen: RunTrainingOptions["listen"] = (event) => {
      failing = event.type === "generating" && event.step === 3 && event.done === event.total;
      if (failing) throw outOfMemory;
    };
    const error: unknown = await runTraining(run, { listen }).catch((cause: unknown) => cause);
    expect((error as Error).name).toBe("TrainingMemoryError");
    expect((error as Error).message).toMatch(
      /Memory ran out in step 3[\s\S]*update\.microBatchTokens=8192[\s\S]*saved after\s+step 2/,
    );
    expect(kept("memory")).toEqual(["step-000002"]);
    // With the lower number it goes on and ends as the run that never stopped.
    await runTraining({ ...run, update: { ...run.update, microBatchTokens: 8192 } }, { resume: true });
    const whole = config("whole", { every: null });
    await runTraining(whole);
    expect(
      readFileSync(path("memory", 4, "model.safetensors")).equals(readFileSync(path("whole", 4, "model.safetensors"))),
    ).toBe(true);
    expect(existsSync(path("memory", 4, "state.json"))).toBe(true);
  });
});

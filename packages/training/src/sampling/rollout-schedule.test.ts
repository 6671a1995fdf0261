/**
 * Rollouts made ahead: whose weights made them, that the time they take changes nothing, and that a run can stop and
 * die at any point.
 */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainingConfig } from "../config/training-config";
import { GivenUpWaiting } from "./wait-watch";
import { tinyRun } from "../testing/tiny-run";
import { RolloutSchedule, type RolloutScheduleOptions } from "./rollout-schedule";
import { runTraining } from "../run/run-training";
import type { StepRollouts } from "./step-rollouts";

function schedule(
  options: Partial<RolloutScheduleOptions> & { readonly log?: string[]; readonly slow?: boolean } = {},
) {
  const { log = [], slow = false, ...rest } = options;
  const data = { place: { position: 0 } };
  const sample = async (step: number, weights: number, signal: AbortSignal): Promise<StepRollouts> => {
    const { position } = data.place;
    data.place = { position: data.place.position + 4 };
    log.push(`ask ${step}`);
    await (slow ? setTimeout(20) : setImmediate());
    signal.throwIfAborted();
    log.push(`answered ${step} by W(${weights})`);
    return { step, weights, position } as StepRollouts;
  };
  return {
    log,
    data,
    schedule: new RolloutSchedule({ asyncLevel: 1, steps: 3, overlaps: true, data, sample, ...rest }),
  };
}
/** A step of a run: its rollouts are trained on, which takes a while or fails. */
async function train(own: RolloutSchedule, log: string[], step: number, end: number | Error = 0): Promise<void> {
  try {
    expect((await own.begin(step)).step).toBe(step);
    if (end instanceof Error) throw end;
    await setTimeout(end);
    log.push(`trained ${step}`);
    await own.end();
  } catch (error) {
    await own.cancel(error);
    throw error;
  }
}

describe("RolloutSchedule", () => {
  it.each([true, false])(
    "asks for the next step's answers before an update, by the same weights, whatever is done first (answers slow: %s)",
    async (slow) => {
      const { log, schedule: own } = schedule({ slow });
      for (const step of [1, 2, 3]) await train(own, log, step, slow ? 0 : 10);
      const whoseAnswers = log.filter((line) => line.startsWith("answered"));
      expect(whoseAnswers).toEqual(["answered 1 by W(0)", "answered 2 by W(0)", "answered 3 by W(1)"]);
      for (const step of [1, 2]) {
        expect(log.indexOf(`ask ${step + 1}`)).toBeLessThan(log.indexOf(`trained ${step}`));
        // All of them are in before the step ends and weights are handed over.
        if (step === 1) expect(log.indexOf("answered 2 by W(0)")).toBeLessThan(log.indexOf("ask 3"));
      }
    },
  );

  it("lets answers come first where they can't be made beside an update, and makes none ahead at level 0", async () => {
    const beside = schedule({ overlaps: false, slow: true });
    await train(beside.schedule, beside.log, 1);
    expect(beside.log).toEqual(["ask 1", "answered 1 by W(0)", "ask 2", "answered 2 by W(0)", "trained 1"]);
    const newest = schedule({ asyncLevel: 0 });
    for (const step of [1, 2]) await train(newest.schedule, newest.log, step);
    expect(newest.log).toEqual([
      "ask 1",
      "answered 1 by W(0)",
      "trained 1",
      "ask 2",
      "answered 2 by W(1)",
      "trained 2",
    ]);
    expect(newest.schedule.place.position).toBe(8);
  });

  it("is saved with what is ready, also when the next update fails", async () => {
    const { log, schedule: own } = schedule();
    await train(own, log, 1);
    expect(own.ready).toMatchObject({ step: 2, weights: 0 });
    expect(own.place.position).toBe(4);
    await expect(train(own, log, 2, new Error("no memory"))).rejects.toThrow("no memory");
    expect(own.ready).toMatchObject({ step: 2, weights: 0 });
    expect(own.place.position).toBe(4);
    expect(log).not.toContain("answered 3 by W(1)");
  });

  it("ends the step before when waiting for answers is given up, and never trains older ones", async () => {
    const {
      log,
      data,
      schedule: own,
    } = schedule({
      sample: async (step, weights) => {
        data.place = { position: data.place.position + 4 };
        if (step === 2) throw new GivenUpWaiting("given up");
        return { step, weights, position: data.place.position - 4 } as StepRollouts;
      },
    });
    await train(own, log, 1);
    expect(log).toEqual(["trained 1"]);
    expect(own.ready).toBeUndefined();
    expect(own.place.position).toBe(4);
    const old = schedule({ ready: { step: 3, weights: 1, position: 8 } as StepRollouts });
    await expect(old.schedule.begin(4)).rejects.toThrow("rollouts of step 3, by weights of step 1, in step 4");
  });
});

const folder = mkdtempSync(join(tmpdir(), "v-triune-async-"));
let base: TrainingConfig;
beforeAll(async () => {
  base = await tinyRun(folder, "base", 4);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Weights move a lot at each update, so that answers of other weights differ. */
function config(name: string, change: Partial<TrainingConfig["rollout"]> = {}, lr = 0.02): TrainingConfig {
  const language = { ...base.optimizer.groups.language, lr };
  return {
    ...base,
    run: { ...base.run, name, folder: join(folder, name) },
    rollout: { ...base.rollout, asyncLevel: 1, ...change },
    optimizer: { ...base.optimizer, warmupRatio: 0, weightDecay: 0, groups: { ...base.optimizer.groups, language } },
    data: { ...base.data, eval: [] },
    checkpoint: { every: 1, keep: null, keepBest: null },
  };
}
const read = (name: string, ...path: string[]): Buffer => readFileSync(join(folder, name, ...path));
const weightsOf = (name: string, step: number): Buffer =>
  read(name, "checkpoints", `step-00000${step}`, "model.safetensors");
const records = (name: string) =>
  read(name, "metrics.jsonl")
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { step: number; split: string; scope: string; metrics: Record<string, number> });
const numbersOf = (name: string) =>
  records(name).map((record) => ({
    ...record,
    metrics: Object.fromEntries(Object.entries(record.metrics).filter(([key]) => !/^(timing_s|perf)\//.test(key))),
  }));
const stepsOf = (name: string) =>
  records(name)
    .filter(({ split, scope }) => split === "train" && scope === "all")
    .map(({ metrics }) => metrics);
const rolloutFiles = (name: string): [string, Buffer][] =>
  readdirSync(join(folder, name, "rollouts"))
    .sort()
    .map((file) => [file, read(name, "rollouts", file)]);

function expectSame(name: string, whole: string): void {
  expect(numbersOf(name)).toEqual(numbersOf(whole));
  expect(rolloutFiles(name)).toEqual(rolloutFiles(whole));
  for (const step of readdirSync(join(folder, whole, "checkpoints"))) {
    for (const file of readdirSync(join(folder, whole, "checkpoints", step))) {
      // What is ready says how long it took to make.
      if (file !== "state.json" && file !== "ready-rollouts.jsonl")
        expect(
          read(name, "checkpoints", step, file).equals(read(whole, "checkpoints", step, file)),
          `${step}/${file}`,
        ).toBe(true);
    }
  }
}

describe("a run with rollout.asyncLevel: 1", () => {
  it("learns from the answers of the weights before, and corrects for them", async () => {
    await runTraining(config("whole"));
    const steps = stepsOf("whole");
    expect(steps.map((metrics) => metrics["rollout/weights_age"])).toEqual([0, 1, 1, 1]);
    // The first step's answers are by the weights that it trains, the others' are not.
    expect(Math.abs(steps[0]!["rollout_corr/kl"]!)).toBeLessThan(1e-4);
    for (const metrics of steps.slice(1)) expect(Math.abs(metrics["rollout_corr/kl"]!)).toBeGreaterThan(1e-3);
    for (const metrics of steps) expect(metrics["rollout_corr/rollout_is_max"]).toBeLessThanOrEqual(2);
    // Two steps' answers, rewards and advantages are those of a run whose weights stay as they were; the third's are
    // not.
    await runTraining(config("still", { asyncLevel: 0 }, 1e-30));
    expect(rolloutFiles("whole").slice(0, 2)).toEqual(rolloutFiles("still").slice(0, 2));
    expect(rolloutFiles("whole")[2]).not.toEqual(rolloutFiles("still")[2]);
    await runTraining(config("newest", { asyncLevel: 0 }));
    expect(rolloutFiles("whole")[0]).toEqual(rolloutFiles("newest")[0]);
    expect(rolloutFiles("whole")[1]).not.toEqual(rolloutFiles("newest")[1]);
    expect(weightsOf("whole", 4).equals(weightsOf("newest", 4))).toBe(false);
  });

  it("ends with the same bytes when it was stopped and resumed, with one thread or two", async () => {
    for (const [name, after, workers] of [
      ["stopped-1", 1, 1],
      ["stopped-3", 3, 2],
    ] as const) {
      const interruption = { requested: false };
      await runTraining(config(name), {
        interruption,
        listen: (event) => (interruption.requested ||= event.type === "step" && event.summary.step === after),
      });
      await runTraining({ ...config(name), workers }, { resume: true });
      expectSame(name, "whole");
    }
  });

  it("ends with the same bytes when it was killed, before a checkpoint was there and after", async () => {
    for (const at of [1, 2, 3]) {
      const name = `killed-${at}`;
      cpSync(join(folder, "whole"), join(folder, name), { recursive: true });
      // What was written after the checkpoint is still there, as after a kill in the step after it.
      for (let step = at + 1; step <= 4; step++)
        rmSync(join(folder, name, "checkpoints", `step-00000${step}`), { recursive: true });
      await runTraining(config(name), { resume: true });
      expectSame(name, "whole");
    }
    expect(
      readdirSync(join(folder, "whole/checkpoints/step-000003")).filter((file) => file.startsWith("ready-")),
    ).toEqual(["ready-rollouts.jsonl", "ready-rollouts.safetensors"]);
    expect(
      readdirSync(join(folder, "whole/checkpoints/step-000004")).filter((file) => file.startsWith("ready-")),
    ).toEqual([]);
  });

  it("resumes with dynamic sampling, whose groups come from several rounds", async () => {
    const rounds = { dynamicSampling: { enabled: true, maxRounds: 3 } };
    await runTraining(config("rounds", rounds));
    expect(stepsOf("rounds").some((metrics) => metrics["rollout/rounds"]! > 1)).toBe(true);
    const interruption = { requested: false };
    await runTraining(config("rounds-stopped", rounds), {
      interruption,
      listen: (event) => (interruption.requested ||= event.type === "step" && event.summary.step === 2),
    });
    await runTraining(config("rounds-stopped", rounds), { resume: true });
    expectSame("rounds-stopped", "rounds");
  });
});

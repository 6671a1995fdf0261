import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunAlarm } from "../dashboard-api";
import { RunView } from "./run-view";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "v-triune-run-view-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(reward: (step: number) => number, steps: number, config: object = {}): void {
  const lines = Array.from({ length: steps }, (_, index) => {
    const metrics = { "critic/rewards/mean": reward(index + 1), "timing_s/step": 3 };
    return [
      JSON.stringify({ step: index + 1, split: "train", scope: "source", name: "clevr", metrics }),
      JSON.stringify({ step: index + 1, split: "train", scope: "all", name: "all", metrics }),
    ].join("\n");
  });
  writeFileSync(join(folder, "metrics.jsonl"), `${lines.join("\n")}\n`);
  writeFileSync(
    join(folder, "run.json"),
    JSON.stringify({ format: 1, name: "mine", config: { run: { steps: 1_000 }, ...config } }),
  );
}

async function opened(): Promise<RunView> {
  const run = new RunView("mine", folder);
  await run.refresh();
  return run;
}

describe("alarms", () => {
  it("tells a collapse and that it lasts, with the source and the step", async () => {
    write((step) => (step < 40 ? 0.8 : 0.1), 60);
    const run = await opened();
    expect(run.alarms()).toMatchObject([{ rule: "reward collapse", name: "clevr", active: true }]);
    expect(run.alarms()[0]!.since).toBeGreaterThanOrEqual(40);
    expect(run.summary().activeAlarms).toBe(1);
  });

  it("tells one that is over as over", async () => {
    write((step) => (step >= 40 && step < 50 ? 0.1 : 0.8), 80);
    expect((await opened()).alarms()).toMatchObject([{ rule: "reward collapse", active: false }]);
  });

  it("leads to the last step whose rollouts are stored and have the source, or to none", async () => {
    write((step) => (step < 40 ? 0.8 : 0.1), 60);
    const run = await opened();
    const [{ step }] = run.alarms() as [RunAlarm];
    expect(run.alarms([10, step - 3, step + 1])[0]!.rolloutStep).toBe(step - 3);
    expect(run.alarms([10, step])[0]!.rolloutStep).toBe(step);
    expect(run.alarms()[0]!.rolloutStep).toBeNull();
  });

  it("watches all together in a run that records no sources", async () => {
    const lines = Array.from({ length: 40 }, (_, index) => {
      const isLate = index >= 30;
      const metrics = {
        "critic/rewards/mean": isLate ? 0.05 : 0.6 + (index % 3) / 100,
        "response_length/mean": isLate ? 1_400 : 200 + (index % 4),
        "response_length/clip_ratio": isLate ? 0.5 : 0,
      };
      return JSON.stringify({ step: index + 1, split: "train", scope: "all", name: "all", metrics });
    });
    writeFileSync(join(folder, "metrics.jsonl"), `${lines.join("\n")}\n`);
    const rules = (await opened()).alarms().map(({ rule, name, active }) => [rule, name, active]);
    expect(rules.sort()).toEqual([
      ["answers cut off", "all", true],
      ["length explosion", "all", true],
      ["reward collapse", "all", true],
    ]);
  });

  it("goes by the rules of the run's configuration", async () => {
    write((step) => (step < 40 ? 0.8 : 0.1), 60, {
      monitor: { alarms: { enabled: true, rules: { "reward collapse": false } } },
    });
    const run = await opened();
    expect(run.alarms()).toEqual([]);
  });

  it("is silent where the run has switched them off", async () => {
    write((step) => (step < 40 ? 0.8 : 0.1), 60, { monitor: { alarms: { enabled: false } } });
    expect((await opened()).alarms()).toEqual([]);
  });
});

describe("state", () => {
  it("is live while the process of its lock is, with the time that is left", async () => {
    write(() => 0.5, 60);
    writeFileSync(join(folder, "run.lock"), JSON.stringify({ pid: process.pid }));
    expect((await opened()).summary()).toMatchObject({ state: "live", step: 60, steps: 1_000, etaSeconds: 940 * 3 });
  });

  it("is stopped when that process is gone, and finished at the last step", async () => {
    write(() => 0.5, 60);
    // No process has this number: Linux's and macOS's largest are smaller.
    writeFileSync(join(folder, "run.lock"), JSON.stringify({ pid: 2 ** 30 }));
    expect((await opened()).summary()).toMatchObject({ state: "stopped", etaSeconds: null });
    write(() => 0.5, 1_000);
    expect((await opened()).summary()).toMatchObject({ state: "finished", step: 1_000 });
  });
});

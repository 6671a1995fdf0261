import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../../seeded-random";
import { RolloutReader } from "../rollouts/rollout-reader";
import { RunView } from "../run-folder/run-view";
import { copyRecordedRun } from "../testing/recorded-run";
import { eighteenSources, simulateStep, writeSimulatedRun, type SimulatedSource } from "../testing/simulated-run";
import { answerPairs } from "./answer-pairs";
import { changeRows } from "./compare-windows";
import { UNIT_STRIDE, type Unit } from "./mean-change";
import { CHANGE_METRICS } from "./compared-metrics";
import { runChanges } from "./run-changes";

let parent: string;
let reader: RolloutReader;
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), "v-triune-changes-"));
  reader = new RolloutReader();
});
afterAll(async () => {
  await reader.close();
  rmSync(parent, { recursive: true, force: true });
});

async function opened(folder: string): Promise<RunView> {
  const run = new RunView("mine", folder);
  await run.refresh();
  return run;
}

/** Rows of a simulated run, without files: the first 20 steps against the 20 after them. */
function simulatedRows(sources: readonly SimulatedSource[], seed: number) {
  const random = seededRandom(seed);
  const units = new Map<string, Map<string, Unit>>();
  for (let step = 1; step <= 40; step += 1) {
    for (const { source, id, correct, tokens, truncated } of simulateStep(sources, step, random)) {
      let prompts = units.get(source);
      if (prompts === undefined) units.set(source, (prompts = new Map()));
      let unit = prompts.get(id);
      if (unit === undefined) prompts.set(id, (unit = new Float64Array(CHANGE_METRICS.length * UNIT_STRIDE)));
      for (const [metric, value] of [correct ? 1 : 0.1, Number(correct), tokens, Number(truncated), 0].entries()) {
        unit[metric * UNIT_STRIDE + (step > 20 ? 2 : 0)]! += value;
        unit[metric * UNIT_STRIDE + (step > 20 ? 3 : 1)]! += 1;
      }
    }
  }
  const evidence = { steps: 20, prompts: 120, rollouts: 960 };
  return changeRows(
    [...units].map(([name, prompts]) => ({
      scope: "source",
      name,
      task: null,
      before: evidence,
      after: evidence,
      units: [...prompts.values()],
    })),
    "prompt",
  );
}

describe("18 sources", () => {
  it("ranks a planted regression of one source first, whichever it is", () => {
    for (const planted of [0, 7, 17]) {
      const worse = { solved: (step: number) => (step <= 20 ? 0.6 : 0.2) };
      const rows = simulatedRows(eighteenSources(worse, planted), planted);
      expect(rows[0]).toMatchObject({ name: `source ${planted}`, verdict: "worse" });
      expect(rows.filter(({ verdict }) => verdict !== "unclear")).toHaveLength(1);
      const { change, low, high } = rows[0]!.cells[0]!;
      // 0.95 · 0.4 + 0.05 · 0.6 solved of 0.9 reward: 0.36 · 0.9.
      expect(low!).toBeLessThan(-0.324);
      expect(high!).toBeGreaterThan(-0.324);
      expect(change!).toBeLessThan(-0.2);
    }
  });

  it("raises nothing in 20 seeds of noise, with many prompts or few, recurring or not", () => {
    const raised: string[] = [];
    for (let seed = 1; seed <= 20; seed += 1) {
      const few = { promptsPerStep: 1 + (seed % 6), ...(seed % 2 === 0 ? { distinctPrompts: 40 } : {}) };
      for (const { name, cells } of simulatedRows(
        eighteenSources().map((source) => ({ ...source, ...few })),
        seed,
      )) {
        for (const { metric, verdict } of cells)
          if (verdict !== "unclear" && verdict !== "few") raised.push(`${seed} ${name} ${metric} ${verdict}`);
      }
    }
    expect(raised).toEqual([]);
  });

  it("tells lengths and cut answers apart from the reward", () => {
    const longer = {
      tokens: (step: number) => (step <= 20 ? 40 : 80),
      cut: (step: number) => (step <= 20 ? 0.02 : 0.3),
    };
    const rows = simulatedRows(eighteenSources(longer, 4), 3);
    const row = rows.find(({ name }) => name === "source 4")!;
    expect(Object.fromEntries(row.cells.map(({ metric, verdict }) => [metric, verdict]))).toEqual({
      "critic/rewards/mean": "unclear",
      "reward/accuracy/mean": "unclear",
      "response_length/mean": "different",
      "response_length/clip_ratio": "worse",
      "verdict/error_ratio": "unclear",
    });
  });
});

describe("a run folder", () => {
  const one = (over: Partial<SimulatedSource>): SimulatedSource => ({
    name: "clevr",
    task: "counting",
    promptsPerStep: 4,
    solved: () => 0.5,
    ...over,
  });

  it("weighs each rollout alike, and finds the source that got worse although most of its steps look better", async () => {
    const folder = join(parent, "weights");
    // Few prompts in good steps, many in bad ones: the mean of steps rises, the mean of rollouts falls.
    const isGood = (step: number): boolean => step > 20 && step % 2 === 0;
    const clevr = one({
      solved: (step) => (step <= 20 ? 0.5 : isGood(step) ? 1 : 0.1),
      promptsPerStep: (step) => (step <= 20 ? 8 : isGood(step) ? 1 : 15),
    });
    await writeSimulatedRun(folder, {
      sources: [clevr, one({ name: "coco", task: "detection" })],
      steps: 40,
      seed: 5,
    });
    const run = await opened(folder);
    const series = run.series([{ split: "train", scope: "source", name: "clevr" }], ["critic/rewards/mean"], 100)[0]!;
    const meanOf = (values: readonly (number | null)[]): number =>
      values.reduce<number>((sum, value) => sum + value!, 0) / values.length;
    expect(meanOf(series.values.slice(20))).toBeGreaterThan(meanOf(series.values.slice(0, 20)));
    const changes = await runChanges(run, reader, { since: 20 });
    expect(changes).toMatchObject({
      before: { from: 1, to: 20 },
      after: { from: 21, to: 40 },
      steps: { before: 20, after: 20 },
      unit: "prompt",
      notes: [],
    });
    expect(changes.rows.map(({ scope, name, verdict }) => `${scope} ${name} ${verdict}`)).toEqual([
      "source clevr worse",
      "source coco unclear",
      "task counting worse",
      "task detection unclear",
      "all all worse",
    ]);
    expect(changes.rows[0]).toMatchObject({
      before: { steps: 20, prompts: 160, rollouts: 1280 },
      after: { steps: 20, prompts: 160, rollouts: 1280 },
    });
    const [expected] = await reader.query(
      `select avg(reward) filter (step > 20) - avg(reward) filter (step <= 20) as "change"
       from ${await reader.storedSteps(run, [{ from: 1, to: 40 }])} where data_source = 'clevr'`,
      {},
      folder,
    );
    expect(changes.rows[0]!.cells[0]!.change).toBeCloseTo(expected!.change as number, 12);
    // The same bytes again.
    expect(await runChanges(run, reader, { since: 20 })).toEqual(changes);
  });

  it("never shrinks a window in silence: without all rollouts, the steps of metrics.jsonl are compared", async () => {
    const folder = join(parent, "some-stored");
    await writeSimulatedRun(folder, {
      sources: [one({ solved: (step) => (step <= 20 ? 0.6 : 0.1) })],
      steps: 40,
      seed: 6,
      stores: (step) => step % 10 === 0,
    });
    const changes = await runChanges(await opened(folder), reader, { since: 20 });
    expect(changes.unit).toBe("step");
    expect(changes.notes).toEqual([
      "Rollouts of 4 of these 40 steps are stored, so the numbers come from metrics.jsonl, and the intervals draw " +
        "steps instead of prompts.",
    ]);
    expect(changes.rows[0]).toMatchObject({
      verdict: "worse",
      before: { steps: 20, prompts: null, rollouts: 640 },
      after: { steps: 20, prompts: null, rollouts: 640 },
    });
  });

  it("states what the run has of windows that were asked for, and refuses those that cannot be compared", async () => {
    const run = await opened(join(parent, "weights"));
    const asked = await runChanges(run, reader, { before: { from: 1, to: 20 }, after: { from: 31, to: 60 } });
    expect(asked).toMatchObject({ steps: { before: 20, after: 10 }, after: { from: 31, to: 60 } });
    expect(asked.notes).toEqual(["The run has recorded steps 31–40 of 31–60."]);
    // As many steps before as after.
    expect(await runChanges(run, reader, { since: 30 })).toMatchObject({ before: { from: 21, to: 30 } });
    expect(await runChanges(run, reader)).toMatchObject({ before: { from: 1, to: 20 }, after: { from: 21, to: 40 } });
    await expect(runChanges(run, reader, { since: 40 })).rejects.toThrow(/No step is recorded in the window "after"/);
    await expect(runChanges(run, reader, { before: { from: 1, to: 20 }, after: { from: 20, to: 40 } })).rejects.toThrow(
      /steps in common[^]*1–20 and 20–40/,
    );
  });

  it("says nothing of steps that a trainer does not log", async () => {
    const folder = join(parent, "every-fifth");
    mkdirSync(folder);
    const line = (step: number) =>
      JSON.stringify({
        step,
        split: "train",
        scope: "all",
        name: "all",
        metrics: { "critic/rewards/mean": step / 100 },
      });
    const logged = Array.from({ length: 20 }, (_, index) => line(5 * (index + 1)));
    writeFileSync(join(folder, "metrics.jsonl"), `${logged.join("\n")}\n`);
    const changes = await runChanges(await opened(folder), reader, { since: 50 });
    expect(changes).toMatchObject({ before: { from: 5, to: 50 }, after: { from: 51, to: 100 } });
    expect(changes.steps).toEqual({ before: 10, after: 10 });
    expect(changes.notes.filter((note) => note.includes("has recorded"))).toEqual([]);
    expect(changes.rows[0]).toMatchObject({ verdict: "better", before: { rollouts: null } });
  });

  it("names sources that are gone or new", async () => {
    const folder = join(parent, "gone");
    await writeSimulatedRun(folder, { sources: [one({}), one({ name: "coco" })], steps: 10, seed: 7 });
    const late = new RunView("late", folder);
    await late.refresh();
    const table = await reader.storedSteps(late, [{ from: 1, to: 10 }]);
    for (const [step, kept] of [
      [3, "coco"],
      [8, "clevr"],
    ] as const) {
      const file = join(folder, "rollouts", `step-${String(step).padStart(6, "0")}.parquet`);
      await reader.query(
        `copy (select * from ${table} where step = ${step} and data_source = '${kept}') to '${file}' (format parquet)`,
        {},
        file,
      );
    }
    const changes = await runChanges(late, reader, { before: { from: 3, to: 3 }, after: { from: 8, to: 8 } });
    expect(changes.rows.slice(0, 2).map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
      "coco gone",
      "clevr new",
    ]);
  });

  it("says what it needs of a run of one step", async () => {
    const folder = join(parent, "one-step");
    await writeSimulatedRun(folder, { sources: [one({})], steps: 1, seed: 8 });
    await expect(runChanges(await opened(folder), reader)).rejects.toThrow(/too few training steps[^]*only step 1/);
  });
});

describe("answers before and after", () => {
  const windows = { before: { from: 1, to: 20 }, after: { from: 21, to: 40 } };

  it("pairs the prompts that recur, the one whose reward fell most first", async () => {
    const folder = join(parent, "recurring");
    await writeSimulatedRun(folder, {
      sources: [
        {
          name: "clevr",
          task: "counting",
          promptsPerStep: 4,
          distinctPrompts: 30,
          solved: (step) => (step <= 20 ? 0.9 : 0.1),
        },
      ],
      steps: 40,
      seed: 9,
    });
    const found = await answerPairs(await opened(folder), reader, windows, { scope: "source", name: "clevr" });
    expect(found).toMatchObject({ pairing: "same-prompts", recurring: 27 });
    expect(found.pairs).toHaveLength(8);
    for (const { before, after } of found.pairs) {
      expect(before!.id).toBe(after!.id);
      expect(before!.step).toBeLessThanOrEqual(20);
      expect(after!.step).toBeGreaterThan(20);
      expect(before!.answers).toHaveLength(8);
    }
  });

  it("pairs prompts of the same rank where none recurs, and has none of what is not stored", async () => {
    const run = await opened(join(parent, "weights"));
    const found = await answerPairs(run, reader, windows, { scope: "task", name: "counting" });
    expect(found).toMatchObject({ pairing: "same-rank", recurring: 0 });
    expect(found.pairs).toHaveLength(8);
    const rewards = found.pairs.map(({ before }) => before!.reward!);
    expect(rewards).toEqual(rewards.toSorted((a, b) => a - b));
    expect(found.pairs.every(({ before, after }) => before!.source === "clevr" && after!.source === "clevr")).toBe(
      true,
    );
    const none = await answerPairs(
      run,
      reader,
      { ...windows, after: { from: 50, to: 60 } },
      { scope: "all", name: "all" },
    );
    expect(none.pairs).toEqual([]);
  });

  it("reads a run that training recorded", async () => {
    const folder = await copyRecordedRun(join(parent, "recorded"));
    const run = await opened(folder);
    const changes = await runChanges(run, reader, { before: { from: 1, to: 2 }, after: { from: 12, to: 12 } });
    expect(changes.unit).toBe("prompt");
    expect(changes.rows.filter(({ scope }) => scope === "source")).toHaveLength(7);
    const { pairs } = await answerPairs(
      run,
      reader,
      { before: { from: 1, to: 2 }, after: { from: 12, to: 12 } },
      { scope: "source", name: "demo_read" },
    );
    expect(pairs.length).toBeGreaterThan(0);
  });
});

/** Every seam of a run is an argument: parts that are passed do the work, and the configured ones do what is left. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Benchmark } from "@v-triune/benchmarks";
import { openSampleSet, writeSamples } from "@v-triune/data-filters";
import type { MetricRecord, MetricSink } from "@v-triune/monitor";
import { ConfigError } from "@v-triune/errors";
import type { AsyncVerifier, RewardSource } from "@v-triune/rewards";
import type { RolloutEngine, SamplingRequest } from "@v-triune/rollouts";
import type { Sample } from "@v-triune/schema";
import type { Verifier } from "@v-triune/verifiers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainingConfig } from "../config/training-config";
import { tinyRun } from "../testing/tiny-run";
import type { TrainingEvent } from "../training-event";
import { earlierEvaluations } from "../evaluation/earlier-evaluations";
import { runTraining } from "./run-training";

const folder = mkdtempSync(join(tmpdir(), "v-triune-seams-"));
let base: TrainingConfig;
beforeAll(async () => {
  base = await tinyRun(folder, "base", 2);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = (name: string, change: Partial<TrainingConfig> = {}): TrainingConfig => ({
  ...base,
  run: { ...base.run, name, folder: join(folder, name) },
  data: { ...base.data, eval: [], sampling: null },
  ...change,
});

/** Keeps what it is given. */
function memorySink() {
  const records: MetricRecord[] = [];
  let closed = 0;
  const sink: MetricSink = {
    name: "memory",
    write: async (batch) => void records.push(...batch),
    close: async () => void (closed += 1),
  };
  const all = (split: MetricRecord["split"], step: number) =>
    records.find((record) => record.scope === "all" && record.split === split && record.step === step)?.metrics;
  return { sink, records, all, timesClosed: () => closed };
}

/** Answers every prompt with the same tokens. */
function parrot(tokens: readonly number[], more: Partial<RolloutEngine> = {}) {
  const requests: SamplingRequest[] = [];
  const engine: RolloutEngine = {
    name: "parrot",
    async *generate(prompts, request) {
      requests.push(request);
      for (const promptIndex of prompts.keys())
        for (let sampleIndex = 0; sampleIndex < request.n; sampleIndex++)
          yield { promptIndex, sampleIndex, tokenIds: Int32Array.from(tokens), finishReason: "stop" };
    },
    ...more,
  };
  return { engine, requests };
}

describe("runTraining", () => {
  it("writes to a passed sink what it writes to metrics.jsonl, and closes it", async () => {
    const { sink, all, timesClosed } = memorySink();
    await runTraining(config("sink"), { sinks: [sink] });
    for (const step of [1, 2]) expect(all("train", step)?.["actor/grad_norm"]).toBeGreaterThan(0);
    expect(timesClosed()).toBe(1);
  });

  it("takes answers from a passed engine, and gives it the weights of each step", async () => {
    const { sink, all } = memorySink();
    const saved: [number, string[]][] = [];
    let closed = false;
    const { engine, requests } = parrot([7, 2], {
      async useWeights({ step, save }) {
        const target = join(folder, `weights-${step}`);
        await save(target);
        saved.push([step, readdirSync(target)]);
      },
      takeMetrics: () => ({ "rollout/parrot": 1 }),
      close: async () => void (closed = true),
    });
    await runTraining(config("engine"), { engine, sinks: [sink] });
    expect(requests).toHaveLength(2);
    expect(requests[0]).toMatchObject({ n: 3, maxNewTokens: 8 });
    expect(saved.map(([step]) => step)).toEqual([0, 1, 2]);
    for (const [, files] of saved) expect(files).toEqual(expect.arrayContaining(["model.safetensors", "config.json"]));
    expect(all("train", 2)).toMatchObject({ "response_length/mean": 2, "rollout/parrot": 1 });
    // Whoever made it closes it.
    expect(closed).toBe(false);
  });

  it("warns of an engine that takes no weights; answers made ahead need one with log-probabilities", async () => {
    const events: TrainingEvent[] = [];
    await runTraining(config("stale"), { engine: parrot([7, 2]).engine, listen: (event) => events.push(event) });
    expect(events).toContainEqual({
      type: "warning",
      message: "parrot takes no weights: its answers are those of other weights than the ones that are trained.",
    });
    const ahead = config("ahead", { rollout: { ...base.rollout, asyncLevel: 1 } });
    await expect(runTraining(ahead, { engine: parrot([7, 2]).engine })).rejects.toThrow(/expected: 0 for parrot/);
  });

  it("makes answers ahead by a passed engine with log-probabilities, and corrects for them", async () => {
    const { sink, all } = memorySink();
    const order: string[] = [];
    const engine: RolloutEngine = {
      name: "guesser",
      givesForeignLogProbs: true,
      async *generate(prompts, { n }) {
        order.push("generate");
        for (const promptIndex of prompts.keys())
          for (let sampleIndex = 0; sampleIndex < n; sampleIndex++)
            yield {
              promptIndex,
              sampleIndex,
              tokenIds: Int32Array.of(7, 2),
              logProbs: Float32Array.of(-5, -5),
              finishReason: "stop",
            };
      },
      useWeights: async ({ step }) => void order.push(`weights ${step}`),
    };
    await runTraining(config("guesses", { rollout: { ...base.rollout, asyncLevel: 1 } }), { engine, sinks: [sink] });
    expect(order).toEqual(["weights 0", "generate", "generate", "weights 1", "weights 2"]);
    expect(all("train", 2)).toHaveProperty("rollout_corr/kl");
  });

  it("judges with a passed reward source", async () => {
    const { sink, all } = memorySink();
    let closed = false;
    const rewards: RewardSource = {
      async *score(requests) {
        let index = 0;
        for await (const { response } of requests)
          yield { index: index++, status: "scored", reward: response.length, accuracy: 1, format: 0, metrics: {} };
      },
      close: async () => void (closed = true),
    };
    await runTraining(config("rewards"), { rewards, sinks: [sink] });
    expect(all("train", 1)!["critic/rewards/mean"]).toBeGreaterThan(1);
    expect(closed).toBe(false);
  });

  it("lets samples name a passed verifier, in one thread and in several", async () => {
    const set = await openSampleSet(base.data.train[0]!.path);
    const rows = (await set.read([...Array(set.length).keys()])) as readonly Sample[];
    set.close();
    const path = join(folder, "own-verifier.parquet");
    await writeSamples(
      path,
      rows.map((row) => ({ ...row, reward_model: { ...row.reward_model, verifier: "length" } })),
      { verifiers: ["length"] },
    );
    const verifier: Verifier = {
      name: "length",
      verify: (response) => ({ status: "scored", accuracy: response.length > 3 ? 1 : 0, format: 0, metrics: {} }),
    };
    for (const workers of [1, 2]) {
      const own = config(`verifier-${workers}`, {
        data: { train: [{ path, weight: 1, cap: null }], eval: [], sampling: null },
        workers,
      });
      const { sink, all } = memorySink();
      await runTraining(own, { verifiers: [verifier], sinks: [sink] });
      expect(all("train", 2)).toMatchObject({ "verdict/scored": 12 });
      await expect(runTraining({ ...own, run: { ...own.run, folder: `${own.run.folder}-without` } })).rejects.toThrow(
        /verifier/,
      );
    }
  });

  it("asks a passed verifier that takes its time, beside the others; its faults are no score, its refusal ends the run", async () => {
    const set = await openSampleSet(base.data.train[0]!.path);
    const rows = (await set.read([...Array(set.length).keys()])) as readonly Sample[];
    set.close();
    const path = join(folder, "own-judge.parquet");
    const judged = rows.map((row, index) =>
      index % 2 === 0 ? row : { ...row, reward_model: { ...row.reward_model, verifier: "slow" } },
    );
    await writeSamples(path, judged, { verifiers: ["slow", "mathverify", "detection"] });
    const own = config("judge", { data: { train: [{ path, weight: 1, cap: null }], eval: [], sampling: null } });
    let asked = 0;
    const slow: AsyncVerifier = {
      name: "slow",
      async verify() {
        await new Promise((resolve) => setTimeout(resolve, 1));
        asked += 1;
        if (asked === 2) return { status: "error", reason: "no reply in time", code: "timeout" };
        if (asked === 3) throw new TypeError("on purpose");
        return { status: "scored", accuracy: 1, format: 1, metrics: { judge_tokens: 5 } };
      },
    };
    const { sink, records } = memorySink();
    await runTraining(own, { asyncVerifiers: [slow], sinks: [sink] });
    expect(asked).toBeGreaterThan(3);
    const all = records.filter(({ scope, split }) => scope === "all" && split === "train");
    const sum = (name: string) => all.reduce((total, { metrics }) => total + (metrics[name] ?? 0), 0);
    expect([sum("verdict/scored"), sum("verdict/error")]).toEqual([22, 2]);
    const reasons = new Set(all.flatMap((record) => Object.keys(record.reasons ?? {})));
    expect([...reasons].sort()).toEqual(["error: crash: TypeError: on purpose", "error: no reply in time"]);
    expect(all.some(({ metrics }) => metrics["verifier/judge_tokens/mean"] === 5)).toBe(true);
    const refusing: AsyncVerifier = {
      name: "slow",
      verify: () => Promise.reject(new ConfigError({ what: "The key is wrong." })),
    };
    const again = { ...own, run: { ...own.run, folder: `${own.run.folder}-refused` } };
    await expect(runTraining(again, { asyncVerifiers: [refusing] })).rejects.toThrow("The key is wrong.");
    const missing = {
      ...again,
      run: { ...own.run, folder: `${own.run.folder}-missing` },
      reward: { ...own.reward, judge: join(folder, "none.json") },
    };
    await expect(runTraining(missing)).rejects.toMatchObject({ name: "ConfigError", where: join(folder, "none.json") });
  });

  it("asks passed benchmarks at each evaluation, besides the evaluation sets and without them", async () => {
    const opened: string[] = [];
    const benchmark: Benchmark = {
      name: "even-or-odd",
      title: "Even or odd",
      domain: "out",
      domainReason: "nothing like it is trained",
      task: "counting",
      metric: "exact match",
      layout: "none",
      async open(where) {
        opened.push(where);
        const items = [1, 2, 3].map((number) => ({
          id: String(number),
          part: "all",
          prompt: `how many ${number}`,
          pictures: async () => [],
          score: () => ({ score: number % 2, vote: null }),
        }));
        return { items, leftOut: {} };
      },
    };
    const alone = memorySink();
    const events: TrainingEvent[] = [];
    const result = await runTraining(config("benchmark"), {
      benchmarks: [{ benchmark, folder: join(folder, "copy"), limit: 2 }],
      sinks: [alone.sink],
      listen: (event) => events.push(event),
    });
    expect(opened).toEqual([join(folder, "copy"), join(folder, "copy")]);
    expect(result.after).toMatchObject({ counts: { "even-or-odd": 2 } });
    expect(alone.all("eval", 2)).toHaveProperty("benchmark/out_of_domain_mean");
    expect(events.filter(({ type }) => type === "evaluated")).toHaveLength(2);

    const beside = memorySink();
    const both = await runTraining(config("both", { data: base.data }), {
      benchmarks: [benchmark],
      sinks: [beside.sink],
    });
    expect(opened.at(-1)).toBe(process.cwd());
    expect(both.after?.benchmarks).toEqual({ "even-or-odd": 2 / 3 });
    expect(Object.keys(both.after?.bySource ?? {})).toHaveLength(7);
    for (const [name, found] of [
      ["benchmark", result],
      ["both", both],
    ] as const)
      expect(await earlierEvaluations(join(folder, name, "metrics.jsonl"))).toEqual([
        { step: 0, scores: found.before },
        { step: 2, scores: found.after },
      ]);
    const ofStep = beside.records.filter(({ split, step }) => split === "eval" && step === 2);
    expect(ofStep.find(({ name }) => name === "even-or-odd")?.metrics["benchmark/score"]).toBeCloseTo(2 / 3);
    expect(ofStep.filter(({ scope }) => scope === "all")).toHaveLength(1);
  });
});

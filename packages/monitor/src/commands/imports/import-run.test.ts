import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RolloutReader } from "../../dashboard/rollouts/rollout-reader";
import { RunView } from "../../dashboard/run-folder/run-view";
import type { MetricRecord } from "../../metric-record";
import { runCommandLine } from "../command-line";
import { foreignRecords, placeOfVerlName } from "./foreign-metrics";

let parent: string;
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), "v-triune-import-"));
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

async function run(...args: string[]): Promise<{ out: string; told: string }> {
  let out = "";
  let told = "";
  await runCommandLine(args, { out: (text) => void (out += text), tell: (text) => void (told += text) });
  return { out, told };
}

let count = 0;
/** Imports a file of the given name and text; what was told, the records, and the run as the dashboard sees it. */
async function imported(name: string, text: string | Buffer, ...args: string[]) {
  const source = join(parent, `source-${(count += 1)}`);
  mkdirSync(source);
  const path = join(source, name);
  writeFileSync(path, text);
  const folder = join(parent, `run-${count}`);
  const { told } = await run("import", path, "-o", folder, ...args);
  const view = new RunView("imported", folder);
  await view.refresh();
  const records = readFileSync(join(folder, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as MetricRecord);
  return { told, records, view, folder, path };
}

const metricsOf = (records: readonly MetricRecord[]) =>
  records.map(({ step, split, name, metrics }) => ({ step, split, name, metrics }));

describe("import", () => {
  it("reads verl's file logger, its NaN and its validation by source", async () => {
    const path = join(parent, "verl.jsonl");
    writeFileSync(
      path,
      `{"step": 1, "data": {"critic/rewards/mean": 0.5, "actor/grad_norm": NaN, ` +
        `"val-core/openai/gsm8k/acc/mean@8": 0.25, "val-core/geo3k/reward/best@4/mean": 0.75, "training/epoch": 0}}\n` +
        `{"step":2,"data":{"critic/rewards/mean":0.625,"actor/grad_norm":null}}\n{"cut`,
    );
    const folder = join(parent, "imported");
    expect((await run("import", path, "-o", folder)).told).toContain(
      "4 records of 2 steps, read as verl's\nNote: 1 lines of the file were not understood and are left out.\n",
    );
    const { out } = await run(
      "query",
      "select step, split, name, metric, value from metrics order by all",
      folder,
      "--format",
      "csv",
    );
    expect(out.split("\n").slice(1)).toEqual([
      "1,eval,geo3k,reward/best@4/mean,0.75",
      "1,eval,openai/gsm8k,acc/mean@8,0.25",
      "1,train,all,actor/grad_norm,NaN",
      "1,train,all,critic/rewards/mean,0.5",
      "1,train,all,training/epoch,0",
      "2,train,all,actor/grad_norm,NaN",
      "2,train,all,critic/rewards/mean,0.625",
      "",
    ]);
    await expect(run("import", path, "-o", folder)).rejects.toThrow(
      /folder exists already[^]*imported[^]*choose another/,
    );
  });

  it("reads a trainer_state.json of TRL under our names", async () => {
    const path = join(parent, "trainer_state.json");
    writeFileSync(
      path,
      JSON.stringify({
        log_history: [
          {
            step: 5,
            epoch: 0.1,
            reward: 0.5,
            reward_std: 0.25,
            kl: 0.01,
            "rewards/accuracy_reward/mean": 0.4,
            "completions/clipped_ratio": 0.125,
            "completions/mean_length": 80,
            num_tokens: 9000,
            policy_loss: -0.5,
            "clip_ratio/region_mean": 0.25,
            "clip_ratio/low_mean": 0.125,
            "rewards/none/mean": null,
          },
          { step: 5, eval_reward: 0.3 },
        ],
      }),
    );
    const folder = join(parent, "trl");
    expect((await run("import", path, "-o", folder)).told).toContain("read as TRL's");
    const [train, evaluation] = readFileSync(join(folder, "metrics.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { split: string; metrics: object });
    expect(train!.metrics).toEqual({
      "critic/rewards/mean": 0.5,
      "critic/rewards/std": 0.25,
      "actor/kl_loss": 0.01,
      "reward/accuracy_reward/mean": 0.4,
      "response_length/clip_ratio": 0.125,
      "response_length/mean": 80,
      "trl/num_tokens": 9000,
      "actor/pg_loss": -0.5,
      "actor/pg_clipfrac": 0.25,
      "trl/clip_ratio/low_mean": 0.125,
    });
    expect(evaluation).toMatchObject({ split: "eval", metrics: { "critic/rewards/mean": 0.3 } });
  });

  it("puts sources and tasks of flat names where they belong, and takes our own records as they are", () => {
    expect(placeOfVerlName("source/CLEVR/critic/rewards/mean")).toEqual({
      split: "train",
      scope: "source",
      name: "CLEVR",
      metric: "critic/rewards/mean",
    });
    expect(placeOfVerlName("val/test_score/openai/gsm8k")).toEqual({
      split: "eval",
      scope: "source",
      name: "openai/gsm8k",
      metric: "critic/rewards/mean",
    });
    expect(placeOfVerlName("timing_s/gen")).toMatchObject({ scope: "all", metric: "timing_s/gen" });
    expect(foreignRecords({ step: 1, split: "train", metrics: {} })).toBeNull();
    expect(foreignRecords("text")).toBeNull();
  });

  it("says what it wants when it understands nothing", async () => {
    const path = join(parent, "other.txt");
    writeFileSync(path, "hello\n");
    await expect(run("import", path, "-o", join(parent, "none"))).rejects.toThrow(
      /no metrics of a known form[^]*other\.txt[^]*file logger/,
    );
  });

  it("says of each path what is wrong with it, and leaves nothing half written", async () => {
    const missing = join(parent, "nope.jsonl");
    await expect(run("import", missing)).rejects.toThrow(/file to import is missing[^]*nope\.jsonl/);
    const empty = join(parent, "empty");
    mkdirSync(empty);
    await expect(run("import", empty, "-o", join(parent, "x"))).rejects.toThrow(/holds no completions[^]*empty/);
    writeFileSync(join(parent, "bad.parquet"), "PAR1 and then nothing");
    await expect(run("import", join(parent, "bad.parquet"), "-o", join(parent, "x"))).rejects.toThrow(
      /Parquet file cannot be read[^]*bad\.parquet/,
    );
    await expect(run("import")).rejects.toThrow(/takes a file of metrics/);
    await expect(imported("utf16.jsonl", Buffer.from("\uFEFF{}", "utf16le"))).rejects.toThrow(/UTF-16[^]*UTF-8/);
    expect(readdirSync(parent).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("reads Python's NaN and infinities in a document and in lines, and leaves texts alone", async () => {
    const state = `{
      "max_steps": 4, "global_step": 4,
      "log_history": [
        {"step": 1, "reward": NaN, "loss": -Infinity, "grad_norm": Infinity, "note": "loss: NaN, skipped"},
        {"step": 4, "reward": 0.5}
      ]
    }`;
    const { records, view } = await imported("trainer_state.json", state);
    expect(metricsOf(records)).toEqual([
      {
        step: 1,
        split: "train",
        name: "all",
        metrics: { "critic/rewards/mean": "NaN", "actor/loss": "-Infinity", "actor/grad_norm": "Infinity" },
      },
      { step: 4, split: "train", name: "all", metrics: { "critic/rewards/mean": 0.5 } },
    ]);
    expect(view.summary()).toMatchObject({ state: "finished", step: 4, steps: 4 });
    const lines =
      '\uFEFF{"step": 1, "data": {"a/b": -Infinity, "c": NaN}, "note": "loss: NaN, or -Infinity"}\r\n' +
      '{"step": 2, "data": {"a/b": 1, "text": ", NaN, "}}\r\n';
    const verl = await imported("verl.jsonl", lines);
    expect(verl.told).not.toContain("Note");
    expect(metricsOf(verl.records).map(({ step, metrics }) => [step, metrics])).toEqual([
      [1, { "a/b": "-Infinity", c: "NaN" }],
      [2, { "a/b": 1 }],
    ]);
  });

  it("takes a run that trained all its steps for finished, another for stopped, and never one for live", async () => {
    const line = (step: number) => JSON.stringify({ step, data: { "critic/rewards/mean": 0.5 } });
    expect((await imported("verl.jsonl", `${line(1)}\n${line(2)}\n`)).view.summary().state).toBe("finished");
    const stopped = JSON.stringify({ max_steps: 100, log_history: [{ step: 40, reward: 0.5 }] });
    expect((await imported("trainer_state.json", stopped)).view.summary()).toMatchObject({
      state: "stopped",
      step: 40,
      steps: 100,
    });
  });

  it("makes one curve of attempts that went back: the later one wins, and the page says so", async () => {
    const line = (step: number, value: number) => JSON.stringify({ step, data: { "critic/rewards/mean": value } });
    const lines = [line(1, 0.1), line(2, 0.2), line(3, 0.3), line(4, 0.4), line(3, 3), line(4, 4), line(5, 5)];
    const { told, records, view } = await imported("verl.jsonl", lines.join("\n"));
    const curve = [0.1, 0.2, 3, 4, 5];
    expect(records.map(({ metrics }) => metrics["critic/rewards/mean"])).toEqual(curve);
    const note = "The run went back to step 3: of steps that were taken twice, the later attempt is shown.";
    expect(told).toContain(`Note: ${note}\n`);
    expect((await view.detail()).notes).toEqual([note]);
    const twice = await imported("verl.jsonl", [line(3, 1), line(1, 2), line(2, 3)].join("\n"));
    expect(twice.records.map(({ step, metrics }) => [step, metrics["critic/rewards/mean"]])).toEqual([
      [1, 2],
      [2, 3],
    ]);
    // The same of a metrics.jsonl that a trainer of ours appended to.
    const folder = join(parent, "appended");
    mkdirSync(folder);
    const own = (step: number, value: number) =>
      `{"step":${step},"split":"train","scope":"all","name":"all","metrics":{"critic/rewards/mean":${value}}}\n`;
    writeFileSync(join(folder, "metrics.jsonl"), [1, 2, 3, 4].map((step) => own(step, step / 10)).join(""));
    const live = new RunView("appended", folder);
    await live.refresh();
    writeFileSync(
      join(folder, "metrics.jsonl"),
      [...[1, 2, 3, 4].map((step) => own(step, step / 10)), own(3, 3), own(4, 4), own(5, 5)].join(""),
    );
    await live.refresh();
    const [series] = live.series([{ split: "train", scope: "all", name: "all" }], ["critic/rewards/mean"], 100);
    expect(series!.values).toEqual(curve);
    expect((await live.detail()).notes[0]).toContain("goes back to step 3");
  });

  it("reads ms-swift's logging.jsonl: steps as 12/100, numbers as text", async () => {
    const lines = [
      {
        loss: "0.0012",
        grad_norm: "0.0712",
        "completions/mean_length": "330.5",
        "completions/clipped_ratio": "0.35",
        reward: "0.7",
        frac_reward_zero_std: "0.6",
        "rewards/GeoQAAccuracy/mean": "0.69",
        "clip_ratio/high_mean": "5e-04",
        "entropy/mean": "0.4",
        "global_step/max_steps": "1/2",
        percentage: "50.00%",
        elapsed_time: "24s",
        "memory(GiB)": 12.5,
      },
      { reward: 0.75, kl: "nan", "global_step/max_steps": "2/2" },
      { eval_reward: "0.5", "global_step/max_steps": "2/2" },
    ];
    const { told, records, view } = await imported(
      "logging.jsonl",
      lines.map((line) => JSON.stringify(line)).join("\n"),
    );
    expect(told).toContain("read as ms-swift's");
    expect(metricsOf(records)).toEqual([
      {
        step: 1,
        split: "train",
        name: "all",
        metrics: {
          "actor/loss": 0.0012,
          "actor/grad_norm": 0.0712,
          "response_length/mean": 330.5,
          "response_length/clip_ratio": 0.35,
          "critic/rewards/mean": 0.7,
          "group/zero_signal_ratio": 0.6,
          "reward/GeoQAAccuracy/mean": 0.69,
          "ms-swift/clip_ratio/high_mean": 0.0005,
          "actor/entropy": 0.4,
          "ms-swift/memory(GiB)": 12.5,
        },
      },
      { step: 2, split: "train", name: "all", metrics: { "critic/rewards/mean": 0.75, "actor/kl_loss": "NaN" } },
      { step: 2, split: "eval", name: "all", metrics: { "critic/rewards/mean": 0.5 } },
    ]);
    expect(view.summary()).toMatchObject({ state: "finished", steps: 2 });
    expect(view.evaluations()).toMatchObject([{ rows: [{ scope: "all", values: [0.5] }] }]);
  });

  it("reads W&B's history as JSON Lines, with the steps of the trainer, and of OpenRLHF", async () => {
    const lines = [
      {
        _step: 0,
        _timestamp: 1_700_000_000.5,
        _runtime: 3,
        "train/global_step": 5,
        "train/reward": 0.5,
        "train/loss": 0.1,
      },
      { _step: 1, _timestamp: 1_700_000_010, "train/global_step": 5, "eval/reward": 0.25 },
      { _step: 2, "train/global_step": 10, "train/reward": 0.75, "train/samples": { _type: "table-file" } },
    ];
    const trl = await imported("history.jsonl", lines.map((line) => JSON.stringify(line)).join("\n"));
    expect(trl.told).toContain("read as TRL's");
    expect(metricsOf(trl.records)).toEqual([
      { step: 5, split: "train", name: "all", metrics: { "critic/rewards/mean": 0.5, "actor/loss": 0.1 } },
      { step: 5, split: "eval", name: "all", metrics: { "critic/rewards/mean": 0.25 } },
      { step: 10, split: "train", name: "all", metrics: { "critic/rewards/mean": 0.75 } },
    ]);
    expect(trl.view.summary().createdAt).toBe("2023-11-14T22:13:20.500Z");
    const open = {
      _step: 7,
      "train/global_step": 3,
      "train/policy_loss": 0.1,
      "train/response_length": 80,
      "train/kl": 0.01,
    };
    const rlhf = await imported("history.jsonl", JSON.stringify({ ...open, "train/return": 0.4, "train/reward": 0.6 }));
    expect(rlhf.told).toContain("read as OpenRLHF's");
    expect(rlhf.records[0]).toMatchObject({
      step: 3,
      metrics: {
        "actor/pg_loss": 0.1,
        "response_length/mean": 80,
        "actor/kl_loss": 0.01,
        "openrlhf/return": 0.4,
        "critic/rewards/mean": 0.6,
      },
    });
  });

  it("reads W&B's CSV: a history, and a chart's export of one run or of a named one", async () => {
    const history = ',_step,critic/rewards/mean,val-core/geo3k/acc/mean@8,note\n0,1,0.5,,"a, b"\n1,2,0.625,0.75,\n';
    const verl = await imported("history.csv", history);
    expect(verl.told).toContain("read as verl's");
    expect(metricsOf(verl.records).map(({ step, split, name, metrics }) => [step, split, name, metrics])).toEqual([
      [1, "train", "all", { "critic/rewards/mean": 0.5 }],
      [2, "train", "all", { "critic/rewards/mean": 0.625 }],
      [2, "eval", "geo3k", { "acc/mean@8": 0.75 }],
    ]);
    const chart =
      '"Step","a - b - critic/rewards/mean","a - b - critic/rewards/mean__MIN","other - critic/rewards/mean"\n' +
      '"1","0.5","0.5","0.1"\n"2","0.75","0.75",""\n';
    await expect(imported("chart.csv", chart)).rejects.toThrow(/several runs[^]*chart\.csv[^]*a - b, other/);
    const chosen = await imported("chart.csv", chart, "--run", "a - b");
    expect(chosen.records.map(({ step, metrics }) => [step, metrics])).toEqual([
      [1, { "critic/rewards/mean": 0.5 }],
      [2, { "critic/rewards/mean": 0.75 }],
    ]);
  });

  it("makes rollouts of TRL's completions, beside its metrics or alone", async () => {
    const completions = join(parent, "out", "completions");
    mkdirSync(completions, { recursive: true });
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    for (const step of [5, 10]) {
      await connection.run(
        `copy (select ${step} as step, 'What is ' || (i // 4) || '?' as prompt, 'It is ' || i || '.' as completion,
           (i % 2)::DOUBLE as accuracy_reward, case when i < 4 then 0.25 else 'nan'::DOUBLE end as format_reward,
           i - 3.5 as advantage, '42' as solution from range(8) t(i))
         to '${join(completions, `completions_${String(step).padStart(5, "0")}.parquet`)}' (format parquet)`,
      );
    }
    connection.closeSync();
    instance.closeSync();
    const state = join(parent, "out", "trainer_state.json");
    writeFileSync(
      state,
      JSON.stringify({
        max_steps: 10,
        log_history: [
          { step: 5, reward: 0.6 },
          { step: 10, reward: 0.7 },
        ],
      }),
    );
    const folder = join(parent, "with-completions");
    expect((await run("import", state, join(parent, "out"), "-o", folder)).told).toContain(
      "2 records of 2 steps, rollouts of 2 steps, read as TRL's",
    );
    const view = new RunView("trl", folder);
    await view.refresh();
    const reader = new RolloutReader();
    const group = await reader.group(view, 10, 1, () => "");
    expect(group).toMatchObject({ prompt: "What is 1?", groundTruth: "42", previous: 0, next: null });
    expect(
      group!.rollouts.map(({ response, reward, advantage, responseTokens, metrics }) => [
        response,
        reward,
        advantage,
        responseTokens,
        metrics,
      ]),
    ).toEqual([
      ["It is 4.", 0, 0.5, null, { accuracy_reward: 0 }],
      ["It is 5.", 1, 1.5, null, { accuracy_reward: 1 }],
      ["It is 6.", 0, 2.5, null, { accuracy_reward: 0 }],
      ["It is 7.", 1, 3.5, null, { accuracy_reward: 1 }],
    ]);
    expect((await reader.list(view, { step: 5 })).rows[0]).toMatchObject({ reward: 0.25, status: "scored" });
    await reader.close();
    const changes = await run("changes", folder, "--json");
    expect(JSON.parse(changes.out)).toMatchObject({ unit: "prompt", steps: { before: 1, after: 1 } });

    const alone = join(parent, "completions-alone");
    await run("import", completions, "-o", alone);
    const records = readFileSync(join(alone, "metrics.jsonl"), "utf8").trim().split("\n");
    expect(JSON.parse(records[0]!)).toEqual({
      step: 5,
      split: "train",
      scope: "all",
      name: "all",
      metrics: {
        "rollouts/count": 8,
        "verdict/scored": 8,
        "group/count": 2,
        "group/zero_signal_ratio": 0,
        "critic/rewards/mean": 0.625,
        "critic/rewards/std": expect.closeTo(
          Math.sqrt((2 * 0.25 ** 2 + 2 * 1.25 ** 2 + 2) / 8 - 0.625 ** 2),
          12,
        ) as number,
      },
    });
  });
});

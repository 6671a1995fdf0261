/** A job for verl: its files always; with a Python that has verl (V_TRIUNE_PYTHON), verl's own reading of them. */
import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { writeSamples } from "@v-triune/data-filters";
import { heldOutQuestions, toSample, writeHeldOutData, writeTrainingData } from "@v-triune/demo-tasks";
import type { Sample } from "@v-triune/schema";
import { resolveTrainingConfig } from "@v-triune/training/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoModelFolder } from "../demo/run-demo";
import { runCommand } from "../testing/run-command";
import { exportVerl } from "./export-verl";
import { verlJob } from "./verl-overrides";

const folder = mkdtempSync(join(tmpdir(), "v-triune-verl-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const job = join(folder, "job");
const configFile = join(folder, "counting.yaml");
async function rows(file: string, sql: string, hive = true): Promise<Record<string, unknown>[]> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  try {
    return (
      await connection.runAndReadAll(`select ${sql} from read_parquet('${file}', hive_partitioning = ${hive})`)
    ).getRowObjectsJson() as Record<string, unknown>[];
  } finally {
    connection.closeSync();
  }
}

beforeAll(async () => {
  await writeTrainingData(join(folder, "train.parquet"), 3, 1);
  await writeHeldOutData(join(folder, "eval.parquet"), 4);
  writeFileSync(
    configFile,
    `model: ${demoModelFolder}\n` +
      `data: {train: [{path: train.parquet, weight: 2, cap: 10}, {path: train.parquet}], eval: eval.parquet}\n` +
      `run: {steps: 20}\nrollout: {promptsPerStep: 8, n: 4, maxNewTokens: 44}\nreward: {formatRatio: 0.5}\n` +
      `evaluation: {samplesPerSource: 2, epsilon: 0.5}\nalgorithm: {perSource: true}\n`,
  );
});

describe("export verl", () => {
  it("writes data, reward function, launch script and page", async () => {
    const { code, out } = await runCommand("export", "verl", configFile, "--set", "run.seed=3", "-o", job);
    expect(code).toBe(0);
    // 10 rows twice, 21 once; 2 of each of seven sources.
    expect(out).toMatch(/^41 rows to train on, 14 to evaluate on/);
    expect(out).toMatch(/Advantages by source/);
    const file = join(job, "data/train.parquet");
    const [first] = await rows(
      file,
      "data_source, prompt, len(images) as pictures, octet_length(images[1].bytes) as bytes, reward_model, extra_info",
    );
    expect(first).toMatchObject({
      pictures: "1",
      reward_model: { style: "rule", format_ratio: 0.5 },
      extra_info: { index: "0", split: "train", image_grid_thw: [["1", "84", "84"]] },
    });
    expect(first!["extra_info"]).toMatchObject({
      reward_model: { verifier: (first!["reward_model"] as { verifier: string }).verifier },
    });
    expect((first!["prompt"] as { role: string; content: string }[])[0]).toMatchObject({
      role: "user",
      content: expect.stringMatching(/^<image>/) as unknown,
    });
    // The prompt pool's sentences are in.
    expect(await rows(file, "count(*) as n, count(*) filter (prompt[1].content like '%\n%' ) as pooled")).toEqual([
      { n: "41", pooled: expect.stringMatching(/^[1-9]/) as unknown },
    ]);
    expect(await rows(file, "count(distinct extra_info.index) as n")).toEqual([{ n: "41" }]);
    const launch = readFileSync(join(job, "launch.sh"), "utf8");
    expect(statSync(join(job, "launch.sh")).mode & 0o111).not.toBe(0);
    expect(launch).toContain('train 2 0.85 "$@"\ntrain 5 0.95 "$@"\ntrain 20 0.99 "$@"\n');
    expect(launch).toContain("actor_rollout_ref.actor.clip_ratio_high=0.28");
    expect(spawnSync("bash", ["-n", join(job, "launch.sh")]).status).toBe(0);
    expect(readFileSync(join(job, "reward.py"), "utf8")).toContain("EVALUATION_EPSILON = 0.5\n");
    expect(readFileSync(join(job, "README.md"), "utf8")).toMatch(/npx v-triune serve[\s\S]*V_TRIUNE_REWARD_URL/);
    expect(existsSync(join(job, "v_triune_reward.py"))).toBe(true);
    await expect(exportVerl({ from: configFile, out: job })).rejects.toThrow("exists already");
  });

  it("writes into and reads from folders whose names look like a glob or a key", async () => {
    const odd = join(folder, "ability=7", "a[1]*{b}");
    await writeTrainingData(join(odd, "train[1].parquet"), 1, 1);
    await writeTrainingData(join(folder, "ability=7", "a1x{b}", "train1.parquet"), 2, 1);
    const own = join(odd, "run.yaml");
    writeFileSync(own, `model: ${demoModelFolder}\ndata: {train: "train[1].parquet"}\nrollout: {promptsPerStep: 7}\n`);
    const { code, out, err } = await runCommand("export", "verl", own, "-o", join(odd, "job"));
    expect([code, err, out]).toEqual([0, "", expect.stringMatching(/^7 rows to train on/) as unknown]);
    const written = join(folder, "ability=7", "written.parquet");
    copyFileSync(join(odd, "job/data/train.parquet"), written);
    expect((await rows(written, "count(*) as n"))[0]).toEqual({ n: "7" });
    // The column of the file, not the key of the folder.
    expect((await rows(written, "count(*) as n, min(ability) as ability", false))[0]).not.toMatchObject({
      ability: "7",
    });
  });

  it("says in verl's words what the configuration says, and what it can't", () => {
    const data = { rows: 100, longestPrompt: 70, model: "m", hasEvaluation: false };
    const of = (input: object) => verlJob(resolveTrainingConfig({ model: "m", data: { train: "d" }, ...input }), data);
    expect(of({ preset: "dapo", reward: { overlong: { buffer: 100 } } }).overrides).toEqual(
      expect.arrayContaining([
        "reward.reward_manager.name=dapo",
        "+reward.reward_kwargs.overlong_buffer_cfg.len=100",
        "algorithm.filter_groups.enable=True",
        "actor_rollout_ref.actor.clip_ratio_c=1000000000",
        "data.max_prompt_length=128",
      ]),
    );
    expect(of({ preset: "dr-grpo" }).overrides).toEqual(
      expect.arrayContaining([
        "algorithm.norm_adv_by_std_in_grpo=False",
        "actor_rollout_ref.actor.loss_agg_mode=seq-mean-token-sum-norm",
        "actor_rollout_ref.actor.loss_scale_factor=2048",
      ]),
    );
    expect(of({ preset: "gspo", algorithm: { kl: { coefficient: 0.01, in: "reward" } } }).overrides).toEqual(
      expect.arrayContaining([
        "actor_rollout_ref.actor.policy_loss.loss_mode=gspo",
        "algorithm.use_kl_in_reward=True",
        "algorithm.kl_ctrl.kl_coef=0.01",
        "actor_rollout_ref.actor.use_kl_loss=False",
      ]),
    );
    expect(of({ model: { path: "m", adapter: { rank: 8 } } }).overrides).toEqual(
      expect.arrayContaining([
        "actor_rollout_ref.model.lora_rank=8",
        'actor_rollout_ref.model.target_modules=\'["q_proj","k_proj","v_proj","o_proj"]\'',
      ]),
    );
    expect(
      of({
        optimizer: { groups: { language: { freeze: true }, vision: { freeze: false } }, schedule: "linear" },
      }).notes.join(" "),
    ).toMatch(/always trains the language model[\s\S]*no linear schedule/);
    expect(of({ optimizer: { groups: { vision: { freeze: true } } } }).notes.join()).toContain("nothing reads it");
    const adapted = { model: { path: "m", adapter: { rank: 8, targetModules: ["gate_proj"] } } };
    const excluded = (frozen: Record<string, { freeze: boolean }>) =>
      of({ ...adapted, optimizer: { groups: frozen } }).overrides.find((text) => text.includes("exclude_modules"));
    expect(excluded({ vision: { freeze: true }, connector: { freeze: true } })).toBe(
      "actor_rollout_ref.model.exclude_modules='.*visual\\..*'",
    );
    const gdpo = of({ algorithm: { advantage: "gdpo", componentWeights: { format: 3 } } });
    expect(gdpo.overrides).toEqual(
      expect.arrayContaining([
        "algorithm.adv_estimator=gdpo",
        "+algorithm.gdpo_reward_keys=[accuracy,format]",
        "+algorithm.gdpo_reward_weights=[1,0.30000000000000004]",
      ]),
    );
    expect(gdpo.notes.join(" ")).toContain("one weight for accuracy and one for format");
    expect(of({ data: { train: "d", sampling: { difficulty: {} } } }).notes.join(" ")).toMatch(/not carried over/);
    const connectorOnly = excluded({ vision: { freeze: false }, connector: { freeze: true } })!;
    const pattern = new RegExp(`^(?:${/'(.*)'/.exec(connectorOnly)![1]!})$`);
    expect(pattern.test("model.visual.deepstack_merger_list.0.linear_fc1")).toBe(true);
    expect(pattern.test("model.visual.blocks.0.mlp.gate_proj")).toBe(false);
    expect(excluded({ vision: { freeze: false }, connector: { freeze: false } })).toBeUndefined();
    expect(of({ reward: { iou: { schedule: [{ until: 1, epsilon: "average" }] } } }).stages).toEqual([
      { until: 135, epsilon: "average" },
    ]);
  });

  it("carries the parameters of answer, and leaves them out where no sample has any", async () => {
    const [{ source, question }] = heldOutQuestions(1) as [ReturnType<typeof heldOutQuestions>[number]];
    const sample = await toSample(source, source, question);
    const { verifier_parm: none } = sample.reward_model;
    const asAnswer = (groundTruth: string, parm: object): Sample => ({
      ...sample,
      reward_model: {
        ...sample.reward_model,
        verifier: "answer",
        ground_truth: groundTruth,
        verifier_parm: { ...none, ...parm },
      },
    });
    const exported = async (name: string, samples: readonly Sample[]) => {
      const data = join(folder, `${name}.parquet`);
      const further = { answerParameters: true, iouSchedules: true };
      await writeSamples(data, samples, { verifiers: ["mathverify", "answer", "detection"], ...further });
      const config = join(folder, `${name}.yaml`);
      writeFileSync(config, `model: ${demoModelFolder}\ndata: {train: ${data}}\nrun: {steps: 2}\n`);
      return runCommand("export", "verl", config, "-o", join(folder, name));
    };
    const parameters = (name: string) =>
      rows(
        join(folder, name, "data/train.parquet"),
        "reward_model.verifier_parm as parm, extra_info.reward_model.verifier_parm as again",
      );
    const samples = [sample, asAnswer("(1, 2)", { type: "tuple" }), asAnswer("B", { choices: ["a cat", "a dog"] })];
    expect((await exported("carried", samples)).code).toBe(0);
    const empty = { type: null, choices: null };
    for (const key of ["parm", "again"])
      expect((await parameters("carried")).map((row) => row[key])).toMatchObject([
        empty,
        { ...empty, type: "tuple" },
        { ...empty, choices: ["a cat", "a dog"] },
      ]);
    expect((await exported("plain", [sample])).code).toBe(0);
    const [plain] = await parameters("plain");
    expect(Object.keys(plain!["parm"] as object)).toEqual(["det_verifier_normalized", "det_reward_ratio"]);
    const boxes = heldOutQuestions(1).find((drawn) => drawn.source === "demo_detect")!;
    const found = await toSample(boxes.source, boxes.source, boxes.question);
    const schedule = { ...found.reward_model.verifier_parm, iou_schedule: [{ until: 1, epsilon: 0.5 }] };
    const refused = await exported("scheduled", [
      { ...found, reward_model: { ...found.reward_model, verifier_parm: schedule } },
    ]);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining("a schedule of its own") as unknown });
    expect(existsSync(join(folder, "scheduled"))).toBe(false);
  });

  it("refuses random weights, and options that mean nothing here", async () => {
    const random = join(folder, "random.yaml");
    writeFileSync(
      random,
      `model: {init: random, config: {}, tokenizer: ${demoModelFolder}}\ndata: {train: train.parquet}\n`,
    );
    expect(await runCommand("export", "verl", random, "-o", join(folder, "x"))).toMatchObject({
      code: 2,
      err: expect.stringContaining("random weights") as unknown,
    });
    const set = ["--set", "reward.iou.schedule=adaptive"] as const;
    const adaptive = await runCommand("export", "verl", configFile, ...set, "-o", join(folder, "x"));
    expect(adaptive).toMatchObject({
      code: 2,
      err: expect.stringContaining("found:    schedule: adaptive") as unknown,
    });
    expect(await runCommand("export", "verl", configFile, "--step", "2", "-o", join(folder, "x"))).toMatchObject({
      code: 2,
    });
    expect(await runCommand("export", "hf", configFile, "--set", "a=b", "-o", join(folder, "x"))).toMatchObject({
      code: 2,
    });
    expect(existsSync(join(folder, "x"))).toBe(false);
  });
});

const python = process.env["V_TRIUNE_PYTHON"] ?? "python3";
const has = (module: string): boolean =>
  spawnSync(python, ["-c", `import importlib.util, sys; sys.exit(importlib.util.find_spec("${module}") is None)`])
    .status === 0;
const ready = ["verl", "torch", "transformers", "datasets", "PIL", "torchvision", "qwen_vl_utils", "aiohttp"].every(
  has,
);

describe.skipIf(!ready)(
  `verl itself (skipped without a Python that has verl 0.9 and qwen-vl-utils: set V_TRIUNE_PYTHON)`,
  () => {
    const environment = { ...process.env, OMP_NUM_THREADS: "1", CUDA_VISIBLE_DEVICES: "", HF_HUB_OFFLINE: "1" };

    it("accepts every override of the launch script", () => {
      const { status, stdout, stderr }: SpawnSyncReturns<string> = spawnSync(join(job, "launch.sh"), ["--cfg", "job"], {
        encoding: "utf8",
        env: { ...environment, PYTHON: python },
      });
      expect(status, stderr.slice(-2000)).toBe(0);
      expect(stdout.match(new RegExp(`${job}/data/train\\.parquet`, "g"))).toHaveLength(3);
      expect(stdout).toMatch(/lr: 1\.0e-06|lr: 1e-06/);
    }, 180_000);

    it("loads the data and scores through the reward server, evaluation at its own threshold", async () => {
      const { startRewardServer } = await import("@v-triune/reward-server");
      const server = await startRewardServer({ port: 0, workers: 1, logLevel: "error" });
      try {
        const child = spawn(
          python,
          [resolve(import.meta.dirname, "../../../../tools/interop/verl_job.py"), job, demoModelFolder, server.url],
          { env: environment },
        );
        let output = "";
        child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
        child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
        await new Promise((done) => child.on("close", done));
        const line = output.split("\n").find((text) => text.startsWith("RESULT "));
        expect(line, output.slice(-3000)).toBeDefined();
        const found = JSON.parse(line!.slice(7)) as Record<
          "train" | "eval",
          {
            rows: number;
            patch_grid: number[][];
            told_size: number[][];
            rewards: { source: string; accuracy: number; scored: number }[];
          }
        >;
        expect(found).toMatchObject({
          train: { rows: 41, index: 0, split: "train", pictures: 1 },
          eval: { rows: 14, split: "eval" },
        });
        // The size that the reward is told is the one that the processor makes.
        const [time = 0, height = 0, width = 0] = found.eval.patch_grid[0]!;
        expect(found.eval.told_size).toEqual([[time, height * 14, width * 14]]);
        for (const { rewards } of Object.values(found)) for (const { scored } of rewards) expect(scored).toBe(1);
        const boxes = found.eval.rewards.filter(({ source }) => /detect|ground/.test(source));
        expect(boxes.length).toBeGreaterThan(0);
        // The gold boxes in pixels, rounded: right at 0.5, and not at the 0.99 that training is told.
        for (const { accuracy } of boxes) expect(accuracy).toBeGreaterThan(0.8);
        for (const { accuracy } of found.eval.rewards.filter(({ source }) => !/detect|ground/.test(source)))
          expect(accuracy).toBe(1);
      } finally {
        await server.drain();
      }
    }, 240_000);
  },
);

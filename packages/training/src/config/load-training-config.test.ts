import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BACKEND_ORDER } from "@v-triune/backend";
import { ConfigError } from "@v-triune/errors";
import { loadTrainingConfig, resolveTrainingConfig } from "./load-training-config";
import { keysAt } from "./config-problems";
import { trainingConfigSchema } from "./training-config-schema";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-config-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const minimal = "model: ./model\ndata:\n  train: ./corpus/*.parquet\n";

async function refusal(text: string, overrides: string[] = [], name = "bad.yaml"): Promise<ConfigError> {
  const error: unknown = await loadTrainingConfig(write(name, text), overrides, "/elsewhere").then(
    () => new Error("was accepted"),
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return error as ConfigError;
}

describe("loadTrainingConfig", () => {
  it("fills in the paper's recipe and makes paths absolute", async () => {
    const config = await loadTrainingConfig(write("counting.yaml", minimal), [], "/elsewhere");
    expect(config.model).toEqual({ init: "pretrained", path: join(folder, "model"), adapter: null });
    expect(config.data.train).toEqual([{ path: join(folder, "corpus/*.parquet"), weight: 1, cap: null }]);
    expect(config.run).toEqual({ name: "counting", folder: "/elsewhere/runs/counting", seed: 42, steps: 135 });
    expect(config.rollout).toMatchObject({ promptsPerStep: 1024, n: 8, temperature: 1, topP: 1, maxNewTokens: 2048 });
    expect(config.algorithm).toMatchObject({
      clipLow: 0.2,
      clipHigh: 0.28,
      dualClip: 3,
      aggregation: "token-mean",
      kl: { coefficient: 0 },
    });
    expect(config.update.miniBatch).toBe(1024);
    expect(config.optimizer).toMatchObject({ lr: 1e-6, warmupRatio: 0.05, schedule: "constant" });
    expect(config.optimizer.groups).toEqual({
      vision: { lr: 1e-6, freeze: true },
      connector: { lr: 1e-6, freeze: true },
      language: { lr: 1e-6, freeze: false },
    });
    expect(config.reward.iou.schedule).toEqual([
      { until: 0.1, epsilon: 0.85 },
      { until: 0.25, epsilon: 0.95 },
      { until: 1, epsilon: 0.99 },
    ]);
  });

  it("takes an adapter with the model", async () => {
    const { model } = await loadTrainingConfig(
      write("lora.yaml", "model: {path: ./model, adapter: {rank: 8}}\ndata: {train: d}\n"),
      ["model.adapter.targetModules=[q_proj, v_proj]"],
      folder,
    );
    expect(model).toEqual({
      init: "pretrained",
      path: join(folder, "model"),
      adapter: { rank: 8, alpha: 16, targetModules: ["q_proj", "v_proj"] },
    });
    expect((await refusal("model: {path: m, adapter: {rank: 0}}\ndata: {train: d}\n")).message).toContain("rank");
  });

  it("takes what untrained weights are kept in, and refuses it where nothing would be", async () => {
    const yaml = (model: string, rest = "") => `model: {path: ./model, ${model}}\ndata: {train: d}\n${rest}`;
    const load = async (text: string) => (await loadTrainingConfig(write("dtype.yaml", text), [], folder)).model;
    expect(await load(yaml("dtype: bfloat16"))).toMatchObject({ dtype: "bfloat16" });
    expect(await load(yaml("dtype: float32"))).not.toHaveProperty("dtype");
    expect((await refusal(yaml("dtype: float16"))).message).toContain("bfloat16");
    expect(await load(yaml("dtype: bfloat16", "backend: wasm\n"))).toMatchObject({ dtype: "bfloat16" });
    expect((await refusal(yaml("dtype: bfloat16", "backend: cpu\n"))).message).toContain("backend: wasm");
    const trained = "optimizer: {groups: {vision: {freeze: false}, connector: {freeze: false}}}\n";
    expect((await refusal(yaml("dtype: bfloat16", trained))).message).toContain("here everything is");
    expect(await load(yaml("dtype: bfloat16, adapter: {rank: 8}", trained))).toMatchObject({ dtype: "bfloat16" });
  });

  it("takes one rollout or reward server as it stands, and several with how they are used", async () => {
    const one = await loadTrainingConfig(
      write(
        "server.yaml",
        `${minimal}rollout: {engine: "http://127.0.0.1:8000"}\nreward: {servers: "http://127.0.0.1:9000"}\n`,
      ),
    );
    expect(one.rollout.engine).toMatchObject({
      servers: ["http://127.0.0.1:8000"],
      kind: "auto",
      staleWeights: "error",
      weights: { sync: "auto", folder: null },
    });
    expect(one.reward.servers).toEqual(["http://127.0.0.1:9000"]);
    const two = resolveTrainingConfig(
      {
        model: "m",
        data: { train: "d" },
        rollout: {
          engine: { servers: ["http://a", "http://b"], weights: { folder: "shared", serverFolder: "/mnt/shared" } },
          correction: { rejection: { statistic: "seq_mean_k1", upper: 1.01 } },
        },
      },
      "/x",
    );
    expect(two.rollout.engine).toMatchObject({
      servers: ["http://a", "http://b"],
      weights: { folder: "/x/shared", serverFolder: "/mnt/shared" },
    });
    expect(two.rollout.correction).toEqual({
      importance: "token",
      threshold: 2,
      lower: null,
      normalise: false,
      rejection: { statistic: "seq_mean_k1", upper: 1.01, lower: null },
    });
    expect(
      resolveTrainingConfig(JSON.parse(JSON.stringify(two)) as Parameters<typeof resolveTrainingConfig>[0], "/y"),
    ).toEqual(two);
    expect(() =>
      resolveTrainingConfig({ model: "m", data: { train: "d" }, rollout: { correction: { lower: 3 } } }, "/x"),
    ).toThrow(/upside down[^]*at most rollout.correction.threshold \(2\)/);
  });

  it("gives each loss the clip range and aggregation it is published with", async () => {
    const gspo = await loadTrainingConfig(write("gspo.yaml", `preset: gspo\n${minimal}`), [], folder);
    expect(gspo.algorithm).toMatchObject({
      loss: "gspo",
      clipLow: 3e-4,
      clipHigh: 4e-4,
      aggregation: "seq-mean-token-mean",
      dualClip: null,
    });
    expect(gspo.update.miniBatch).toBe(256);
    const dapo = await loadTrainingConfig(
      write("dapo.yaml", `preset: dapo\n${minimal}`),
      ["rollout.maxNewTokens=100"],
      folder,
    );
    expect(dapo).toMatchObject({
      rollout: { n: 16, dynamicSampling: { enabled: true, maxRounds: 10 } },
      reward: { overlong: { buffer: 20, penalty: 1 } },
      update: { miniBatch: 32 },
    });
    expect((await refusal(`${minimal}algorithm: {loss: sapo, aggregation: token-mean}\n`)).message).toContain(
      "one aggregation only",
    );
    expect((await refusal(`${minimal}reward: {overlong: {buffer: 4000}}\n`)).message).toContain(
      "longer than the limit",
    );
    expect((await refusal(`${minimal}monitor: {alarms: {rules: {reward colapse: false}}}\n`)).message).toMatch(
      /monitor\.alarms\.rules[^]*there is no alarm "reward colapse"/,
    );
    expect((await refusal(`${minimal}monitor: {alarms: {webhook: hooks.example}}\n`)).message).toContain(
      "monitor.alarms.webhook",
    );
    const alone = await loadTrainingConfig(
      write("alone.yaml", `${minimal}rollout: {n: 1}\nalgorithm: {advantage: reinforce++}\n`),
      [],
      folder,
    );
    expect(alone.rollout.n).toBe(1);
  });

  it("reads JSON and TypeScript to the same configuration", async () => {
    const yaml = await loadTrainingConfig(write("same.yaml", minimal), [], folder);
    const json = await loadTrainingConfig(
      write("same.json", JSON.stringify({ model: "./model", data: { train: "./corpus/*.parquet" } })),
      [],
      folder,
    );
    const typescript = await loadTrainingConfig(
      write(
        "same.ts",
        'const path: string = "./model";\nexport default { model: path, data: { train: "./corpus/*.parquet" } };\n',
      ),
      [],
      folder,
    );
    expect(json).toEqual(yaml);
    expect(typescript).toEqual(yaml);
  });

  it("lets a TypeScript file import its own modules, installed packages and what the caller provides", async () => {
    const installed = join(folder, "node_modules/installed");
    mkdirSync(installed, { recursive: true });
    writeFileSync(
      join(installed, "package.json"),
      '{ "name": "installed", "type": "module", "exports": "./index.js" }',
    );
    writeFileSync(join(installed, "index.js"), "export const seed = 7;\n");
    write("own-steps.ts", "export const steps: number = 11;\n");
    const path = write(
      "imports.ts",
      `import { seed } from "installed";
       import { provided } from "provided";
       import { defineTrainingConfig } from "v-triune";
       import { steps } from "./own-steps";
       const data = { train: "./corpus/*.parquet" };
       export default defineTrainingConfig({ model: "./model", data, run: { seed, steps }, rollout: { n: provided } });`,
    );
    const { run, rollout } = await loadTrainingConfig(path, [], folder, { provided: async () => ({ provided: 5 }) });
    expect([run.seed, run.steps, rollout.n]).toEqual([7, 11, 5]);
  });

  it("lets --set win over the file, with paths from the current folder", async () => {
    const config = await loadTrainingConfig(
      write("set.yaml", `${minimal}optimizer: {lr: 1e-3}\n`),
      [
        "optimizer.lr=5e-7",
        "model=./other",
        "rollout.topK=null",
        "data.train=[a.parquet, {path: b.parquet, weight: 2}]",
        "data.train[1].cap=100",
        "run.name=mine",
      ],
      "/elsewhere",
    );
    expect(config.optimizer.lr).toBe(5e-7);
    expect(config.optimizer.groups.language.lr).toBe(5e-7);
    expect(config.model).toEqual({ init: "pretrained", path: "/elsewhere/other", adapter: null });
    expect(config.data.train).toEqual([
      { path: "/elsewhere/a.parquet", weight: 1, cap: null },
      { path: "/elsewhere/b.parquet", weight: 2, cap: 100 },
    ]);
    expect(config.run.folder).toBe("/elsewhere/runs/mine");
  });

  it("finds v-triune.yaml in a folder and names the run after the folder", async () => {
    write("v-triune.yaml", minimal);
    const config = await loadTrainingConfig(folder, [], "/elsewhere");
    expect(config.run.name).toBe(folder.split("/").at(-1));
  });

  it("names the folder where a run's description is given", async () => {
    const description = { format: 1, name: "counting", seed: 1, config: { model: "./model" } };
    const error = await refusal(JSON.stringify(description), [], "run.json");
    expect(error.message).toContain(`name the folder: ${folder}`);
  });

  it("starts from a preset, which the file overrides", async () => {
    const preset = await loadTrainingConfig(
      write("preset.yaml", `preset: v-triune-off-policy\n${minimal}update: {epochs: 2}\n`),
    );
    expect(preset.optimizer.lr).toBe(5e-7);
    expect(preset.update).toMatchObject({ miniBatch: 128, epochs: 2 });
    expect(
      (await loadTrainingConfig(join(folder, "preset.yaml"), ["optimizer.lr=1e-5", "preset=dr-grpo"])).algorithm
        .advantage,
    ).toBe("dr-grpo");
  });

  it("accepts what it resolved, unchanged", () => {
    const config = resolveTrainingConfig(
      {
        model: { init: "random", config: { hidden_size: 8 }, tokenizer: "tok" },
        data: { train: ["a", { path: "b", cap: 3 }], eval: "c" },
      },
      "/x",
    );
    expect(resolveTrainingConfig(structuredClone(config) as never, "/y")).toEqual(config);
  });
});

describe("what is refused", () => {
  it("a key that does not exist, with the nearest and the line", async () => {
    const error = await refusal(`${minimal}optimizer:\n  lr: 1e-6\n  weigthDecay: 0.1\n`);
    expect(error.message).toBe(
      [
        'There is no configuration key "optimizer.weigthDecay".',
        `  where:    ${join(folder, "bad.yaml")}:6`,
        "  expected: one of betas, eps, groups, lr, maxGradNorm, schedule, warmupRatio,",
        "            weightDecay",
        '  fix:      did you mean "optimizer.weightDecay"?',
      ].join("\n"),
    );
  });

  it.each([
    ["optimiser: {}\n", [], /no configuration key "optimiser"[\s\S]*did you mean "optimizer"\?/],
    ["optimizer: {lr: -1e-6}\n", [], /"optimizer\.lr" has a value[\s\S]*bad\.yaml:4[\s\S]*positive[\s\S]*-0\.000001/],
    ["", ["optimizer.lr=-1"], /"optimizer\.lr"[\s\S]*where: +--set optimizer\.lr=-1/],
    [
      "optimizer: {groups: {vison: {freeze: false}}}\n",
      [],
      /"optimizer\.groups\.vison"[\s\S]*did you mean "optimizer\.groups\.vision"\?/,
    ],
    [
      "monitor: {trackio: {url: 'http://127.0.0.1:7860/?write_token=abc', project: p}}\n",
      [],
      /run\.json[\s\S]*write_token=\.\.[\s\S]*TRACKIO_WRITE_TOKEN/,
    ],
    ["", ["lr=1e-5"], /no configuration key "lr"[\s\S]*did you mean "optimizer\.lr"\?/],
    ["", ["maxNewTokens=5"], /did you mean "evaluation\.maxNewTokens" or "rollout\.maxNewTokens"\?/],
    ["rollout: {n: '8'}\n", [], /"rollout\.n"[\s\S]*a number[\s\S]*without quotes/],
    ["rollout: {n: 1}\n", [], /group of one/],
    ["rollout: {n: 2.5}\n", [], /"rollout\.n"[\s\S]*an integer/],
    ["optimizer: {schedule: cosin}\n", [], /"optimizer\.schedule"[\s\S]*"constant"[\s\S]*"cosin"/],
    ["optimizer: {betas: [0.9]}\n", [], /"optimizer\.betas"[\s\S]*exactly length 2/],
    ["optimizer: [1]\n", [], /"optimizer" is a list[\s\S]*keys with values: betas/],
    ["optimizer: 3\n", [], /"optimizer"[\s\S]*an object[\s\S]*3/],
    ["update: {miniBatch: 100}\n", [], /equal mini-batches[\s\S]*divisor of rollout\.promptsPerStep \(1024\)/],
    ["optimizer: {groups: {language: {freeze: true}}}\n", [], /Nothing is left to train/],
    ["reward: {iou: {schedule: [{until: 0.5, epsilon: 0.5}]}}\n", [], /schedule ends before/],
    ["reward: {iou: {schedule: [{until: 0.5, epsilon: 0.5}, {until: 0.2, epsilon: 0.5}]}}\n", [], /out of order/],
    ["reward: {iou: {schedule: [{until: 1, epsilon: dynamic}]}}\n", [], /epsilon"[\s\S]*"average"/],
    ["reward: {iou: {schedule: adaptiv}}\n", [], /"reward\.iou\.schedule"[\s\S]*"adaptive"[\s\S]*"adaptiv"/],
    ["reward: {iou: {schedule: adaptive, window: 0}}\n", [], /"reward\.iou\.window"[\s\S]*at least 1/],
    [
      "reward: {iou: {schedule: adaptive, start: 0.9}}\n",
      [],
      /reward\.iou\.target: from start \(0\.9\) to 1[\s\S]*0\.8/,
    ],
    ["reward: {iou: {schedule: adaptive, windw: 3}}\n", [], /did you mean "reward\.iou\.window"/],
    [
      "reward: {iou: {schedule: adaptive, stages: [{from: 0.2, rise: 0.1, accuracy: 1, deviation: 1}]}}\n",
      [],
      /a first stage with from: 0/,
    ],
    ["reward: {iou: {schedule: [{until: 1, epsilon: 0.5}], window: 3}}\n", [], /only with schedule: adaptive/],
    [
      "reward: {iou: {schedule: adaptive, bySource: {a: {schedule: [{until: 0.5, epsilon: 0.5}]}}}}\n",
      [],
      /reward\.iou\.bySource\.a\.schedule\[0\]\.until: 1 in the last stage/,
    ],
    [
      "algorithm: {advantage: gdpo, componentWeights: {formt: 1}}\n",
      [],
      /did you mean "algorithm\.componentWeights\.format"/,
    ],
    ["algorithm: {componentWeights: {format: 1}}\n", [], /null unless algorithm\.advantage is gdpo/],
    ["algorithm: {advantage: gdpo, componentWeights: {accuracy: 0, format: 0}}\n", [], /Neither accuracy nor format/],
    ["algorithm: {advantage: gdpo, kl: {coefficient: 0.1, in: reward}}\n", [], /the KL is not a component/],
    ["algorithm: {distillation: {}}\n", [], /"algorithm\.distillation\.teacher"/],
    ["algorithm: {distillation: {teacher: t, weigth: 1}}\n", [], /did you mean "algorithm\.distillation\.weight"/],
    [
      "algorithm: {distillation: {teacher: t}}\nrollout: {dynamicSampling: {enabled: true}}\n",
      [],
      /no groups to look at[\s\S]*rollout\.dynamicSampling\.enabled/,
    ],
    ["algorithm: {distillation: {teacher: t, rewards: true}}\nrollout: {n: 1}\n", [], /group of one/],
    ["backend: cuda\n", [], /"backend"[\s\S]*"wasm"[\s\S]*"cuda"/],
    ["evaluation: {n: 4}\n", [], /greedy answers/],
    ["algorithm: {clipLow: 0.3, clipHigh: 0.2}\n", [], /upside down/],
    ["", ["data.sampling.difficulty.band=[0.7, 0.3]"], /upside down[^]*\[0\.3, 0\.7\]/],
    ["", ["data.sampling.difficulty.band=[0.5, 0.5]"], /upside down/],
    ["", ["data.sampling.difficulty.band=[0.5, 1.5]"], /"data\.sampling\.difficulty\.band/],
    ["", ["data.sampling.difficulty.flor=0.1"], /did you mean "data\.sampling\.difficulty\.floor"/],
    ["", ["data.sampling.difficulty.decay=1"], /decay/],
    ["", ["data.sampling={}"], /difficulty/],
  ])("%s %s", async (text, overrides, message) => {
    expect((await refusal(minimal + text, overrides)).message).toMatch(message);
  });

  it("a missing file, a folder without a configuration, an unknown format", async () => {
    await expect(loadTrainingConfig(join(folder, "none.yaml"))).rejects.toThrow(/does not exist/);
    await expect(loadTrainingConfig(tmpdir().concat("/"))).rejects.toThrow(/holds no configuration/);
    await expect(loadTrainingConfig(write("a.toml", ""))).rejects.toThrow(/unknown format/);
  });

  it("text that is not YAML, with line and column", async () => {
    expect((await refusal("model: [1, 2\ndata: x\n")).message).toMatch(/not valid YAML[\s\S]*bad\.yaml:\d+:\d+/);
    expect((await refusal("model: a\nmodel: b\n")).message).toMatch(/not valid YAML[\s\S]*bad\.yaml:2/);
    expect((await refusal("- 1\n- 2\n")).message).toMatch(/configuration is a list/);
  });

  it("an empty file and a missing model", async () => {
    expect((await refusal("just text\n")).message).toMatch(/has no keys/);
    expect((await refusal("")).message).toMatch(/"(model|data)" is missing/);
    expect((await refusal("data: {train: x}\n")).message).toMatch(/"model" is missing/);
  });

  it("overrides that can't be read", async () => {
    await expect(loadTrainingConfig(undefined, ["optimizer.lr"])).rejects.toThrow(/no =/);
    await expect(loadTrainingConfig(undefined, ["a..b=1"])).rejects.toThrow(/the key "a..b"/);
    await expect(loadTrainingConfig(undefined, ["a={"])).rejects.toThrow(/can't be read/);
  });

  it("a module that throws, with its reason", async () => {
    const path = write("broken.ts", 'throw new Error("no such thing");\n');
    await expect(loadTrainingConfig(path)).rejects.toThrow(/module can't be loaded[\s\S]*no such thing/);
  });
});

it("knows the backends of the backend package", () => {
  for (const backend of ["auto", ...BACKEND_ORDER, "cpu"] as const) {
    expect(resolveTrainingConfig({ model: "m", data: { train: "d" }, backend }).backend).toBe(backend);
  }
});

describe("keysAt", () => {
  it("walks through unions and lists", () => {
    expect(keysAt(trainingConfigSchema, ["data", "train", 0]).sort()).toEqual(["cap", "path", "weight"]);
    expect(keysAt(trainingConfigSchema, ["model"]).sort()).toEqual([
      "adapter",
      "config",
      "dtype",
      "init",
      "path",
      "tokenizer",
    ]);
    expect(keysAt(trainingConfigSchema, ["monitor", "mlflow"]).sort()).toEqual(["experiment", "url"]);
  });
});

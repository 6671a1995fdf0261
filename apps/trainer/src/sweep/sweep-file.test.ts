import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packageRoot } from "../package-root";
import { demoVariables, writeDemoBase } from "./demo-base";
import { readSweepFile } from "./sweep-file";
import { caseName, planSweep } from "./sweep-plan";
import { writeZoomBase } from "./zoom-base";

const folder = mkdtempSync(join(tmpdir(), "v-triune-sweep-file-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const base = join(folder, "base.yaml");
writeFileSync(base, "model: ./model\ndata: {train: ./train.parquet}\nrollout: {promptsPerStep: 8}\n");

function sweepFile(text: string): string {
  const path = join(folder, "sweep.yaml");
  writeFileSync(path, text);
  return path;
}
const plan = async (text: string, overrides: string[] = [], variables = {}) =>
  planSweep(readSweepFile(sweepFile(text), overrides), base, join(folder, "out"), variables, "/elsewhere");

describe("a sweep's file", () => {
  it("makes each combination once per seed; paths start at the file's folder, those of overrides at the current", async () => {
    const text =
      "base: ./base.yaml\nset: {run.steps: 7, data.eval: held.parquet}\ngrid:\n  optimizer.lr: [1e-6, 2e-6]\n" +
      "  frozen:\n    llm: {optimizer.groups.language.freeze: true, optimizer.groups.vision.freeze: false}\n" +
      "    vit: {}\nseeds: [1, 5]\n";
    const runs = await plan(text, ["rollout.n=4", "promptPool.file=pool.yaml"]);
    expect(runs.map(({ name }) => name)).toEqual(
      ["lr-0.000001_llm", "lr-0.000001_vit", "lr-0.000002_llm", "lr-0.000002_vit"].flatMap((name) => [
        `${name}_seed-1`,
        `${name}_seed-5`,
      ]),
    );
    const { config, cases } = runs[2]!;
    expect(cases).toEqual({ "optimizer.lr": "0.000001", frozen: "vit" });
    expect(config).toMatchObject({
      run: {
        steps: 7,
        seed: 1,
        name: "lr-0.000001_vit_seed-1",
        folder: join(folder, "out/runs/lr-0.000001_vit_seed-1"),
      },
      rollout: { n: 4, promptsPerStep: 8 },
    });
    expect(config.data.eval[0]?.path).toBe(join(folder, "held.parquet"));
    expect(config.promptPool.file).toBe("/elsewhere/pool.yaml");
    expect(runs[0]?.config.optimizer.groups).toMatchObject({
      vision: { lr: 1e-6, freeze: false },
      language: { freeze: true },
    });
  });

  it("lets an override replace an axis, keep some of its cases, or set a variable", async () => {
    const text =
      "base: base.yaml\nvariables: {corpus: a, prompts: 4}\ngrid:\n  optimizer.lr: [1e-6]\n  mix:\n" +
      "    both: {data.train: '${corpus}/*.parquet'}\n" +
      "    some: {data.train: ['${corpus}/x.parquet', '${where}/y'], rollout.promptsPerStep: '${prompts}'}\n";
    const runs = await plan(text, ["optimizer.lr=[1e-5,3e-5]", "mix=[some]", "corpus=/data", "prompts=16"], {
      where: "${corpus}/deep",
    });
    expect(runs.map(({ name }) => name)).toEqual(["lr-0.00001_some_seed-1", "lr-0.00003_some_seed-1"]);
    expect(runs[0]?.config.data.train.map(({ path }) => path)).toEqual(["/data/x.parquet", "/data/deep/y"]);
    expect(runs[0]?.config.rollout.promptsPerStep).toBe(16);
  });

  it.each([
    ["base: b\n", /another shape[\s\S]*grid/],
    ["base: b\ngrid: {x: []}\n", /"x" has no values/],
    ["base: b\ngrid: {x: [1, 1]}\n", /a value twice/],
    ["base: b\ngrid: {data.train: [[a], [b]]}\n", /without a short name[\s\S]*train:\s+\{some-label/],
    ["base: b\ngrid: {optimizer.lr: [1]}\nset: {run.seed: 3}\n", /run\.seed itself/],
    ["base: b\ngrid: {run.name: [a]}\n", /run\.name itself/],
    ["base: b\ngrid: {optimizer.lr: [1]}\nseeds: [1, 1]\n", /a seed twice/],
    ["base: b\ngrid: {optimizer.lr: [1]}\nname: a/b\n", /can't be a folder/],
    ["base: [\n", /can't be read/],
    ["base: base.yaml\ngrid: {optimizer.lr: ['${x}']}\n", /no variable "x"/],
    ["base: base.yaml\nvariables: {x: '${y}', y: '${x}'}\ngrid: {optimizer.lr: ['${x}']}\n", /circle/],
    ["base: base.yaml\ngrid: {optimizer.lrr: [1]}\n", /did you mean "optimizer\.lr"/],
    ["base: base.yaml\ngrid: {a: {one: {optimizer.lr: 1}}, b: {one: {}}, c: {one_one: {}, one: {}}}\n", undefined],
  ])("refuses what it can't use: %s", async (text, message) => {
    if (message === undefined) await expect(plan(text)).resolves.toHaveLength(2);
    else await expect(plan(text)).rejects.toThrow(message);
  });

  it("refuses an unknown case, an own key from the command line, a missing file", () => {
    const path = sweepFile("base: b\ngrid: {mix: {a: {}, b: {}}}\n");
    expect(() => readSweepFile(path, ["mix=[c]"])).toThrow(/no case "c"[\s\S]*a, b/);
    expect(() => readSweepFile(path, ["run.folder=x"])).toThrow(/run\.folder itself/);
    expect(() => readSweepFile("nowhere.yaml")).toThrow(/does not exist[\s\S]*freeze/);
  });
});

describe("the sweeps that come with the program", () => {
  const names = readdirSync(join(packageRoot, "ablations"));

  it("are the paper's five and eight of our own", () =>
    expect(names).toEqual([
      "adaptive-iou.yaml",
      "difficulty-sampling.yaml",
      "distillation.yaml",
      "freeze.yaml",
      "gdpo.yaml",
      "learning-rate.yaml",
      "look-at.yaml",
      "on-off-policy.yaml",
      "reward-design.yaml",
      "rl-zero.yaml",
      "task-mix.yaml",
      "unified.yaml",
      "zoom.yaml",
    ]));

  it.each(names)("%s plans on the demonstration's data with three seeds", async (name) => {
    const sweep = readSweepFile(`ablations/${name}`, [], "/elsewhere");
    const demo = join(folder, sweep.base);
    // Planning reads no pictures: files that are there are not drawn.
    if (sweep.base === "demo-zoom") {
      mkdirSync(demo, { recursive: true });
      for (const data of ["train", "held-out"]) writeFileSync(join(demo, `${data}.parquet`), "");
    }
    const runs = await planSweep(
      sweep,
      await (sweep.base === "demo-zoom" ? writeZoomBase : writeDemoBase)(demo),
      join(folder, "out"),
      demoVariables(demo),
      folder,
    );
    const cases = new Set(runs.map((run) => caseName(run.cases)));
    expect(runs).toHaveLength(3 * cases.size);
    // What is varied differs, everything else is the same.
    const varied = (index: number) => JSON.stringify({ ...runs[index]?.config, run: null });
    expect(new Set(runs.map((_, index) => varied(index))).size).toBe(cases.size);
    expect(varied(0)).toBe(varied(1));
  });
});

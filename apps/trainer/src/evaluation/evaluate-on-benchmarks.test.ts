/** Benchmarks and the watching evaluation on a real run: a tiny model, real pictures, the command itself. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTraining } from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readRecords } from "../testing/read-records";
import { runCommand } from "../testing/run-command";
import { tinyTurnsRun } from "../testing/tiny-turns-run";
import type { CheckpointEvaluation } from "./evaluate-checkpoint";
import { watchRun } from "./watch-run";

const folder = mkdtempSync(join(tmpdir(), "v-triune-bench-"));
const run = join(folder, "run");
const bench = join(folder, "bench.yaml");
let config: TrainingConfig;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const records = (file: string) => readRecords(join(run, file));

beforeAll(async () => {
  config = {
    ...(await tinyTurnsRun(folder, "run", 2)),
    strict: false,
    checkpoint: { every: 1, keep: null, keepBest: null },
  };
  const picture = await sharp({ create: { width: 84, height: 84, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  mkdirSync(join(folder, "coco/annotations"), { recursive: true });
  mkdirSync(join(folder, "coco/val2017"));
  mkdirSync(join(folder, "screens/annotations"), { recursive: true });
  mkdirSync(join(folder, "screens/images"));
  for (const path of ["coco/val2017/1.png", "coco/val2017/2.png", "screens/images/a.png"])
    writeFileSync(join(folder, path), picture);
  const images = [1, 2, 3].map((id) => ({ id, file_name: `${id}.png`, width: 84, height: 84 }));
  const annotations = images.map(({ id }) => ({
    id,
    image_id: id,
    category_id: 1,
    bbox: [0, 0, 20, 20],
    area: 400,
    iscrowd: 0,
  }));
  writeFileSync(
    join(folder, "coco/annotations/instances_val2017.json"),
    JSON.stringify({ images, annotations, categories: [{ id: 1, name: "disk" }] }),
  );
  writeFileSync(
    join(folder, "screens/annotations/x.json"),
    JSON.stringify([
      {
        id: "x",
        img_filename: "a.png",
        bbox: [0, 0, 84, 84],
        instruction: "press",
        ui_type: "text",
        img_size: [84, 84],
      },
    ]),
  );
  writeFileSync(bench, "benchmarks:\n  coco-single: ./coco\n  screenspot-pro: {path: ./screens, limit: 5}\n");
  await runTraining(config);
});

describe("eval --benchmarks", () => {
  it("keeps what is trained for and what is not apart, leaves out a missing picture, and repeats itself", async () => {
    const { code, out } = await runCommand("eval", run, "--benchmarks", bench, "--step", "2");
    expect(code).toBe(0);
    for (const line of out
      .slice(out.indexOf("Step 2"))
      .split("\n")
      .filter((text) => !text.startsWith("Records")))
      expect(line.length, line).toBeLessThanOrEqual(80);
    expect(out).toMatch(
      /Step 2\n {2}in-domain +questions +left out +score\n {2}coco-single +2 +1 +0\.0000\n {2}mean[\s\S]*out-of-domain[\s\S]*screenspot-pro +1 +0 /,
    );
    expect(out).toMatch(/Rows left out \(1\)[\s\S]*3\.png/);
    const first = records("eval-benchmarks.jsonl");
    expect(first.map(({ scope, name }) => `${scope} ${name}`)).toEqual([
      "source coco-single",
      "source screenspot-pro",
      "all all",
    ]);
    expect(first[0]).toMatchObject({
      step: 2,
      split: "eval",
      task: "detection",
      metrics: {
        "samples/count": 2,
        "benchmark/score": 0,
        "benchmark/in_domain": 1,
        "benchmark/dataset_ap": 0,
        "acc/mean@1": 0,
      },
    });
    expect(first[1]!.metrics["benchmark/in_domain"]).toBe(0);
    // Asked with the turns of the run.
    for (const { metrics } of first.slice(0, 2)) expect(metrics).toHaveProperty(["turns/mean"]);
    expect(first[2]!.metrics).toMatchObject({
      "benchmark/in_domain_mean": 0,
      "benchmark/out_of_domain_mean": expect.any(Number) as number,
      "acc/source_mean@1": expect.any(Number) as number,
    });
    await runCommand("eval", run, "--benchmarks", bench, "--step", "2");
    expect(records("eval-benchmarks.jsonl")).toEqual(first);
  });

  it("says what is wrong with the file", async () => {
    const odd = (text: string) => {
      writeFileSync(join(folder, "odd.yaml"), text);
      return runCommand("eval", run, "--benchmarks", join(folder, "odd.yaml"));
    };
    expect(await odd("benchmarks: {cocosingle: x}\n")).toMatchObject({
      code: 2,
      err: expect.stringMatching(/no benchmark "cocosingle"[\s\S]*did you mean "coco-single"/),
    });
    expect(await odd("benchmarks: {mmmu: {folder: x}}\n")).toMatchObject({
      code: 2,
      err: expect.stringContaining("another shape"),
    });
    expect(await odd("benchmarks: {mmmu: ./screens}\n")).toMatchObject({
      code: 2,
      err: expect.stringMatching(/not a copy of MMMU[\s\S]*validation-\*\.parquet[\s\S]*annotations, images/),
    });
    expect(await runCommand("eval", run, "--benchmarks", join(folder, "nowhere.yaml"))).toMatchObject({
      code: 2,
      err: expect.stringContaining("does not exist"),
    });
    expect(await runCommand("eval", run, "--benchmarks", bench, "--data", "x")).toMatchObject({ code: 2 });
    expect(await runCommand("eval", run, "--watch", "--step", "1")).toMatchObject({ code: 2 });
  });
});

describe("eval --watch", () => {
  it("evaluates each checkpoint once and ends with the run", async () => {
    const { code, out, err } = await runCommand("eval", run, "--watch", "--samples", "1", "--name", "watched");
    expect(code).toBe(0);
    expect(out).toMatch(/Step 1\n[\s\S]*Step 2\n/);
    expect(err).toContain("No trainer is at work");
    expect(new Set(records("eval-watched.jsonl").map(({ step }) => step))).toEqual(new Set([1, 2]));
    const again = await runCommand("eval", run, "--watch", "--samples", "1", "--name", "watched");
    expect(again).toMatchObject({ code: 0, out: "" });
  });

  it("follows a run that is going on, and refuses a damaged checkpoint", async () => {
    const live = {
      ...config,
      run: { ...config.run, folder: join(folder, "live"), name: "live" },
      data: { ...config.data, eval: [] },
    };
    const seen: CheckpointEvaluation[] = [];
    let watching: Promise<number[]> | undefined;
    await runTraining(live, {
      listen: ({ type }) => {
        if (type === "saved")
          watching ??= watchRun({
            folder: live.run.folder,
            data: [join(folder, "eval.parquet")],
            samplesPerSource: 1,
            every: 0.05,
            onEvaluation: (one) => seen.push(one),
            onNote: () => {},
          });
      },
    });
    expect(await watching).toEqual([1, 2]);
    expect(seen.map(({ step }) => step)).toEqual([1, 2]);
    writeFileSync(join(live.run.folder, "checkpoints/step-000002/model.safetensors"), "x");
    await expect(
      watchRun({
        folder: live.run.folder,
        data: [join(folder, "eval.parquet")],
        name: "again",
        samplesPerSource: 1,
        onEvaluation: () => {},
        onNote: () => {},
      }),
    ).rejects.toThrow(/damaged/);
    const controller = new AbortController();
    controller.abort();
    expect(
      await watchRun({ folder: live.run.folder, signal: controller.signal, onEvaluation: () => {}, onNote: () => {} }),
    ).toEqual([]);
  });
});

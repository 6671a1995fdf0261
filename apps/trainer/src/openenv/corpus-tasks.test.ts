import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSamples } from "@v-triune/data-filters";
import { heldOutQuestions, toSample, writeHeldOutData, writeTrainingData } from "@v-triune/demo-tasks";
import type { TaskPart, TaskSet } from "@v-triune/reward-server";
import type { Sample } from "@v-triune/schema";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../testing/run-command";
import { openCorpusTasks } from "./corpus-tasks";

const folder = mkdtempSync(join(tmpdir(), "v-triune-openenv-"));
const corpus = join(folder, "corpus");
const verifiers = ["mathverify", "detection"];
let tasks: TaskSet;
beforeAll(async () => {
  mkdirSync(corpus);
  await writeHeldOutData(join(corpus, "test_math_demo_14.parquet"), 2);
  await writeTrainingData(join(corpus, "train_math_demo_28.parquet"), 4, 1);
  tasks = await openCorpusTasks(corpus, { verifiers });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("openCorpusTasks", () => {
  it("makes splits of the file names, train first", () => {
    expect(tasks.splits).toEqual([
      { name: "train", count: 28 },
      { name: "test", count: 14 },
    ]);
    expect(tasks.sourceOf("train", 0)).toBe("demo_count");
    expect(tasks.description).toContain("42 tasks from demo_chart, demo_count");
  });

  it("has the pictures in their places, and the reward apart from what is asked", async () => {
    const task = await tasks.read("train", 0);
    const [message] = task.messages;
    const [picture, question] = message!.content as TaskPart[];
    expect(picture).toMatchObject({ image_url: { url: expect.stringMatching(/^data:image\/png;base64,iVBOR/) } });
    expect(question).toEqual({ type: "text", text: "How many circles are there?" });
    expect(task.reward).toMatchObject({ verifier: "mathverify", sample: { groundTruth: "\\boxed{5}" } });
    expect(JSON.stringify(task.messages)).not.toContain("boxed");
  });

  it("names the convention of boxes for answers", async () => {
    const named = await openCorpusTasks(corpus, { verifiers, boxes: { override: "thousandths", model: undefined } });
    expect((await named.read("train", 1)).reward.sample.params).toMatchObject({ boxes: "thousandths" });
  });

  it("says what is wrong with a row, in one line", async () => {
    const [{ source, question }] = heldOutQuestions(1) as [ReturnType<typeof heldOutQuestions>[number]];
    const sample = await toSample(source, source, question);
    const rows: Sample[] = [
      { ...sample, images: [{ bytes: null, path: "/nowhere/picture.png" }] },
      { ...sample, reward_model: { ...sample.reward_model, verifier: "my-own" } },
    ];
    const file = join(folder, "bad.parquet");
    const all = [...verifiers, "my-own"];
    await writeSamples(file, rows, { verifiers: all, tags: false });
    const bad = await openCorpusTasks(file, { verifiers });
    expect(bad.splits).toEqual([{ name: "train", count: 2 }]);
    await expect(bad.read("train", 0)).rejects.toThrow(/^task 0 of train: .*nowhere\/picture\.png/);
    await expect(bad.read("train", 1)).rejects.toThrow(/row 1.*my-own/);
    expect((await (await openCorpusTasks(file, { verifiers: all })).read("train", 1)).reward.verifier).toBe("my-own");
  });
});

describe("v-triune serve --openenv", () => {
  it.each<[string[], string]>([
    [["--max-sessions", "4"], "--max-sessions is for a server with tasks."],
    [["--openenv", "x", "--max-sessions", "0"], "a whole number of at least 1"],
    [["--openenv", join(folder, "nowhere"), "--port", "0", "--log-level", "silent"], "nowhere"],
    [["--openenv", corpus, "--compat", "original", "--port", "0"], "--compat none"],
  ])("refuses %j", async (args, text) => {
    const { code, err } = await runCommand("serve", ...args);
    expect(code).toBe(2);
    expect(err).toContain(text);
  });
});

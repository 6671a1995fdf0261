import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSamples } from "@v-triune/data-filters";
import { demoSourceNames, drawQuestion, toSample } from "@v-triune/demo-tasks";
import { createRandom } from "@v-triune/rollouts";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCommandLine } from "../run-command-line";

let folder: string;

/** A corpus of the demonstration's sources, and an OVDEval that has the picture of one of its samples, smaller and as JPEG. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "contamination-command-"));
  const random = createRandom(3, 1);
  const samples = await Promise.all(
    demoSourceNames.map((source, i) => toSample(source, `${i}`, drawQuestion(source, random, new Set()))),
  );
  mkdirSync(join(folder, "corpus"));
  await writeSamples(join(folder, "corpus/train_demo_7.parquet"), samples);
  const picture = samples[2]!.images[0]!.bytes!;
  const { width, height } = await sharp(picture).metadata();
  mkdirSync(join(folder, "ovdeval/color"), { recursive: true });
  writeFileSync(
    join(folder, "ovdeval/color/1.jpg"),
    await sharp(picture)
      .resize(Math.round(width! * 0.7))
      .jpeg({ quality: 60 })
      .toBuffer(),
  );
  writeFileSync(
    join(folder, "ovdeval/color.json"),
    JSON.stringify({
      images: [{ id: 1, file_name: "1.jpg", width, height, text: ["red circle"] }],
      categories: [{ id: 1, name: "red circle" }],
      annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 1, 5, 5], area: 25 }],
    }),
  );
  writeFileSync(join(folder, "bench.yaml"), "benchmarks: {ovdeval: ./ovdeval}\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(...args: string[]) {
  let out = "";
  let err = "";
  const code = await runCommandLine(args, { out: (text) => void (out += text), err: (text) => void (err += text) });
  return { out, err, code };
}

it("finds a benchmark's picture in a corpus of others, and curate drops its row", async () => {
  const [corpus, bench, hits] = [join(folder, "corpus"), join(folder, "bench.yaml"), join(folder, "hits.parquet")];
  const found = await run("contamination", corpus, "--benchmarks", bench, "-o", hits);
  expect(found.err).toBe("");
  expect(found.out).toMatch(/ovdeval +1 +1 +0 +1 +1/);
  expect(found.out).toContain("1 of 7 rows have a text or a picture of a benchmark.");
  expect(found.out).toContain(`${demoSourceNames[2]}/2 shows the picture of\n  ovdeval/`);
  for (const line of found.out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  expect(existsSync(hits)).toBe(true);
  const json = await run("contamination", corpus, "--benchmarks", bench, "--no-pictures", "--json");
  expect(JSON.parse(json.out)).toMatchObject({ read: 7, rows: 0, benchmarks: [{ name: "ovdeval", questions: 1 }] });

  writeFileSync(
    join(folder, "corpus.yaml"),
    "sources:\n  - {source: verl, path: corpus, settings: {task: counting, name: demo}}\nrules: []\ndecontaminate: {benchmarks: bench.yaml}\noutput: clean\n",
  );
  const curated = await run("curate", join(folder, "corpus.yaml"));
  expect(curated.out).toMatch(/demo +counting +7 +6 +86 % contaminated 1/);
  const report = JSON.parse(readFileSync(join(folder, "clean/report.json"), "utf8")) as unknown;
  expect(report).toMatchObject({ contamination: { rows: 1, benchmarks: [{ name: "ovdeval", rowsByPicture: 1 }] } });
});

it("says which file or folder is missing", async () => {
  const corpus = join(folder, "corpus");
  expect(await run("contamination", corpus)).toMatchObject({
    code: 2,
    err: expect.stringContaining("needs --benchmarks"),
  });
  expect((await run("contamination", corpus, "--benchmarks", join(folder, "none.yaml"))).err).toContain(
    "The benchmark file does not exist",
  );
  writeFileSync(join(folder, "lost.yaml"), "benchmarks: {ovdeval: ./lost}\n");
  const lost = await run("contamination", corpus, "--benchmarks", join(folder, "lost.yaml"));
  expect(lost).toMatchObject({ code: 2, out: "" });
  expect(lost.err).toContain("OVDEval");
  expect((await run("contamination", join(folder, "nowhere"), "--benchmarks", join(folder, "bench.yaml"))).code).toBe(
    2,
  );
});

/** Every folder of the real samples in one run: a golden table of rows in, dropped by rule and kept. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { sourceInfo } from "@v-triune/schema";
import { curate } from "./curate/curate";
import { readSamples } from "./samples/read-samples";

const realdata = resolve(import.meta.dirname, "../../../../shared/realdata");
const there = existsSync(realdata);
if (!there) console.warn("skipped: curation of real samples, which are not beside this checkout (../shared/realdata)");

const root = mkdtempSync(join(tmpdir(), "real-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const FOLDERS: readonly (readonly [source: string, folder: string])[] = [
  ["geometry3k", "geometry3k"],
  ["mmk12", "mmk12"],
  ["puzzlevqa", "puzzlevqa"],
  ["algopuzzlevqa", "algopuzzlevqa"],
  ["visualpuzzles", "visualpuzzles"],
  ["scienceqa", "scienceqa"],
  ["chartqa", "chartqa"],
  ["chartx", "chartx"],
  ["tablevqa", "tablevqabench"],
  ["coco", "coco"],
  ["clevr", "clevr"],
  ["superclevr", "superclevr_r1v"],
  ["estvqa", "estvqa"],
];

/** Folders that hold no more than the description of a format. */
const WITHOUT_DATA = [
  "mm_math",
  "scivqa",
  "virl39k_science",
  "virl39k_chart",
  "chartqapro",
  "v3det",
  "object365",
  "d3",
  "llava_ov_ocr",
];

describe.skipIf(!there)("curation of real samples", () => {
  it.each(WITHOUT_DATA)("says of the folder of %s, which has no data, what was looked for", async (source) => {
    const path = join(realdata, source.replace(/_(science|chart)$/, ""));
    const run = curate({ sources: [{ source, path }], output: join(root, source) });
    await expect(run).rejects.toMatchObject({
      code: "wrong-layout",
      file: path,
      expected: sourceInfo(source).files.join("; "),
      fix: expect.stringContaining("http"),
    });
  });

  it("gives the golden table, and files that read back", async () => {
    const output = join(root, "out");
    const report = await curate(
      { sources: FOLDERS.map(([source, folder]) => ({ source, path: join(realdata, folder) })), output, seed: 1 },
      { strict: true },
    );
    const table = Object.fromEntries(
      report.sources.map(({ source, read, kept, dropped }) => [
        source,
        [`${read} → ${kept}`, ...dropped.map(({ rule, rows }) => `${rule} ${rows}`)].join(", "),
      ]),
    );
    expect(table).toMatchInlineSnapshot(`
      {
        "algopuzzlevqa": "158 → 81, multiple-choice 9, true-false 9, overlong-query 59",
        "chartqa": "200 → 191, true-false 6, answer-symbols 2, answer-length 1",
        "chartx": "2 → 0, picture-decodes 2",
        "clevr": "227 → 56, count-answer 106, category-balance 65",
        "coco": "76 → 57, has-boxes 4, boxes-per-category 5, box-area 10",
        "estvqa": "75 → 0, has-picture 75",
        "geometry3k": "188 → 187, answer-length 1",
        "mmk12": "150 → 105, answer-symbols 29, answer-length 14, picture-size 2",
        "puzzlevqa": "180 → 180",
        "scienceqa": "157 → 70, has-picture 30, multiple-choice 33, true-false 5, answer-symbols 1, answer-length 18",
        "superclevr": "150 → 0, picture-decodes 150",
        "tablevqa": "164 → 3, multiple-choice 1, true-false 45, answer-symbols 1, answer-length 8, picture-decodes 106",
        "visualpuzzles": "10 → 0, has-picture 10",
      }
    `);
    let samples = 0;
    for await (const sample of readSamples(output, { columns: ["data_source", "images", "prompt", "reward_model"] })) {
      expect(sample.images).toHaveLength(1);
      samples++;
    }
    expect(samples).toBe(report.totals.kept);
  }, 120_000);
});

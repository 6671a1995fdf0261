import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { splitCorpus, testFilesOf, testFilesWarning } from "./train-and-test";

const root = mkdtempSync(join(tmpdir(), "train-and-test-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folderOf(name: string, files: readonly string[]): string {
  const folder = join(root, name);
  mkdirSync(folder);
  for (const file of files) writeFileSync(join(folder, file), "");
  return folder;
}

describe("splitCorpus", () => {
  it.each<[string, string[], string | string[], string | string[] | null]>([
    [
      "curated",
      ["train_math_a_3.parquet", "test_math_a_1.parquet", "ledger.parquet"],
      "train_*.parquet",
      "test_*.parquet",
    ],
    ["verl", ["train.parquet", "test.parquet"], "train.parquet", "test.parquet"],
    [
      "hub",
      ["train-00000-of-00001.parquet", "validation-00000-of-00001.parquet", "test-00000-of-00001.parquet"],
      "train-00000-of-00001.parquet",
      ["test-00000-of-00001.parquet", "validation-00000-of-00001.parquet"],
    ],
    ["own", ["a.parquet", "testimony.parquet", "test_b.parquet"], ["a.parquet", "testimony.parquet"], "test_*.parquet"],
    ["without tests", ["train_math_a_3.parquet", "b.parquet"], "", null],
    ["only tests", ["test_math_a_3.parquet"], "", null],
  ])("of %s", (name, files, train, test) => {
    const folder = folderOf(name, files);
    const paths = (names: string | string[]): string | string[] =>
      typeof names === "string" ? join(folder, names) : names.map((file) => join(folder, file));
    const split = splitCorpus(folder);
    expect(split.eval).toEqual(test === null ? null : paths(test));
    expect(split.train).toEqual(train === "" ? folder : paths(train));
  });
});

it("finds test files in what is trained on", () => {
  const folder = folderOf("mixed [1]", ["train_a.parquet", "test_a.parquet", "test_b.parquet"]);
  expect(testFilesOf(folder)).toHaveLength(2);
  expect(testFilesOf(join(folder, "*.parquet"))).toHaveLength(2);
  expect(testFilesOf(join(folder, "test_a.parquet"))).toHaveLength(1);
  expect(testFilesOf(join(folder, "train_*.parquet"))).toEqual([]);
  expect(testFilesOf(join(root, "nowhere/*.parquet"))).toEqual([]);
  expect(testFilesWarning([join(folder, "train_*.parquet")])).toBeNull();
  expect(testFilesWarning([folder])).toContain("test_a.parquet and 1 more");
});

import { expect, it } from "vitest";
import { recognize } from "./chosen";
import { type CurationFiles, curationFiles, curationProblems, framedReport } from "./curation-files";
import type { NamedFile } from "./file-kind";

const file = (path: string, text = ""): NamedFile => ({ path, blob: new Blob([text]) });
const report = JSON.stringify({ version: 1, files: [{ name: "train_a.parquet" }, { name: "train_b.parquet" }] });
const folder: readonly NamedFile[] = [
  file("out/train_b.parquet"),
  file("out/ledger.parquet"),
  file("out/suspicious-golds.parquet"),
  file("out/report.html"),
  file("out/report.json", report),
  file("out/train_a.parquet"),
  file("out/old/train_c.parquet"),
];
const found = (files: readonly NamedFile[]): CurationFiles => curationFiles(files)!;

it("finds the report and the corpus files of an output folder", async () => {
  const { folder: name, page, corpora } = found(folder);
  expect([name, page?.path]).toEqual(["out", "out/report.html"]);
  expect(corpora.map(({ path }) => path)).toEqual(["out/train_a.parquet", "out/train_b.parquet"]);
  expect(await curationProblems(found(folder))).toEqual([]);
  expect((await recognize(folder)).kind).toBe("curation");
  expect(curationFiles([file("report.json"), file("a.parquet")])).toBeUndefined();
});

it("says what the folder lacks", async () => {
  const less = folder.filter(({ path }) => !/train_b|html/.test(path));
  expect(await curationProblems(found(less))).toEqual([
    "The folder has no report.html: its report cannot be shown.",
    "The report names files that the folder does not have: train_b.parquet.",
  ]);
  const broken = folder.map((one) => (one.path === "out/report.json" ? file(one.path, "{") : one));
  expect(await curationProblems(found(broken))).toEqual([expect.stringMatching(/^report\.json cannot be read: /)]);
});

it("puts its policy before anything of the report's page", () => {
  const policy = /^<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none';[^>]*><html>$/;
  expect(framedReport("<!doctype html><html>")).toMatch(policy);
  expect(framedReport("<script>")).toMatch(/^<meta [^>]*><script>$/);
});

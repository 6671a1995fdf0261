import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { globPattern } from "./glob-pattern";

const root = mkdtempSync(join(tmpdir(), "pattern-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const folder = join(root, "a[1]*{b}");
mkdirSync(folder);
writeFileSync(join(folder, "x[2].parquet"), "");
const exact = join(root, "a[[]1][*]{b}");

it.each([
  ["a file", join(folder, "x[2].parquet"), `${exact}/x[[]2].parquet`],
  ["a folder", folder, `${exact}/**/*.parquet`],
  ["a folder with a slash at its end", `${folder}/`, `${exact}/**/*.parquet`],
  ["a glob in a folder", `${folder}/x*.parquet`, `${exact}/x*.parquet`],
  ["a glob over folders", join(root, "*/x*.parquet"), join(root, "*/x*.parquet")],
  ["a relative glob", "none-*.parquet", "none-*.parquet"],
])("%s", (_, path, pattern) => expect(globPattern(path)).toBe(pattern));

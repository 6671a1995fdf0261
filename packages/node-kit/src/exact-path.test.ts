import { expect, it } from "vitest";
import { exactPath } from "./exact-path";

it.each([
  ["data/q1.parquet", "data/q1.parquet"],
  ["data/q[1].parquet", "data/q[[]1].parquet"],
  ["what?/a*b/**.csv", "what[?]/a[*]b/[*][*].csv"],
  ["~me/a.parquet", "./~me/a.parquet"],
  ["s3:/a.parquet", "./s3:/a.parquet"],
  ["/lr=1e-6/{a,b}/it's.parquet", "/lr=1e-6/{a,b}/it's.parquet"],
  ["C:\\data\\a.parquet", "C:\\data\\a.parquet"],
])("%s → %s", (path, pattern) => expect(exactPath(path)).toBe(pattern));

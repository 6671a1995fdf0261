/**
 * `bench.yaml`: which benchmarks lie where.
 *
 *     benchmarks:
 *       coco-single: ./coco                       # paths from the file's folder
 *       ovdeval: {path: ./OVDEval, limit: 500}    # a seeded choice of 500 questions
 *       mmmu: {path: ./MMMU, domain: in}          # in place of what the adapter declares
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { benchmarks } from "@v-triune/benchmarks";
import { ConfigError, nearest } from "@v-triune/errors";
import type { ChosenBenchmark } from "@v-triune/training";
import { ArkErrors, type } from "arktype";
import { parse } from "yaml";

const schema = type({
  "+": "reject",
  benchmarks: type({
    "[string]": type("string > 0").or({
      "+": "reject",
      path: "string > 0",
      "limit?": "(number.integer >= 1) | null",
      "domain?": "'in' | 'out'",
    }),
  }),
});

/** @throws ConfigError when the file is missing, has another shape, or names a benchmark without an adapter */
export function readBenchmarkFile(path: string): ChosenBenchmark[] {
  const file = resolve(path);
  const expected = `benchmarks: {name: folder, ..}, the names ${benchmarks.map(({ name }) => name).join(", ")}`;
  if (!existsSync(file))
    throw new ConfigError({
      what: "The benchmark file does not exist.",
      where: file,
      expected,
      found: "nothing there",
    });
  let value: unknown;
  try {
    value = parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new ConfigError({
      what: "The benchmark file is not valid YAML.",
      where: file,
      found: (cause as Error).message,
      cause,
    });
  }
  const input = schema(value);
  if (input instanceof ArkErrors)
    throw new ConfigError({
      what: "The benchmark file has another shape.",
      where: file,
      expected,
      found: input.summary,
    });
  const chosen = Object.entries(input.benchmarks).map(([name, setting]): ChosenBenchmark => {
    const benchmark = benchmarks.find((one) => one.name === name);
    if (benchmark === undefined) {
      const meant = nearest(
        name,
        benchmarks.map((one) => one.name),
      );
      throw new ConfigError({
        what: `There is no benchmark "${name}".`,
        where: file,
        expected: benchmarks.map((one) => one.name).join(", "),
        fix: meant === null ? "remove it" : `did you mean "${meant}"?`,
      });
    }
    const {
      path: folder,
      limit = null,
      domain = benchmark.domain,
    } = typeof setting === "string" ? { path: setting } : setting;
    return { benchmark, folder: resolve(dirname(file), folder), limit, domain };
  });
  if (chosen.length === 0)
    throw new ConfigError({ what: "The benchmark file names no benchmark.", where: file, expected });
  return chosen;
}

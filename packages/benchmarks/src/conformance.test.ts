import { expect, it } from "vitest";
import type { Benchmark, BenchmarkItem, OpenBenchmark } from "./benchmark";
import { BenchmarkError } from "./benchmark-error";
import { checkBenchmark } from "./conformance";

const item: BenchmarkItem = {
  id: "1",
  part: "all",
  prompt: "<image>How many?",
  pictures: async () => [new Uint8Array()],
  score: (response) => ({ score: response === "4" ? 1 : 0, vote: response }),
};
const benchmark = (change: Partial<Benchmark> = {}, opened: Partial<OpenBenchmark> = {}): Benchmark => ({
  name: "mine",
  title: "Mine",
  domain: "in",
  domainReason: "counting is trained",
  task: "counting",
  metric: "exact match",
  layout: "questions.json",
  async open(folder) {
    if (folder !== "copy") throw new BenchmarkError({ what: "The folder is not a copy of it.", where: folder });
    return { items: [item], leftOut: {}, ...opened };
  },
  ...change,
});
const items = (...changes: Partial<BenchmarkItem>[]): Partial<OpenBenchmark> => ({
  items: changes.map((change) => ({ ...item, ...change })),
});

it("finds nothing in a benchmark that conforms", async () => {
  const summarize = () => ({ headline: 0, further: {} });
  const options = { folder: "copy", right: [["1", "4"]], wrong: [["1", "5"]] } as const;
  expect(await checkBenchmark(benchmark({}, { summarize }), options)).toEqual([]);
});

it("finds a score that takes too long", async () => {
  let now = 0;
  const found = await checkBenchmark(benchmark(), { folder: "copy", longestMs: 5, clock: () => (now += 100) });
  expect(new Set(found.map(({ rule }) => rule))).toEqual(new Set(["slow"]));
});

let draws = 0;
it.each<[string, Benchmark]>([
  ["identity", benchmark({ name: "My benchmark" })],
  ["identity", benchmark({ domain: "both" as "in" })],
  ["identity", benchmark({ metric: "" })],
  ["layout", benchmark({ open: async () => ({ items: [item], leftOut: {} }) })],
  ["layout", benchmark({ open: async () => Promise.reject(new Error("ENOENT")) })],
  ["throws", benchmark({ open: async () => Promise.reject(new BenchmarkError({ what: "Nothing is a copy of it." })) })],
  ["items", benchmark({}, items())],
  ["items", benchmark({}, items({}, {}))],
  ["items", benchmark({}, items({ prompt: " " }))],
  ["items", benchmark({}, { leftOut: { "no picture": 0 } })],
  ["pictures", benchmark({}, items({ pictures: async () => [] }))],
  ["pictures", benchmark({}, items({ pictures: async () => [7 as unknown as string] }))],
  ["throws", benchmark({}, items({ pictures: async () => Promise.reject(new Error("no")) }))],
  ["throws", benchmark({}, items({ score: (response) => JSON.parse(response) as never }))],
  ["score", benchmark({}, items({ score: () => ({ score: 2, vote: null }) }))],
  ["score", benchmark({}, items({ score: () => ({ score: Number.NaN, vote: null }) }))],
  ["score", benchmark({}, items({ score: () => ({ score: 1, vote: 4 as unknown as string }) }))],
  ["deterministic", benchmark({}, items({ score: () => ({ score: 1, vote: String(draws++) }) }))],
  ["summary", benchmark({}, { summarize: (scored) => ({ headline: 1 / scored.length, further: {} }) })],
  ["golden", benchmark({}, items({ score: () => ({ score: 0.5, vote: null }) }))],
  ["golden", benchmark({}, items({ id: "2" }))],
])("finds what breaks the rule %s", async (rule, broken) => {
  const found = await checkBenchmark(broken, { folder: "copy", right: [["1", "4"]] });
  expect(found.map((finding) => finding.rule)).toContain(rule);
});

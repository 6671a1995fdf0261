import { describe, expect, it } from "vitest";
import type { RunResult } from "./run-result";
import { formatSweepCsv, formatSweepTable, spread, summarizeRuns } from "./sweep-results";

const scores = (mean: number) => ({
  step: 4,
  mean,
  bySource: { boxes: mean, "sums, of 2": mean / 2 },
  byTask: { math: mean },
});
const run = (label: string, seed: number, after: number, more: Partial<RunResult> = {}): RunResult => ({
  name: `${label}_seed-${seed}`,
  cases: { "optimizer.lr": label },
  seed,
  status: "finished",
  problem: null,
  steps: 4,
  seconds: 10,
  before: scores(0.25),
  after: scores(after),
  best: scores(after),
  reward: 0.5,
  curves: {},
  gradients: [],
  ...more,
});

describe("a sweep's results", () => {
  const runs = [
    run("1e-6", 1, 0.5),
    run("1e-6", 2, 0.7),
    run("1e-6", 3, 0.6),
    run("2e-6", 1, 0.1),
    run("2e-6", 2, 0.9, { status: "failed", problem: "it diverged" }),
  ];

  it("are means with the sample deviation over the finished runs of a case", () => {
    expect(spread([1, 2, 4, null])).toEqual({
      mean: 7 / 3,
      std: expect.closeTo(Math.sqrt(7 / 3), 12) as number,
      count: 3,
    });
    expect(spread([3])).toEqual({ mean: 3, std: null, count: 1 });
    expect(spread([undefined])).toBeNull();
    const [first, second] = summarizeRuns(runs);
    expect(first).toMatchObject({ name: "lr-1e-6", finished: 3, runs: 3, failed: 0 });
    expect(first?.after?.mean).toBeCloseTo(0.6, 12);
    expect(first?.after?.std).toBeCloseTo(0.1, 12);
    expect(first?.afterBySource["sums, of 2"]?.mean).toBeCloseTo(0.3, 12);
    expect(second).toMatchObject({ finished: 1, failed: 1, runs: 2, after: { mean: 0.1, std: null, count: 1 } });
  });

  it("are a table of 80 columns and a CSV with a row a run", () => {
    const table = formatSweepTable({
      summary: summarizeRuns(
        runs.map((one) => ({ ...one, cases: { x: `a-very-long-label-of-a-case-${one.cases["optimizer.lr"]}` } })),
      ),
      seeds: [1, 2, 3],
    });
    for (const line of table.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(formatSweepTable({ summary: summarizeRuns(runs), seeds: [1, 2, 3] })).toMatch(
      /lr-1e-6\s+3\/3\s+0\.250 ±0\.000\s+0\.600 ±0\.100\s+0\.500 ±0\.000\s+10\n[\s\S]*1 run failed/,
    );
    const [header, first] = formatSweepCsv(runs, ["optimizer.lr"]).split("\n");
    expect(header).toBe(
      'run,optimizer.lr,seed,status,steps,seconds,before,after,best,best_step,reward,boxes,"sums, of 2"',
    );
    expect(first).toBe("1e-6_seed-1,1e-6,1,finished,4,10,0.25,0.5,0.5,4,0.5,0.5,0.25");
  });
});

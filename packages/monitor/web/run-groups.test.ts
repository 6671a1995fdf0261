import { expect, it } from "vitest";
import type { RunSummary } from "../src/dashboard/dashboard-api";
import { groupedRuns, spreadOf } from "./run-groups";

const run = (id: string, reward: number | null, tags: readonly string[] = [], metric = "acc/mean@1"): RunSummary =>
  ({
    id,
    reward,
    step: 10,
    seconds: null,
    model: null,
    state: "finished",
    best: reward === null ? null : { metric, value: reward / 2, step: 10 },
    labels: { revision: 0, title: null, tags, note: "", archived: false },
  }) as unknown as RunSummary;

const settings = { a: { lr: "1e-6" }, b: { lr: "1e-6" }, c: { lr: "1e-5" } };
const runs = [run("a", 0.2, ["good"]), run("b", 0.4, ["good", "seed 2"]), run("c", 0.9), run("d", null)];

it("groups runs by a setting, with the mean and the deviation of a sample", () => {
  const groups = groupedRuns(runs, "lr", settings);
  expect(groups.map(({ value, runs: own }) => [value, own.map(({ id }) => id)])).toEqual([
    ["1e-5", ["c"]],
    ["1e-6", ["a", "b"]],
    ["–", ["d"]],
  ]);
  expect(groups[1]!.spreads.reward).toEqual({
    mean: expect.closeTo(0.3, 12) as number,
    deviation: expect.closeTo(Math.SQRT2 / 10, 12) as number,
    count: 2,
  });
  expect(groups[0]!.spreads.reward).toEqual({ mean: 0.9, deviation: null, count: 1 });
  expect(groups[2]!.spreads.reward).toBeNull();
});

it("orders groups by the mean of a column, those without one last", () => {
  const order = (sort: string): string[] => groupedRuns(runs, "lr", settings, sort).map(({ value }) => value);
  expect(order("-reward")).toEqual(["1e-5", "1e-6", "–"]);
  expect(order("reward")).toEqual(["1e-6", "1e-5", "–"]);
  expect(order("run")).toEqual(["1e-5", "1e-6", "–"]);
});

it("puts a run with several tags into each of their groups", () => {
  expect(groupedRuns(runs, "tag", {}).map(({ value, runs: own }) => [value, own.length])).toEqual([
    ["good", 2],
    ["seed 2", 1],
    ["–", 2],
  ]);
});

it("has no mean over evaluations of different metrics, and ignores what is not finite", () => {
  const mixed = groupedRuns([run("a", 0.2), run("b", 0.4, [], "acc/mean@8")], "state", {});
  expect(mixed[0]!.spreads.best).toBeNull();
  expect(mixed[0]!.spreads.reward?.count).toBe(2);
  expect(spreadOf([1, Number.NaN, null, 3])).toMatchObject({ mean: 2, count: 2 });
});

import { expect, it } from "vitest";
import type { RunSummary } from "../src/dashboard/dashboard-api";
import { sortedRuns } from "./run-columns";
import { differingSettings } from "./settings";

const run = (id: string, reward: number | null): RunSummary => ({ id, reward, labels: { title: null } }) as RunSummary;
const runs = [run("b", null), run("a", 0.5), run("c", 0.9)];
const order = (sort: string): string[] => sortedRuns(runs, sort).map(({ id }) => id);

it("sorts runs by a column, what is not known last", () => {
  expect(order("")).toEqual(["b", "a", "c"]);
  expect(order("run")).toEqual(["a", "b", "c"]);
  expect(order("reward")).toEqual(["a", "c", "b"]);
  expect(order("-reward")).toEqual(["c", "a", "b"]);
  expect(order("nonsense")).toEqual(["b", "a", "c"]);
});

it("names the settings that differ, and leaves out runs without any", () => {
  const one = { config: { "run.name": "a", "optimizer.lr": "1e-6", n: "8" } };
  const two = { config: { "run.name": "b", "optimizer.lr": "2e-6", n: "8" } };
  expect(differingSettings([one, two, { config: {} }])).toEqual(["optimizer.lr"]);
  expect(differingSettings([one])).toEqual([]);
});

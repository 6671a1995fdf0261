import { expect, it } from "vitest";
import type { SeriesQuestion } from "./backend";
import { SeriesQuestions } from "./series-questions";

const question = (metric: string): SeriesQuestion => ({
  split: "train",
  scope: "all",
  names: ["all"],
  metrics: [metric],
});

/** Answers every chart with what it was asked. */
function echo() {
  const addresses: string[] = [];
  const questions = new SeriesQuestions(async (address) => {
    addresses.push(address);
    const { pathname, searchParams } = new URL(address, "http://localhost");
    const chart = (query: URLSearchParams) => [{ metric: query.get("metric"), name: query.get("run") }];
    if (pathname === "/api/series") return chart(searchParams);
    expect(pathname).toBe("/api/charts");
    return searchParams.getAll("chart").map((one) => chart(new URLSearchParams(one)));
  });
  return { addresses, questions };
}

it("asks once for the charts of one moment, and tells each its own answer", async () => {
  const { addresses, questions } = echo();
  const asked = ["a&b=c", "d/e", "f"].map((metric, index) => questions.ask(`run ${index}`, question(metric)));
  expect(await Promise.all(asked)).toEqual([
    [{ metric: "a&b=c", name: "run 0" }],
    [{ metric: "d/e", name: "run 1" }],
    [{ metric: "f", name: "run 2" }],
  ]);
  expect(addresses).toHaveLength(1);
  await questions.ask("run", question("g"));
  expect(addresses[1]).toBe("/api/series?run=run&name=all&metric=g&split=train&scope=all");
});

it("keeps addresses short enough for a server", async () => {
  const { addresses, questions } = echo();
  const metrics = Array.from({ length: 60 }, (_, index) => `${"long/".repeat(40)}${index}`);
  const answers = await Promise.all(metrics.map((metric) => questions.ask("run", question(metric))));
  expect(answers.map(([series]) => series!.metric)).toEqual(metrics);
  expect(addresses.length).toBeGreaterThan(1);
  expect(addresses.length).toBeLessThan(15);
  expect(Math.max(...addresses.map(({ length }) => length))).toBeLessThanOrEqual(6_000);
});

it("tells each chart why their request failed", async () => {
  const questions = new SeriesQuestions(() => Promise.reject(new Error("There is no such run.")));
  const asked = await Promise.allSettled(["a", "b"].map((metric) => questions.ask("run", question(metric))));
  expect(asked.map((one) => one.status === "rejected" && (one.reason as Error).message)).toEqual([
    "There is no such run.",
    "There is no such run.",
  ]);
});

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { parseRecordLine } from "./record-line";
import { REFLECTION_WORDS } from "./reflection-words";
import { createStepMetrics } from "./step-metrics";
import { validationMetrics } from "./validation-metrics";

const page = resolve(import.meta.dirname, "../../../docs/metrics.md");

/** Names of the page's tables; `a/mean`, `/std` stands for a/mean and a/std, <x> for any word. */
function documentedNames(): RegExp[] {
  const patterns: RegExp[] = [];
  for (const row of readFileSync(page, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"))) {
    let full = "";
    for (const [, name] of row.split("|")[1]!.matchAll(/`([^`]+)`/g)) {
      full = name!.startsWith("/") ? full.replace(/\/[^/]*$/, name!) : name!;
      patterns.push(new RegExp(`^${full.replaceAll(/<\w+>/g, "[^/]+")}$`));
    }
  }
  return patterns;
}

it.skipIf(!existsSync(page))("docs/metrics.md has every name of a recorded run", () => {
  const lines = readFileSync(resolve(import.meta.dirname, "../test-data/run/metrics.jsonl"), "utf8")
    .trim()
    .split("\n");
  const names = new Set(lines.flatMap((line) => Object.keys(parseRecordLine(line)!.metrics)));
  const documented = documentedNames();
  expect(names.size).toBeGreaterThan(80);
  expect([...names].filter((name) => !documented.some((pattern) => pattern.test(name)))).toEqual([]);
});

it.skipIf(!existsSync(page))("docs/metrics.md has every name that can come up", () => {
  const metrics = createStepMetrics();
  const base = {
    dataSource: "a",
    task: "detection",
    responseTokens: 5,
    promptTokens: 4,
    strippedTokens: 1,
    truncated: true,
  };
  metrics.add({
    ...base,
    group: 0,
    verdict: { status: "scored", accuracy: 1, format: 1, metrics: { map50: 1 } },
    reward: 1,
    score: 1.1,
    components: { overlong: -0.1, kl: -0.1 },
    response: REFLECTION_WORDS.join(", "),
  });
  metrics.add({
    ...base,
    group: 0,
    verdict: { status: "scored", accuracy: 0, format: 1, metrics: { map50: Number.NaN } },
    reward: 0,
    response: "",
  });
  metrics.add({ ...base, group: 1, verdict: { status: "error", reason: "x" }, reward: null, response: "" });
  const records = [
    ...metrics.finish(1),
    ...validationMetrics(1, [{ dataSource: "a", task: "t", scores: [0, 1, 1, 0], answers: ["a", "b", "b", "c"] }]),
  ];
  const names = new Set(records.flatMap((record) => Object.keys(record.metrics)));
  const documented = documentedNames();
  expect(names.size).toBeGreaterThan(60);
  expect([...names].filter((name) => !documented.some((pattern) => pattern.test(name)))).toEqual([]);
});

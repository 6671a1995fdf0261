import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { RunView } from "./run-view";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "v-triune-evaluation-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (step: number, scope: string, name: string, metrics: object): string =>
  `${JSON.stringify({ step, split: "eval", scope, name, task: "counting", metrics })}\n`;

it("keeps what was evaluated apart by file, steps in order, in-domain and out-of-domain", async () => {
  writeFileSync(
    join(folder, "metrics.jsonl"),
    line(0, "source", "clevr", { "acc/mean@1": 0.25 }) +
      line(5, "source", "clevr", { "acc/mean@1": 0.5 }) +
      line(5, "all", "all", { "acc/mean@1": 0.5, "acc/source_mean@1": 0.625 }),
  );
  writeFileSync(
    join(folder, "eval.jsonl"),
    line(9, "source", "clevr", { "acc/mean@8": 0.75, "samples/count": 4 }) +
      line(3, "source", "clevr", { "acc/mean@8": 0.5 }) +
      "half a li",
  );
  const coco = (step: number, score: number) =>
    line(step, "source", "coco-single", { "acc/mean@1": 0, "benchmark/score": score, "benchmark/in_domain": 1 });
  const mmmu = line(9, "source", "mmmu", { "acc/mean@1": 0, "benchmark/score": 0.5, "benchmark/in_domain": 0 });
  writeFileSync(
    join(folder, "eval-benchmarks.jsonl"),
    coco(9, 0.1) +
      mmmu +
      coco(9, 0.2) +
      line(9, "all", "all", { "benchmark/in_domain_mean": 0.2, "benchmark/out_of_domain_mean": 0.5 }),
  );
  writeFileSync(join(folder, "eval-..jsonl.bak"), coco(1, 1));
  const run = new RunView("mine", folder);
  await run.refresh();
  expect(run.evaluations()).toMatchObject([
    {
      label: null,
      metric: "acc/mean@1",
      rows: [
        { name: "clevr", steps: [0, 5], values: [0.25, 0.5] },
        { name: "mean over sources", values: [0.625] },
      ],
    },
    {
      label: "benchmarks",
      headline: "benchmark/score",
      rows: [
        { name: "coco-single", domain: "in", values: [0.2] },
        { name: "mmmu", domain: "out", values: [0.5] },
        { name: "mean of in-domain", scope: "all", values: [0.2] },
        { name: "mean of out-of-domain", values: [0.5] },
      ],
    },
    {
      label: "eval",
      metric: "acc/mean@8",
      rows: [{ name: "clevr", domain: null, samples: 4, steps: [3, 9], values: [0.5, 0.75] }],
    },
  ]);
  expect(run.evaluations("acc/mean@1").map(({ metric }) => metric)).toEqual(["acc/mean@1", "acc/mean@1", "acc/mean@8"]);
});

it("sees an evaluation that is added, replaced and taken away", async () => {
  const run = new RunView("mine", folder);
  await run.refresh();
  expect(run.evaluations()).toEqual([]);
  const path = join(folder, "eval-late.jsonl");
  writeFileSync(path, line(1, "source", "clevr", { "acc/mean@1": 0.5 }));
  expect(await run.refresh()).toBe(true);
  expect(await run.refresh()).toBe(false);
  writeFileSync(path, line(1, "source", "clevr", { "acc/mean@1": 0.625 }));
  expect(await run.refresh()).toBe(true);
  expect(run.evaluations()).toMatchObject([{ label: "late", rows: [{ values: [0.625] }] }]);
  rmSync(path);
  expect(await run.refresh()).toBe(true);
  expect(run.evaluations()).toEqual([]);
});

it("has what a tool brings by step, and what training changed of it", async () => {
  writeFileSync(join(folder, "metrics.jsonl"), line(1, "source", "clevr", { "acc/mean@1": 0.25 }));
  const terms = (without: number, gap: number) => {
    return { "med/accuracy_without": without, "med/accuracy_offered": without + gap, "med/gap": gap };
  };
  const both = (step: number, metrics: object): string =>
    line(step, "source", "clevr", metrics) + line(step, "all", "all", metrics);
  writeFileSync(
    join(folder, "eval-tools.jsonl"),
    both(40, { ...terms(0.5, 0.25), "med/call_gain": 0.3, "med/call_gain/low": 0.2, "med/call_gain/high": 0.4 }) +
      both(0, terms(0.25, 0)),
  );
  const run = new RunView("mine", folder);
  await run.refresh();
  const [own, tools] = run.evaluations();
  expect(own?.toolEffect).toEqual([]);
  expect(tools).toMatchObject({ label: "tools", headline: "med/accuracy_offered" });
  expect(tools?.toolEffect).toMatchObject([
    { step: 0, drift: null, terms: { gap: { value: 0, low: null }, callGain: null } },
    {
      step: 40,
      terms: { callGain: { value: 0.3, low: 0.2, high: 0.4 } },
      // ∫|f| = ∫|Δ| = 40 · 0.125
      drift: { intrinsic: 0.25, tool: 0.25, toolShare: 0.5 },
    },
  ]);
});

import type { StepSummary } from "@v-triune/training";
import { expect, it } from "vitest";
import { createLiveView } from "./live-view";

it("shows the first rows left out in full, the others in a line each", () => {
  let written = "";
  const view = createLiveView({
    stream: { isTTY: false, write: (text: string) => ((written += text), true) } as unknown as NodeJS.WriteStream,
  });
  for (let row = 0; row < 5; row++)
    view.listen({
      type: "bad-row",
      message: `The prompt is too long.\n  where:    train-${row}\n  do:       raise the limit`,
    });
  expect(written.match(/raise the limit/g)).toHaveLength(3);
  expect(written.trimEnd().split("\n").slice(-2)).toEqual([
    "skipped a row: The prompt is too long. (train-3)",
    "skipped a row: The prompt is too long. (train-4)",
  ]);
});

it("keeps to 80 columns in a pipe, however many sources there are", () => {
  let written = "";
  const stream = { isTTY: false, write: (text: string) => ((written += text), true) } as unknown as NodeJS.WriteStream;
  const accuracyBySource = Object.fromEntries(
    Array.from({ length: 18 }, (_, index) => [`source_${index}`, index / 18]),
  );
  const summary = {
    step: 1,
    steps: 2,
    reward: 0.5,
    responseTokens: 12,
    gradientNorm: 1,
    seconds: { total: 1 },
    accuracyBySource,
  } as unknown as StepSummary;
  const view = createLiveView({ stream });
  view.listen({ type: "step", summary });
  // What is shown is a mean, and says of how many steps.
  expect(written).toContain("      accuracy, of 1 step:  source_0 0.00");
  view.listen({ type: "step", summary: { ...summary, step: 2 } });
  expect(written).toContain("      accuracy, mean of 2 steps:  source_0 0.00");
  const lines = written.trimEnd().split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(
    lines
      .slice(1)
      .join(" ")
      .match(/source_\d+ \d\.\d\d/g),
  ).toHaveLength(2 * 18);
});

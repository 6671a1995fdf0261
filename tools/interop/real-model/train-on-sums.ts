/** Trains an adapter by GRPO on sums of two digits and exports the model: what a real model does must improve. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeSamples } from "@v-triune/data-filters";
import { parseSample, type Sample } from "@v-triune/schema";
import { resolveTrainingConfig, runTraining } from "v-triune";
import { exportHuggingFace } from "../../../apps/trainer/src/export/export-hugging-face";

export interface TrainOnSumsOptions {
  readonly model: string;
  /** Where the corpus, the run and the exported model go. */
  readonly folder: string;
  readonly steps: number;
  /** What is wrong is added here. */
  readonly problems: string[];
}

/** A sum after two solved ones: without examples the model knows no boxes. */
function sums(pairs: readonly (readonly [number, number])[]): Sample[] {
  const ask = (a: number, b: number) => ({ role: "user", content: `${a} + ${b} =` });
  const solved = (a: number, b: number) => [
    ask(a, b),
    { role: "assistant", content: `${a} + ${b} = \\boxed{${a + b}}` },
  ];
  return pairs.map(([a, b]) =>
    parseSample({
      data_source: "sums",
      images: [],
      prompt: [...solved(2, 5), ...solved(4, 3), ask(a, b)],
      reward_model: { ground_truth: `\\boxed{${a + b}}`, verifier: "mathverify", format_ratio: 0 },
      extra_info: { id: `${a}+${b}` },
    }),
  );
}

/** All pairs of digits, mixed. */
const pairs = Array.from({ length: 100 }, (_, i) => {
  const mixed = (i * 37) % 100;
  return [Math.floor(mixed / 10), mixed % 10] as const;
});

/** @returns the folder of the exported model */
export async function trainOnSums({ model, folder, steps, problems }: TrainOnSumsOptions): Promise<string> {
  const [train, held] = [join(folder, "train.parquet"), join(folder, "held-out.parquet")];
  const run = join(folder, "run");
  const exported = join(folder, "exported");
  for (const earlier of [train, held, run, exported]) if (existsSync(earlier)) rmSync(earlier, { recursive: true });
  await writeSamples(train, sums(pairs.filter((_, i) => i % 4 > 0)));
  await writeSamples(held, sums(pairs.filter((_, i) => i % 4 === 0)));
  const config = resolveTrainingConfig({
    model: { path: model, adapter: { rank: 16, alpha: 32 } },
    data: { train, eval: held },
    run: { name: "sums", folder: run, steps, seed: 1 },
    rollout: { promptsPerStep: 8, n: 8, maxNewTokens: 16 },
    promptPool: { enabled: false },
    optimizer: { lr: 3e-4, warmupRatio: 0 },
    evaluation: { every: null },
  });
  const rewards: number[] = [];
  const { before, after } = await runTraining(config, {
    listen: (event) => {
      if (event.type === "alarm" || event.type === "warning" || event.type === "bad-row") console.log(event);
      if (event.type === "evaluated") console.log(`evaluated after step ${event.step}:`, event.scores.bySource);
      if (event.type !== "step") return;
      const { step, reward, seconds } = event.summary;
      rewards.push(reward);
      console.log(`step ${step}: reward ${reward.toFixed(3)}, ${seconds.total.toFixed(1)} s`);
    },
  });
  const quarter = Math.max(1, Math.floor(steps / 4));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [early, late] = [mean(rewards.slice(0, quarter)), mean(rewards.slice(-quarter))];
  console.log(
    `reward of the first and last ${quarter} steps ${early.toFixed(3)}, ${late.toFixed(3)}; held-out accuracy ` +
      `${before?.mean.toFixed(3)}, ${after?.mean.toFixed(3)}`,
  );
  if (!(late > early)) problems.push(`the reward did not rise: ${early} in the first steps, ${late} in the last`);
  if (!((after?.mean ?? 0) > (before?.mean ?? 0)))
    problems.push(`held-out accuracy did not rise: ${before?.mean}, then ${after?.mean}`);
  await exportHuggingFace({ run, out: exported });
  return exported;
}

/**
 * For tests: rollouts of a run whose course is known. Prompts differ in difficulty as those of real data do: most are
 * solved nearly always or nearly never, so the answers to one prompt resemble each other.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { MetricRecord } from "../../metric-record";
import { formatRecordLine } from "../../record-line";
import { seededRandom } from "../../seeded-random";
import { createStepMetrics } from "../../step-metrics";

export interface SimulatedSource {
  readonly name: string;
  readonly task: string;
  readonly promptsPerStep: number | ((step: number) => number);
  /** Share of prompts that are solved, by step. */
  readonly solved: (step: number) => number;
  /** Mean tokens of an answer, by step. Default 40. */
  readonly tokens?: (step: number) => number;
  /** Share of answers that are cut, by step. Default 0.02. */
  readonly cut?: (step: number) => number;
  /** Different prompts. Default: no prompt recurs. */
  readonly distinctPrompts?: number;
}

export interface SimulatedRollout {
  readonly step: number;
  readonly group: number;
  readonly sample: number;
  readonly source: string;
  readonly task: string;
  readonly id: string;
  readonly correct: boolean;
  readonly tokens: number;
  readonly truncated: boolean;
}

/** Answers per prompt. */
const ANSWERS = 8;

/** The rollouts of a step. */
export function simulateStep(
  sources: readonly SimulatedSource[],
  step: number,
  random: () => number,
): SimulatedRollout[] {
  const rollouts: SimulatedRollout[] = [];
  let group = 0;
  for (const { name, task, promptsPerStep, solved, tokens, cut, distinctPrompts } of sources) {
    const prompts = typeof promptsPerStep === "number" ? promptsPerStep : promptsPerStep(step);
    for (let prompt = 0; prompt < prompts; prompt += 1) {
      const id =
        distinctPrompts === undefined
          ? `${name}/${step}-${prompt}`
          : `${name}/${Math.floor(random() * distinctPrompts)}`;
      const chance = random() < solved(step) ? 0.95 : 0.05;
      const mean = (tokens?.(step) ?? 40) * (0.5 + random());
      for (let sample = 0; sample < ANSWERS; sample += 1) {
        rollouts.push({
          step,
          group,
          sample,
          source: name,
          task,
          id,
          correct: random() < chance,
          tokens: Math.max(1, Math.round(mean * (0.75 + random() / 2))),
          truncated: random() < (cut?.(step) ?? 0.02),
        });
      }
      group += 1;
    }
  }
  return rollouts;
}

const rewardOf = ({ correct }: SimulatedRollout): number => (correct ? 1 : 0.1);

/** A step's metrics, as training computes them. */
export function stepRecords(
  rollouts: readonly SimulatedRollout[],
  step: number,
  health: Readonly<Record<string, number>> = {},
): MetricRecord[] {
  const metrics = createStepMetrics();
  for (const rollout of rollouts) {
    metrics.add({
      dataSource: rollout.source,
      task: rollout.task,
      group: rollout.group,
      reward: rewardOf(rollout),
      response: "\\boxed{3}",
      responseTokens: rollout.tokens,
      truncated: rollout.truncated,
      verdict: { status: "scored", accuracy: Number(rollout.correct), format: 1, metrics: {} },
    });
  }
  return metrics.finish(step, health);
}

export interface SimulatedRun {
  readonly sources: readonly SimulatedSource[];
  readonly steps: number;
  readonly seed: number;
  /** Whether a step's rollouts are stored. Default all. */
  readonly stores?: (step: number) => boolean;
}

/** Writes metrics.jsonl, run.json and rollouts/ of a run to a new folder. */
export async function writeSimulatedRun(
  folder: string,
  { sources, steps, seed, stores = () => true }: SimulatedRun,
): Promise<void> {
  mkdirSync(join(folder, "rollouts"), { recursive: true });
  const random = seededRandom(seed);
  const lines: string[] = [];
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    await connection.run(
      `create table rollouts (step INTEGER, group_index INTEGER, sample_index INTEGER, data_source VARCHAR,
         task VARCHAR, id VARCHAR, reward DOUBLE, accuracy DOUBLE, response_tokens INTEGER, truncated BOOLEAN)`,
    );
    const appender = await connection.createAppender("rollouts");
    for (let step = 1; step <= steps; step += 1) {
      const rollouts = simulateStep(sources, step, random);
      lines.push(...stepRecords(rollouts, step).map(formatRecordLine));
      if (!stores(step)) continue;
      for (const rollout of rollouts) {
        appender.appendInteger(step);
        appender.appendInteger(rollout.group);
        appender.appendInteger(rollout.sample);
        appender.appendVarchar(rollout.source);
        appender.appendVarchar(rollout.task);
        appender.appendVarchar(rollout.id);
        appender.appendDouble(rewardOf(rollout));
        appender.appendDouble(Number(rollout.correct));
        appender.appendInteger(rollout.tokens);
        appender.appendBoolean(rollout.truncated);
        appender.endRow();
      }
    }
    appender.closeSync();
    for (let step = 1; step <= steps; step += 1) {
      if (!stores(step)) continue;
      const file = join(folder, "rollouts", `step-${String(step).padStart(6, "0")}.parquet`).replaceAll("'", "''");
      await connection.run(
        `copy (
           select step, group_index, sample_index, data_source, task, id, 'What is ' || id || '?' as prompt,
             case when accuracy = 1 then 'It is \\boxed{3}.' else 'I guess \\boxed{4}.' end as response,
             '\\boxed{3}' as ground_truth, []::VARCHAR[] image_paths, []::INTEGER[][] image_sizes, 9 prompt_tokens,
             response_tokens, 0 stripped_tokens, truncated, 'scored' status, null::VARCHAR reason, accuracy,
             1.0::DOUBLE format, reward, 0.0::DOUBLE advantage, map(['x'], [1.0]::DOUBLE[]) metrics,
             [1]::INTEGER[] token_ids
           from rollouts where step = ${step} order by group_index, sample_index
         ) to '${file}' (format parquet)`,
      );
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  writeFileSync(join(folder, "metrics.jsonl"), `${lines.join("\n")}\n`);
  writeFileSync(
    join(folder, "run.json"),
    JSON.stringify({ format: 1, name: "simulated", seed, config: { run: { steps } } }),
  );
}

/** The 18 sources of the paper's size, all alike. */
export function eighteenSources(change: Partial<SimulatedSource> = {}, changed: number = -1): SimulatedSource[] {
  return Array.from({ length: 18 }, (_, index) => ({
    name: `source ${index}`,
    task: `task ${index % 8}`,
    promptsPerStep: 6,
    solved: () => 0.3 + (index % 5) / 10,
    ...(index === changed ? change : {}),
  }));
}

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeTinyRun } from "@v-triune/demo-tasks";
import { resolveTrainingConfig } from "../config/load-training-config";
import type { TrainingConfig, TurnsConfig } from "../config/training-config";

/** Number tokens from here on are calls, those below end a turn: a model with random weights then has conversations. */
const FIRST_CALL = 40;

/**
 * For tests: the tiny run with a vocabulary in which random weights call tools. Every number from 40 to 99 is written as a
 * whole call, and the numbers below end a turn.
 *
 * @param calls what a number stands for, taken in turn
 */
export async function tinyTurnsRun(
  folder: string,
  name: string,
  steps: number,
  turns: Partial<TurnsConfig>,
  calls: readonly object[] = [
    { name: "image_zoom_in_tool", arguments: { bbox_2d: [10, 10, 60, 40] } },
    { name: "image_zoom_in_tool", arguments: { bbox_2d: [60, 60, 20, 30] } },
    { name: "image_zoom_in_tool", arguments: { bbox_2d: [500, 500, 600, 600] } },
  ],
): Promise<TrainingConfig> {
  const input = await writeTinyRun(folder, name, steps);
  const file = join(folder, "model/tokenizer.json");
  const tokenizer = JSON.parse(readFileSync(file, "utf8")) as { model: { vocab: Record<string, number> } };
  const numbers = new Map(
    Object.entries(tokenizer.model.vocab).flatMap(([token, id]) => (/^\d+$/.test(token) ? [[id, Number(token)]] : [])),
  );
  const word = (token: string, id: number): string => {
    const number = numbers.get(id) ?? 0;
    return number < FIRST_CALL
      ? token
      : `<tool_call>${JSON.stringify({ ...calls[number % calls.length]!, id: number })}</tool_call>`;
  };
  tokenizer.model.vocab = Object.fromEntries(
    Object.entries(tokenizer.model.vocab).map(([token, id]) => [word(token, id), id]),
  );
  if (numbers.size > 0) writeFileSync(file, JSON.stringify(tokenizer));
  const ends = [...numbers].flatMap(([id, number]) => (number < FIRST_CALL ? [id] : []));
  const config = { ...(input.model.config as object), eos_token_id: [2, ...ends] };
  return resolveTrainingConfig({
    ...input,
    // One sample of each source: evaluations are not what such tests are about.
    evaluation: { every: null, samplesPerSource: 1 },
    model: { ...input.model, config },
    rollout: {
      ...input.rollout,
      maxNewTokens: 24,
      turns: { max: 3, tools: ["crop"], form: "deepeyes", offer: "none", maxShownTokens: 120, ...turns } as never,
    },
  });
}

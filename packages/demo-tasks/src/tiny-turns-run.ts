import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeTinyRun } from "./tiny-run";

/** Number tokens from here on are calls, those below end a turn: a model with random weights then has conversations. */
const FIRST_CALL = 40;

/**
 * The tiny run with a vocabulary in which random weights call tools: every number from 40 to 99 is written as a whole
 * call, and the numbers below end a turn.
 *
 * @param turns changes of `rollout.turns`
 * @param calls what a number stands for, taken in turn
 */
export async function writeTinyTurnsRun(
  folder: string,
  name: string,
  steps: number,
  turns: object = {},
  calls: readonly object[] = [
    { name: "image_zoom_in_tool", arguments: { bbox_2d: [10, 10, 60, 40] } },
    { name: "image_zoom_in_tool", arguments: { bbox_2d: [60, 60, 20, 30] } },
    { name: "image_zoom_in_tool", arguments: { bbox_2d: [500, 500, 600, 600] } },
  ],
) {
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
  return {
    ...input,
    // One sample of each source: evaluations are not what such tests are about.
    evaluation: { every: null, samplesPerSource: 1 },
    model: { ...input.model, config },
    rollout: {
      ...input.rollout,
      maxNewTokens: 24,
      turns: { max: 3, tools: ["crop"], form: "deepeyes" as const, offer: "none", maxShownTokens: 120, ...turns },
    },
  };
}

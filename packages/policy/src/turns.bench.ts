/**
 * What further turns of an answer cost: node tools/run.mjs packages/policy/src/turns.bench.ts [tensorflow|wasm]. A turn
 * writes one token and is shown 24. Beside it the same tokens, with the whole conversation read again at each turn, as a
 * client of a server without a prefix cache would. Milliseconds of 4 answers, the least of two rounds in turn; the model
 * has SmolLM2-135M's shape and random weights.
 */
import { loadavg } from "node:os";
import { selectBackend, type BackendName } from "@v-triune/backend";
import { createVlm } from "./folder/read-model";
import { randomWeights } from "./index";
import { smallLanguageModel } from "./testing/tiny-model";

const [ROWS, PROMPT, SHOWN] = [4, 64, 24];
const config = smallLanguageModel();
const wanted = process.argv[2];
const { name } = await selectBackend(wanted === undefined ? {} : { prefer: wanted as BackendName });
const policy = createVlm(config, randomWeights(config, { seed: 1 }), { freeze: ["vision", "connector", "language"] });
const promptIds = Int32Array.from({ length: PROMPT }, (_, i) => 10 + i);
const shown = Int32Array.from({ length: SHOWN }, (_, i) => 200 + i);
// Every token ends a turn.
const stopTokenIds = Array.from({ length: config.text.vocabSize }, (_, id) => id);

/** One conversation whose turns keep what was read before. */
async function keeping(turns: number): Promise<void> {
  for await (const completion of policy.generate([{ promptIds }], {
    n: ROWS,
    maxNewTokens: turns * (1 + SHOWN),
    seed: 1,
    stopTokenIds,
    nextTurn: ({ turn }) => (turn + 1 < turns ? { tokenIds: shown } : undefined),
  }))
    void completion;
}

/** As many conversations, each read from its start. */
async function readingAgain(turns: number): Promise<void> {
  let rows = Array.from({ length: ROWS }, () => promptIds);
  for (let turn = 0; turn < turns; turn++) {
    const next = [...rows];
    const prompts = rows.map((ids) => ({ promptIds: ids }));
    for await (const { promptIndex, tokenIds } of policy.generate(prompts, {
      n: 1,
      maxNewTokens: 1,
      seed: 1,
      stopTokenIds,
    }))
      next[promptIndex] = Int32Array.of(...rows[promptIndex]!, ...tokenIds, ...shown);
    rows = next;
  }
}

async function timed(run: (turns: number) => Promise<void>, turns: number): Promise<number> {
  const started = performance.now();
  await run(turns);
  return performance.now() - started;
}

for (const turns of [1, 2, 4, 8]) {
  let [kept, again] = [Infinity, Infinity];
  for (let round = 0; round < 2; round++) {
    kept = Math.min(kept, await timed(keeping, turns));
    again = Math.min(again, await timed(readingAgain, turns));
  }
  console.log(
    `${turns} turns, ${PROMPT + turns * (1 + SHOWN)} tokens: ${kept.toFixed(0)} ms, ${(kept / turns).toFixed(0)} a turn; ` +
      `read again ${again.toFixed(0)} ms, ${(again / kept).toFixed(1)} x (${name}, load ${loadavg()[0]!.toFixed(1)})`,
  );
}
policy.dispose();

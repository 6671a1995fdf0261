/**
 * Decoding with Qwen2.5-VL's vocabulary: node tools/run.mjs packages/policy/src/large-vocabulary.bench.ts
 * [wasm|tensorflow]. The model is small (2 layers of width 64) and its vocabulary is not (151,936 tokens), so the time
 * is that of the logits: their product, reading them, and drawing a token from each row. Prints one JSON line per
 * number of rows.
 */
import { selectBackend, type BackendName } from "@v-triune/backend";
import { randomWeights } from "./index";
import { largeVocabularyConfig } from "./testing/tiny-model";
import { createVlm } from "./folder/read-model";

const config = largeVocabularyConfig();
const prompt = { promptIds: Int32Array.from({ length: 32 }, (_, i) => 10 + i) };

const [wanted] = process.argv.slice(2);
const { name } = await selectBackend(wanted === undefined ? {} : { prefer: wanted as BackendName });
const policy = createVlm(config, randomWeights(config, { seed: 1 }));

/** Milliseconds of a generation of `tokens` tokens in each row. */
async function generate(rows: number, tokens: number): Promise<number> {
  const start = performance.now();
  for await (const completion of policy.generate([prompt], {
    n: rows,
    maxNewTokens: tokens,
    seed: 1,
    stopTokenIds: [],
  }))
    void completion;
  return performance.now() - start;
}

const STEPS = 4;
for (const rows of [8, 32, 64, 128]) {
  await generate(rows, 2);
  // The first token comes from the prompt: the difference is the time of the steps alone.
  const first = await generate(rows, 1);
  const all = await generate(rows, 1 + STEPS);
  const msPerStep = Number(((all - first) / STEPS).toFixed(1));
  console.log(JSON.stringify({ backend: name, what: "decode, 151,936 tokens", rows, msPerStep }));
}
policy.dispose();

/**
 * Decoding by our own kernels beside the backend's ops, in turn: node tools/run.mjs packages/policy/src/decoding.bench.ts
 * [tensorflow|wasm] [rows ..]. The model has SmolLM2-135M's shape and random weights. Milliseconds of a step, the least of
 * three rounds, packing the weights apart; one JSON line per number of rows.
 */
import { selectBackend, type BackendName } from "@v-triune/backend";
import { randomWeights, type VlmPolicy } from "./index";
import { smallLanguageModel } from "./testing/tiny-model";
import { createVlm } from "./folder/read-model";

const config = smallLanguageModel();
const [wanted, ...counts] = process.argv.slice(2);
const { name } = await selectBackend(wanted === undefined ? {} : { prefer: wanted as BackendName });
const policies = (["kernels", "backend"] as const).map((decodeWith) => ({
  decodeWith,
  policy: createVlm(config, randomWeights(config, { seed: 1 }), {
    decodeWith,
    freeze: ["vision", "connector", "language"],
  }),
}));
const prompt = { promptIds: Int32Array.from({ length: 64 }, (_, i) => 10 + i) };
const STEPS = 8;

/** Milliseconds of a step, and of what is before the first: the prompt, and packing the weights. */
async function timed(policy: VlmPolicy, rows: number): Promise<{ step: number; start: number }> {
  const asked = performance.now();
  let first = 0;
  const stopWhen = (): boolean => {
    if (first === 0) first = performance.now();
    return false;
  };
  const options = { n: rows, maxNewTokens: 1 + STEPS, seed: 1, stopTokenIds: [], stopWhen };
  for await (const completion of policy.generate([prompt], options)) void completion;
  return { step: (performance.now() - first) / STEPS, start: first - asked };
}

for (const rows of counts.length === 0 ? [1, 8, 32] : counts.map(Number)) {
  const least: Record<string, { step: number; start: number }> = {};
  for (let round = 0; round < 3; round++) {
    for (const { decodeWith, policy } of policies) {
      const { step, start } = await timed(policy, rows);
      const best = least[decodeWith];
      least[decodeWith] = {
        step: Math.min(step, best?.step ?? Infinity),
        start: Math.min(start, best?.start ?? Infinity),
      };
    }
  }
  const rounded = (value: number): number => Number(value.toFixed(1));
  const { kernels, backend } = least as Record<"kernels" | "backend", { step: number; start: number }>;
  console.log(
    JSON.stringify({
      backend: name,
      rows,
      kernelsMsPerStep: rounded(kernels.step),
      opsMsPerStep: rounded(backend.step),
      ratio: rounded(backend.step / kernels.step),
      kernelsStartMs: rounded(kernels.start),
      opsStartMs: rounded(backend.start),
    }),
  );
}
for (const { policy } of policies) policy.dispose();

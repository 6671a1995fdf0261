import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSamples } from "@v-triune/data-filters";
import { createProcessor, type Tokenizer } from "@v-triune/policy";
import { createPromptMaker, createRandom, type RolloutEngine } from "@v-triune/rollouts";
import { checkRolloutEngine } from "@v-triune/rollouts/conformance";
import { parseSample } from "@v-triune/schema";
import { resolveTrainingConfig, runTraining } from "v-triune";

// Answers that were recorded before, for example of a larger model, by the prompt's id.
function recordedEngine(
  tokenizer: Tokenizer,
  answers: ReadonlyMap<string, readonly string[]>,
): RolloutEngine {
  const end = tokenizer.tokenId(tokenizer.eosToken ?? "<|im_end|>");
  return {
    name: "recorded",
    async *generate(prompts, { n, temperature, maxNewTokens, seed, signal }) {
      for (const [promptIndex, { id }] of prompts.entries()) {
        const choices = answers.get(id) ?? [""];
        for (let sampleIndex = 0; sampleIndex < n; sampleIndex++) {
          signal?.throwIfAborted();
          const chosen = temperature === 0 ? 0 : (seed + sampleIndex) % choices.length;
          const ids = [...tokenizer.encode(choices[chosen] ?? ""), end];
          yield {
            promptIndex,
            sampleIndex,
            tokenIds: Int32Array.from(ids.slice(0, maxNewTokens)),
            finishReason: ids.length > maxNewTokens ? "length" : "stop",
          };
        }
      }
    },
  };
}

const model = "node_modules/v-triune/assets/demo-model"; // or any Qwen2.5-VL folder
const processor = createProcessor(model);
const samples = [2, 3].map((number) =>
  parseSample({
    data_source: "sums",
    prompt: [{ role: "user", content: `What is ${number} + ${number}?` }],
    reward_model: { ground_truth: `\\boxed{${2 * number}}`, verifier: "mathverify" },
    extra_info: { id: String(number) },
  }),
);
const engine = recordedEngine(
  processor.tokenizer,
  new Map([
    ["sums/2", ["\\boxed{4}", "\\boxed{5}"]],
    ["sums/3", ["\\boxed{6}", "\\boxed{9}"]],
  ]),
);

const makePrompt = createPromptMaker({ processor, pool: null, maxPromptTokens: null });
const prompts = await Promise.all(
  samples.map((sample) =>
    makePrompt(sample, `sums/${sample.extra_info.id}`, createRandom(1)),
  ),
);
const findings = await checkRolloutEngine(engine, { prompts });
console.log(findings); // an empty list: it keeps the contract

const folder = mkdtempSync(join(tmpdir(), "recorded-"));
await writeSamples(join(folder, "train.parquet"), samples);
const config = resolveTrainingConfig({
  model,
  data: { train: join(folder, "train.parquet") },
  run: { folder: join(folder, "run"), steps: 1 },
  rollout: { promptsPerStep: 2, n: 4, maxNewTokens: 8 },
  backend: "wasm",
});
const { lastStep } = await runTraining(config, { engine });
console.log(`accuracy of the recorded answers: ${lastStep?.accuracyBySource["sums"]}`);
// []
// accuracy of the recorded answers: 0.5

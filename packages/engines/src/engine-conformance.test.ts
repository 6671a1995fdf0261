/**
 * The engines of this project against the conformance kit of their seam: the policy in this process, and servers of
 * each protocol.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selectBackend } from "@v-triune/backend";
import { heldOutQuestions, toSample, writeDemoModelFolder } from "@v-triune/demo-tasks";
import {
  type Processor,
  type VlmPolicy,
  createProcessor,
  createVlm,
  randomWeights,
  readModelConfig,
} from "@v-triune/policy";
import { type PreparedPrompt, createLocalEngine, createPromptMaker, createRandom } from "@v-triune/rollouts";
import { checkRolloutEngine } from "@v-triune/rollouts/conformance";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openRemoteEngine } from "./open-engine";
import { RolloutStandIn, type StandInOptions } from "./testing/rollout-stand-in";

const folder = mkdtempSync(join(tmpdir(), "v-triune-engines-"));
const model = join(folder, "model");
let policy: VlmPolicy;
let processor: Processor;
let prompts: PreparedPrompt[];
beforeAll(async () => {
  await selectBackend({ prefer: "wasm" });
  await writeDemoModelFolder(join(folder, "tokenizer"));
  const config = readModelConfig(join(folder, "tokenizer"));
  policy = createVlm(config, randomWeights(config, { seed: 1 }), { sourceFolder: join(folder, "tokenizer") });
  await policy.save(model);
  processor = createProcessor(model);
  const makePrompt = createPromptMaker({ processor, pool: null, maxPromptTokens: null });
  prompts = await Promise.all(
    heldOutQuestions(1)
      .slice(0, 3)
      .map(async ({ source, question }) =>
        makePrompt(await toSample(source, source, question), source, createRandom(1)),
      ),
  );
});
afterAll(() => {
  policy.dispose();
  rmSync(folder, { recursive: true, force: true });
});

it("holds of the policy in this process", async () => {
  expect(await checkRolloutEngine(createLocalEngine(policy), { prompts })).toEqual([]);
});

it.each<Omit<StandInOptions, "model">>([{ protocol: "sglang" }, { protocol: "vllm", mode: "lora" }])(
  "holds of a server that speaks the protocol of $protocol",
  async (options) => {
    const server = await RolloutStandIn.start({ model, ...options });
    try {
      const engine = await openRemoteEngine({
        config: {
          kind: "auto",
          servers: [server.url],
          model: null,
          apiKeyEnv: null,
          parallel: null,
          timeout: 60,
          retries: 2,
          promptTokens: "error",
          staleWeights: "allow",
          weights: { sync: "none", folder: null, serverFolder: null },
        },
        processor,
        endTokenIds: policy.config.eosTokenIds,
        temperature: 1,
        adapter: false,
        modelFolder: async () => model,
      });
      expect(engine.givesForeignLogProbs).toBe(true);
      expect(await checkRolloutEngine(engine, { prompts })).toEqual([]);
    } finally {
      await server.stop();
    }
  },
);

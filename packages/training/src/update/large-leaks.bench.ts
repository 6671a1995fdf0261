/**
 * Tensors and memory after 200 generations and updates of 135 M parameters: npm run bench -- large-leaks
 *
 * Native TensorFlow; the whole model, an adapter, and an adapter over weights in bfloat16 with gradient checkpointing.
 * Each in a process of its own: a prompt with a picture, 4 answers of 8 tokens, one update by AdamW. The picture is
 * another one in each round. One JSON line per kind: tensors, and bytes of them, after the last round less those after
 * the first; and what the process holds after rounds 20, 100 and the last.
 *
 * BENCH_KINDS=full,lora,lora-bfloat16 (default: all), BENCH_ROUNDS=200.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "@v-triune/backend";
import { createLearner } from "@v-triune/grpo";
import { type VlmOptions, type PromptInput, type TokenizedRollout, type VlmConfig, loadVlm } from "@v-triune/policy";
import { writeModelOfSize } from "../testing/model-shapes";

const adapter = { rank: 16, alpha: 32 };
const kinds: Record<string, VlmOptions> = {
  full: {},
  lora: { adapter },
  "lora-bfloat16": { adapter, dtype: "bfloat16", gradientCheckpointing: true },
};
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 200);
/** Patches of a side of the picture. */
const PATCHES = 8;

const [kind, folder] = process.argv.slice(2);
await selectBackend({ prefer: "tensorflow" });
if (kind !== undefined) await count(kinds[kind]!, folder!);
else {
  const home = mkdtempSync(join(tmpdir(), "v-triune-leaks-"));
  try {
    await writeModelOfSize(home, "135M");
    for (const name of process.env.BENCH_KINDS?.split(",") ?? Object.keys(kinds)) {
      if (!(name in kinds)) throw new Error(`BENCH_KINDS names ${name}; there are ${Object.keys(kinds).join(", ")}`);
      const command = [...process.execArgv, process.argv[1]!, name, home];
      const { stdout, status } = spawnSync(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
      if (status !== 0) throw new Error(`${name}: exit code ${status}`);
      console.log(JSON.stringify({ kind: name, load: loadavg()[0], ...JSON.parse(stdout.toString()) }));
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** One process's rounds, as a JSON line. */
async function count(options: VlmOptions, model: string): Promise<void> {
  const policy = await loadVlm(model, options);
  const learner = createLearner({ policy, optimizer: { learningRate: 1e-5 } });
  const { imageTokenId, videoTokenId } = policy.config;
  const megabytes: Record<number, number> = {};
  let first = tf.memory();
  for (let round = 0; round <= ROUNDS; round++) {
    const prompt = promptOf(policy.config, round);
    const rows: TokenizedRollout[] = [];
    for await (const { tokenIds } of policy.generate([prompt], {
      n: 4,
      maxNewTokens: 8,
      seed: round,
      stopTokenIds: [],
      bannedTokenIds: [imageTokenId, videoTokenId],
    }))
      rows.push({ ...prompt, group: 0, completionIds: tokenIds });
    learner.update(rows.map((row, i) => ({ row, advantage: i % 2 === 0 ? 1 : -1 })));
    if (round === 0) first = tf.memory();
    if (round === 20 || round === 100 || round === ROUNDS)
      megabytes[round] = Math.round(process.memoryUsage.rss() / 2 ** 20);
  }
  const last = tf.memory();
  console.log(
    JSON.stringify({
      rounds: ROUNDS,
      tensorsLeft: last.numTensors - first.numTensors,
      bytesLeft: last.numBytes - first.numBytes,
      processMegabytes: megabytes,
    }),
  );
  policy.dispose();
}

function promptOf({ vision, ...config }: VlmConfig, round: number): PromptInput {
  const tokens = (PATCHES / vision.spatialMergeSize) ** 2;
  const numbers = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const promptIds = Int32Array.from({ length: tokens + 12 }, (_, t) => 10 + ((t * 104_729) % 5000));
  promptIds[0] = config.visionStartTokenId;
  promptIds.fill(config.imageTokenId, 1, 1 + tokens);
  const pixelValues = Float32Array.from({ length: PATCHES ** 2 * numbers }, (_, i) => Math.sin(0.37 * i + round));
  return { promptIds, images: { pixelValues, gridThw: [[1, PATCHES, PATCHES]] } };
}

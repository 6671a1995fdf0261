/** Hidden states, logits, log-probabilities and entropies against the reference's. */
import * as tf from "@tensorflow/tfjs-core";
import { differenceOnTokens } from "./model-differences";
import { largestDifference } from "./parity";
import type { ReferenceCase } from "./model-case";

/** The largest logit difference that is allowed. */
export const LOGITS = 2e-4;
const LOG_PROBS = 1e-4;
const FEATURES = 1e-4;

/** What the rows of the table call the values that a forward pass traces. */
const TRACED: Readonly<Record<string, string>> = {
  hidden: "hidden states (relative)",
  "vision.block": "vision blocks (relative)",
  "vision.merged": "image embeddings",
  "vision.patch_embed": "patch embeddings",
  "vision.pos_embeds": "interpolated position table",
  "vision.deepstack": "DeepStack features",
};

/** The forward pass of whole sequences. */
export async function checkForward({
  ledger,
  policy,
  values,
  batch: { prompts, rowOf },
  name,
}: ReferenceCase): Promise<void> {
  const traced = new Map<string, Float32Array>();
  const logits = policy.forward(
    prompts,
    (key, tensor) => values.has(key) && traced.set(key, tensor.dataSync().slice() as Float32Array),
  );
  const actual = (await logits.data()) as Float32Array;
  logits.dispose();
  for (const [key, data] of traced) {
    const expected = values.readFloat32(key);
    const quantity = key.replace(/\.\d+$/, "");
    const ofTokens = key.startsWith("hidden.");
    const error = ofTokens ? differenceOnTokens(data, expected, rowOf) : largestDifference(data, expected).error;
    // Hidden states grow with depth, so they are held to their own size.
    ledger.compare(
      TRACED[quantity] ?? quantity,
      quantity === "hidden" || quantity === "vision.block" ? error / Math.max(1, largest(expected)) : error,
      FEATURES,
      `${name}, ${key}`,
    );
  }
  if (values.has("logits"))
    ledger.compare("logits", differenceOnTokens(actual, values.readFloat32("logits"), rowOf), LOGITS, name);
  if (!values.has("token_logps")) return;
  const vocabulary = policy.config.text.vocabSize;
  const expected = {
    logP: values.readFloat32("token_logps"),
    entropy: values.has("token_entropy") ? values.readFloat32("token_entropy") : undefined,
  };
  const width = rowOf.length / prompts.length;
  prompts.forEach((prompt, b) => {
    const first = width - prompt.promptIds.length;
    for (let t = 0; t + 1 < prompt.promptIds.length; t++) {
      const row = rowOf[b * width + first + t]!;
      const { logP, entropy } = distribution(
        actual.subarray(row * vocabulary, (row + 1) * vocabulary),
        prompt.promptIds[t + 1]!,
      );
      const at = b * (width - 1) + first + t;
      ledger.compare(
        "log-probabilities of tokens",
        Math.abs(logP - expected.logP[at]!),
        LOG_PROBS,
        `${name}, row ${b}, token ${first + t + 1}`,
      );
      if (expected.entropy)
        ledger.compare(
          "entropies",
          Math.abs(entropy - expected.entropy[at]!),
          LOG_PROBS,
          `${name}, row ${b}, token ${first + t + 1}`,
        );
    }
  });
}

/**
 * The training path: what follows the last picture is taken for a completion, twice over, so that a prompt is shared.
 */
export async function checkCompletions({
  ledger,
  policy,
  values,
  batch: { prompts, width },
  name,
}: ReferenceCase): Promise<void> {
  if (!values.has("token_logps") || !values.has("token_entropy")) return;
  const { imageTokenId, videoTokenId } = policy.config;
  const rows = prompts.flatMap((prompt) => {
    const cut = Math.max(
      2,
      1 + prompt.promptIds.reduce((last, id, i) => (id === imageTokenId || id === videoTokenId ? i : last), 0),
    );
    const row = {
      ...prompt,
      promptIds: prompt.promptIds.subarray(0, cut),
      completionIds: prompt.promptIds.subarray(cut),
    };
    return [row, { ...row, completionIds: row.completionIds.subarray(0, Math.ceil(row.completionIds.length / 2)) }];
  });
  const { logProbs, entropy } = policy.logProbs(rows, { width, entropy: true });
  const [logP, entropies] = (await Promise.all([logProbs.data(), entropy!.data()])) as [Float32Array, Float32Array];
  tf.dispose([logProbs, entropy!]);
  const expected = [values.readFloat32("token_logps"), values.readFloat32("token_entropy")] as const;
  rows.forEach((row, r) => {
    const b = r >> 1;
    const first = width - prompts[b]!.promptIds.length + row.promptIds.length;
    row.completionIds.forEach((_, t) => {
      const at = b * (width - 1) + first + t - 1;
      ledger.compare(
        "log-probabilities of completions",
        Math.abs(logP[r * width + t]! - expected[0][at]!),
        LOG_PROBS,
        `${name}, row ${b}, token ${first + t}`,
      );
      ledger.compare(
        "entropies of completions",
        Math.abs(entropies[r * width + t]! - expected[1][at]!),
        LOG_PROBS,
        `${name}, row ${b}, token ${first + t}`,
      );
    });
  });
}

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function distribution(logits: Float32Array, target: number): { logP: number; entropy: number } {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  let weighted = 0;
  for (const logit of logits) {
    const weight = Math.exp(logit - most);
    sum += weight;
    weighted += weight * (logit - most);
  }
  return { logP: logits[target]! - most - Math.log(sum), entropy: Math.log(sum) - weighted / sum };
}

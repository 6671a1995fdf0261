/**
 * The model against a folder made by transformers: config.json, model.safetensors, index.json and cases/NAME.{json,
 * safetensors} with inputs, positions, window order, hidden states, logits, losses, gradients and greedy tokens. Losses are
 * the mean negative log-likelihood of the labels and a clipped policy loss with a KL penalty, as the folder's README says.
 */
import * as tf from "@tensorflow/tfjs-core";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readModelConfigFile, type Qwen25VlConfig } from "../config/model-config";
import { gatherRows } from "../kernels/gather-rows";
import { loadQwen25Vl } from "../policy/load";
import { mropePositions } from "../model/mrope-positions";
import type { Qwen25VlPolicy } from "../policy/qwen25-vl-policy";
import type { PromptInput, VisualInput } from "../model/tokenized-rollout";
import { visionRotary } from "../model/rotary-tables";
import { visionLayout, type GridThw } from "../model/vision-layout";
import type { AttentionPlan } from "../kernels/attention-plan";
import { openSafetensors, type SafetensorsReader } from "../safetensors/reader";
import { largestDifference, ParityLedger, type ParityCheck, type ParityRow } from "./parity";
import { folderOf, peekJson, readReference } from "./reference-files";

const LOGITS = 2e-4;
const LOG_PROBS = 1e-4;
const FEATURES = 1e-4;
const LOSS = 1e-5;
const GRADIENTS = 1e-4;

interface CaseFile {
  readonly input_ids: readonly (readonly number[])[];
  readonly attention_mask: readonly (readonly number[])[];
  readonly position_ids?: readonly (readonly (readonly number[])[])[];
  readonly image_grid_thw?: readonly GridThw[];
  readonly video_grid_thw?: readonly GridThw[];
  readonly second_per_grid_ts?: readonly number[];
  readonly vision?: {
    readonly position_ids_hw: readonly (readonly [number, number])[];
    readonly window_index: readonly number[];
    readonly cu_window_seqlens: readonly number[];
    readonly cu_seqlens: readonly number[];
  };
  readonly labels?: readonly (readonly number[])[];
  readonly nll_loss?: number;
  readonly grpo_loss?: number;
  readonly "grad_l2.nll"?: Readonly<Record<string, number | null>>;
  readonly "grad_l2.grpo"?: Readonly<Record<string, number | null>>;
  readonly greedy?: { readonly max_new_tokens: number; readonly new_tokens: readonly (readonly number[])[] };
  readonly greedy_eos?: {
    readonly max_new_tokens: number;
    readonly eos: number;
    readonly pad: number;
    readonly new_tokens: readonly (readonly number[])[];
  };
}

/** A batch of the reference without its padding. */
export interface ReferenceBatch {
  readonly prompts: readonly PromptInput[];
  /** The packed row of each place of the padded batch, -1 on padding, [B · S]. */
  readonly rowOf: Int32Array;
  readonly width: number;
}

/** The check for `npm run parity`. */
export const qwen25VlParity: ParityCheck = { name: "Qwen2.5-VL", recognise: recogniseQwen25Vl, check: checkQwen25Vl };

/** Whether a folder holds a model and reference cases for it. */
export function recogniseQwen25Vl(path: string): boolean {
  const folder = folderOf(path);
  return (
    folder !== undefined &&
    existsSync(join(folder, "cases")) &&
    existsSync(join(folder, "config.json")) &&
    Array.isArray(peekJson(join(folder, "index.json"))?.["cases"])
  );
}

/**
 * Compares everything the folder has values for, on the current backend.
 *
 * @throws ParityError, ModelConfigError or WeightsError when a file is missing or malformed
 */
export async function checkQwen25Vl(path: string): Promise<ParityRow[]> {
  const folder = folderOf(path) ?? path;
  const ledger = new ParityLedger();
  const policy = await loadQwen25Vl(folder);
  try {
    const flat = join(folder, "config.hub_style.json");
    if (existsSync(flat)) {
      const { text, vision, ...rest } = readModelConfigFile(flat);
      const same = (a: object, b: object): boolean => JSON.stringify(a) === JSON.stringify(b);
      ledger.exact(
        "config.json in both layouts",
        same(text, policy.config.text) &&
          same(vision, policy.config.vision) &&
          rest.imageTokenId === policy.config.imageTokenId,
        flat,
      );
    }
    for (const file of readdirSync(join(folder, "cases"))
      .filter((name) => /^[^.]+\.json$/.test(name))
      .sort()) {
      const values = openSafetensors(join(folder, "cases", file.replace(/\.json$/, ".safetensors")));
      try {
        await checkCase(
          ledger,
          policy,
          readReference<CaseFile>(join(folder, "cases", file), ["input_ids", "attention_mask"]),
          values,
          file.replace(/\.json$/, ""),
        );
      } finally {
        values.close();
      }
    }
  } finally {
    policy.dispose();
  }
  return ledger.rows();
}

/** Takes the padding off a reference batch and gives each row its own pictures. */
export function referenceBatch(
  reference: Pick<
    CaseFile,
    "input_ids" | "attention_mask" | "image_grid_thw" | "video_grid_thw" | "second_per_grid_ts"
  >,
  values: SafetensorsReader,
  config: Qwen25VlConfig,
): ReferenceBatch {
  const { input_ids: ids, attention_mask: mask } = reference;
  const width = ids[0]?.length ?? 0;
  const images = visualQueue(
    reference.image_grid_thw ?? [],
    values.has("pixel_values") ? values.readFloat32("pixel_values") : undefined,
    config,
    undefined,
  );
  const videos = visualQueue(
    reference.video_grid_thw ?? [],
    values.has("pixel_values_videos") ? values.readFloat32("pixel_values_videos") : undefined,
    config,
    reference.second_per_grid_ts,
  );
  const rowOf = new Int32Array(ids.length * width).fill(-1);
  let packed = 0;
  const prompts = ids.map((row, b): PromptInput => {
    const own = row.filter((_, s) => mask[b]![s] === 1);
    row.forEach((_, s) => mask[b]![s] === 1 && (rowOf[b * width + s] = packed++));
    const image = images(own.filter((id) => id === config.imageTokenId).length);
    const video = videos(own.filter((id) => id === config.videoTokenId).length);
    return {
      promptIds: Int32Array.from(own),
      ...(image ? { images: image } : {}),
      ...(video ? { videos: video } : {}),
    };
  });
  return { prompts, rowOf, width };
}

/** Hands out pictures in order, as many as fill a number of placeholders. */
function visualQueue(
  grids: readonly GridThw[],
  pixels: Float32Array | undefined,
  config: Qwen25VlConfig,
  seconds: readonly number[] | undefined,
): (placeholders: number) => VisualInput | undefined {
  const { inChannels, temporalPatchSize, patchSize, spatialMergeSize } = config.vision;
  const width = inChannels * temporalPatchSize * patchSize ** 2;
  let picture = 0;
  let patch = 0;
  return (placeholders) => {
    if (placeholders === 0 || !pixels) return undefined;
    const first = picture;
    const start = patch;
    while (picture < grids.length && (patch - start) / spatialMergeSize ** 2 < placeholders)
      patch += grids[picture++]!.reduce((product, n) => product * n, 1);
    return {
      pixelValues: pixels.subarray(start * width, patch * width),
      gridThw: grids.slice(first, picture),
      ...(seconds ? { secondsPerGrid: seconds.slice(first, picture) } : {}),
    };
  };
}

async function checkCase(
  ledger: ParityLedger,
  policy: Qwen25VlPolicy,
  reference: CaseFile,
  values: SafetensorsReader,
  name: string,
): Promise<void> {
  const { config } = policy;
  const batch = referenceBatch(reference, values, config);
  checkPositions(ledger, reference, batch, config, name);
  checkVisionLayout(ledger, reference, values, batch, config, name);
  await checkForward(ledger, policy, values, batch, name);
  await checkCompletions(ledger, policy, values, batch, name);
  await checkLosses(ledger, policy, reference, values, batch, name);
  await checkGreedy(ledger, policy, reference, values, batch, name);
}

function checkPositions(
  ledger: ParityLedger,
  reference: CaseFile,
  { prompts, width }: ReferenceBatch,
  config: Qwen25VlConfig,
  name: string,
): void {
  prompts.forEach((prompt, b) => {
    const { positions } = mropePositions(prompt, config);
    const count = prompt.promptIds.length;
    for (let axis = 0; axis < 3 && reference.position_ids; axis++) {
      const expected = reference.position_ids[axis]![b]!.filter((_, s) => reference.attention_mask[b]![s] === 1);
      ledger.exact(
        "position ids",
        expected.every((position, t) => positions[axis * count + t] === position),
        `${name}, row ${b} of ${width}, axis ${axis}`,
      );
    }
  });
}

function checkVisionLayout(
  ledger: ParityLedger,
  reference: CaseFile,
  values: SafetensorsReader,
  { prompts }: ReferenceBatch,
  config: Qwen25VlConfig,
  name: string,
): void {
  const { vision } = reference;
  const inputs = prompts.flatMap(({ images, videos }) =>
    [images, videos].filter((input): input is VisualInput => input !== undefined),
  );
  if (!vision || inputs.length === 0) return;
  const layout = visionLayout(
    inputs.flatMap(({ gridThw }) => [...gridThw]),
    config.vision,
  );
  const ends = (plan: AttentionPlan): string => [0, ...plan.segments.map(({ start, count }) => start + count)].join();
  ledger.exact("patch positions", layout.positions.join() === vision.position_ids_hw.join(), name);
  ledger.exact("window order", layout.windowIndex.join() === vision.window_index.join(), name);
  ledger.exact("attention windows", ends(layout.windowed) === vision.cu_window_seqlens.join(), name);
  ledger.exact("attention frames", ends(layout.full) === vision.cu_seqlens.join(), name);
  const inOrder = Int32Array.from({ length: layout.tokens }, (_, i) => i);
  const { cos, sin, half } = visionRotary(layout.positions, inOrder, config.vision);
  for (const [key, table] of [
    ["vision.rope_cos", cos],
    ["vision.rope_sin", sin],
  ] as const) {
    if (!values.has(key)) continue;
    const expected = values.readFloat32(key).filter((_, i) => i % (2 * half) < half);
    ledger.compare("vision rotary table", largestDifference(table, expected).error, 1e-6, `${name}, ${key}`);
  }
}

async function checkForward(
  ledger: ParityLedger,
  policy: Qwen25VlPolicy,
  values: SafetensorsReader,
  { prompts, rowOf }: ReferenceBatch,
  name: string,
): Promise<void> {
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
      quantity === "hidden"
        ? "hidden states (relative)"
        : quantity === "vision.block"
          ? "vision blocks (relative)"
          : "image embeddings",
      quantity === "vision.merged" ? error : error / Math.max(1, largest(expected)),
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

/** The training path: what follows the last picture is taken for a completion, twice over, so that a prompt is shared. */
async function checkCompletions(
  ledger: ParityLedger,
  policy: Qwen25VlPolicy,
  values: SafetensorsReader,
  { prompts, width }: ReferenceBatch,
  name: string,
): Promise<void> {
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

async function checkLosses(
  ledger: ParityLedger,
  policy: Qwen25VlPolicy,
  reference: CaseFile,
  values: SafetensorsReader,
  { prompts, rowOf, width }: ReferenceBatch,
  name: string,
): Promise<void> {
  const { labels } = reference;
  if (!labels) return;
  const places: number[] = [];
  const rows: number[] = [];
  const targets: number[] = [];
  labels.forEach((row, b) =>
    row.forEach((label, s) => {
      if (s === 0 || label === -100) return;
      places.push(b * (width - 1) + s - 1);
      rows.push(rowOf[b * width + s - 1]!);
      targets.push(label);
    }),
  );
  const logP = (): tf.Tensor1D => {
    const picked = gatherRows(policy.forward(prompts), Int32Array.from(rows));
    const hot = tf.cast(tf.oneHot(tf.tensor1d(targets, "int32"), policy.config.text.vocabSize), "float32");
    return tf.sub(tf.sum(tf.mul(picked, hot), 1), tf.logSumExp(picked, 1)) as tf.Tensor1D;
  };
  const pick = (key: string): tf.Tensor1D => {
    const all = values.readFloat32(key);
    return tf.tensor1d(places.map((place) => all[place]!));
  };
  const losses: Record<"nll" | "grpo", () => tf.Scalar> = {
    nll: () => tf.neg(tf.mean(logP())) as tf.Scalar,
    grpo: () => {
      const current = logP();
      const [advantages, old, frozen] = [pick("advantages"), pick("old_logps"), pick("ref_logps")];
      const ratio = tf.exp(tf.sub(current, old));
      const clipped = tf.maximum(
        tf.neg(tf.mul(advantages, ratio)),
        tf.neg(tf.mul(advantages, tf.clipByValue(ratio, 0.8, 1.28))),
      );
      const loss = tf.where(tf.less(advantages, 0), tf.minimum(tf.mul(advantages, -3), clipped), clipped);
      const distance = tf.sub(frozen, current);
      return tf.add(tf.mean(loss), tf.mul(tf.mean(tf.sub(tf.sub(tf.exp(distance), distance), 1)), 0.05));
    },
  };
  for (const tag of ["nll", "grpo"] as const) {
    const expected = reference[`${tag}_loss`];
    if (expected === undefined) continue;
    const { value, grads } = tf.variableGrads(
      () => tf.tidy(losses[tag]),
      policy.parameters.map(({ variable }) => variable),
    );
    ledger.compare(`loss (${tag})`, Math.abs((await value.data())[0]! - expected), LOSS, name);
    for (const parameter of policy.parameters) {
      const gradient = grads[parameter.variable.name];
      const data = gradient ? ((await gradient.data()) as Float32Array) : new Float32Array(parameter.variable.size);
      const where = `${name}, ${tag}, ${parameter.name}`;
      const key = `grad.${tag}.${parameter.name}`;
      if (values.has(key))
        ledger.compare("gradients (relative L2)", relativeL2(data, values.readFloat32(key)), GRADIENTS, where);
      const size = reference[`grad_l2.${tag}`]?.[parameter.name];
      // Biases of keys have gradients that cancel to nothing but rounding: a norm is held to at least a small one.
      if (size !== undefined)
        ledger.compare(
          "norms of gradients (relative)",
          Math.abs(Math.hypot(...chunkNorms(data)) - (size ?? 0)) / Math.max(size ?? 0, 1e-2),
          GRADIENTS,
          where,
        );
    }
    tf.dispose([value, grads]);
  }
}

async function checkGreedy(
  ledger: ParityLedger,
  policy: Qwen25VlPolicy,
  reference: CaseFile,
  values: SafetensorsReader,
  { prompts }: ReferenceBatch,
  name: string,
): Promise<void> {
  const { greedy, greedy_eos: stopped } = reference;
  if (greedy) {
    for await (const { promptIndex, tokenIds } of policy.generate(prompts, {
      temperature: 0,
      maxNewTokens: greedy.max_new_tokens,
      seed: 0,
      stopTokenIds: [],
    })) {
      ledger.exact(
        "greedy tokens",
        tokenIds.join() === greedy.new_tokens[promptIndex]!.join(),
        `${name}, row ${promptIndex}`,
      );
    }
    if (values.has("greedy.logits")) {
      const sequences = prompts.map((prompt, b) => ({
        ...prompt,
        promptIds: Int32Array.of(...prompt.promptIds, ...greedy.new_tokens[b]!.slice(0, -1)),
      }));
      const logits = policy.forward(sequences);
      const data = (await logits.data()) as Float32Array;
      logits.dispose();
      const expected = values.readFloat32("greedy.logits");
      const steps = greedy.max_new_tokens * policy.config.text.vocabSize;
      let end = 0;
      sequences.forEach(({ promptIds }, b) => {
        end += promptIds.length * policy.config.text.vocabSize;
        ledger.compare(
          "logits of greedy steps",
          largestDifference(data.subarray(end - steps, end), expected.subarray(b * steps, (b + 1) * steps)).error,
          LOGITS,
          `${name}, row ${b}`,
        );
      });
    }
  }
  if (!stopped) return;
  for await (const { promptIndex, tokenIds } of policy.generate(prompts, {
    temperature: 0,
    maxNewTokens: stopped.max_new_tokens,
    seed: 0,
    stopTokenIds: [stopped.eos],
  })) {
    const expected = stopped.new_tokens[promptIndex]!;
    const end = expected.indexOf(stopped.eos);
    ledger.exact(
      "greedy tokens up to a stop token",
      tokenIds.join() === (end < 0 ? expected : expected.slice(0, end + 1)).join(),
      `${name}, row ${promptIndex}`,
    );
  }
}

/** The largest difference on real tokens between packed rows and a padded batch. */
export function differenceOnTokens(packed: Float32Array, padded: Float32Array, rowOf: Int32Array): number {
  const width = padded.length / rowOf.length;
  let worst = 0;
  rowOf.forEach((row, place) => {
    if (row < 0) return;
    worst = Math.max(
      worst,
      largestDifference(
        packed.subarray(row * width, (row + 1) * width),
        padded.subarray(place * width, (place + 1) * width),
      ).error,
    );
  });
  return worst;
}

/** |a - b| / |b|. */
export function relativeL2(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return Math.sqrt(difference / Math.max(size, 1e-30));
}

function chunkNorms(values: Float32Array): number[] {
  const out: number[] = [];
  for (let start = 0; start < values.length; start += 4096)
    out.push(Math.sqrt(values.subarray(start, start + 4096).reduce((sum, value) => sum + value * value, 0)));
  return out;
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

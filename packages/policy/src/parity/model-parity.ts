/**
 * The model against a folder made by transformers: config.json, model.safetensors, index.json and cases/NAME.{json,
 * safetensors} with inputs, positions, window order, hidden states, logits, losses, gradients and greedy tokens. Losses
 * are the mean negative log-likelihood of the labels and a clipped policy loss with a KL penalty, as the folder's
 * README says.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Qwen25VisionConfig } from "../families/qwen2-5-vl/config";
import { windowLayout } from "../families/qwen2-5-vl/window-layout";
import type { Qwen3VisionConfig } from "../families/qwen3-vl/config";
import { positionTaps } from "../families/qwen3-vl/position-table";
import type { AttentionPlan } from "../kernels/attention-plan";
import { mropePositions } from "../model/mrope-positions";
import { patchLayout } from "../vision/patch-layout";
import { visionRotary } from "../vision/vision-rotary";
import type { VisualInput } from "../vision/visual-input";
import { largestDifference, ParityLedger, type ParityCheck, type ParityRow } from "./parity";
import { referenceBatch, type CaseFile, type ReferenceCase } from "./model-case";
import { checkCompletions, checkForward, LOGITS } from "./model-forward";
import { checkLosses } from "./model-losses";
import { folderOf, peekJson, readReference } from "./reference-files";
import type { VlmOptions } from "../policy/vlm-policy";
import { readModelConfigFile, loadVlm, openSafetensors } from "../folder/read-model";

/** The check for `npm run parity`. */
export const modelParity: ParityCheck = { name: "model", recognize: recognizeModel, check: checkModel };

/** Whether a folder holds a model and reference cases for it. */
export function recognizeModel(path: string): boolean {
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
export async function checkModel(path: string, options: Pick<VlmOptions, "computeWith"> = {}): Promise<ParityRow[]> {
  const folder = folderOf(path) ?? path;
  const ledger = new ParityLedger();
  const policy = await loadVlm(folder, options);
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
        const reference = readReference<CaseFile>(join(folder, "cases", file), ["input_ids", "attention_mask"]);
        const batch = referenceBatch(reference, values, policy.config);
        await checkCase({ ledger, policy, reference, values, batch, name: file.replace(/\.json$/, "") });
      } finally {
        values.close();
      }
    }
  } finally {
    policy.dispose();
  }
  return ledger.rows();
}

async function checkCase(one: ReferenceCase): Promise<void> {
  checkPositions(one);
  checkVisionLayout(one);
  await checkForward(one);
  await checkCompletions(one);
  await checkLosses(one);
  await checkGreedy(one);
}

function checkPositions({
  ledger,
  policy: { config },
  reference,
  batch: { prompts, width },
  name,
}: ReferenceCase): void {
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

function checkVisionLayout({
  ledger,
  policy: { config },
  reference,
  values,
  batch: { prompts },
  name,
}: ReferenceCase): void {
  const { vision } = reference;
  const inputs = prompts.flatMap(({ images, videos }) =>
    [images, videos].filter((input): input is VisualInput => input !== undefined),
  );
  if (!vision || inputs.length === 0) return;
  const grids = inputs.flatMap(({ gridThw }) => gridThw);
  const layout = patchLayout(grids, config.vision.spatialMergeSize);
  const ends = (plan: AttentionPlan): string => [0, ...plan.segments.map(({ start, count }) => start + count)].join();
  ledger.exact("patch positions", layout.positions.join() === vision.position_ids_hw.join(), name);
  ledger.exact("attention frames", ends(layout.frames) === vision.cu_seqlens.join(), name);
  if (vision.window_index && vision.cu_window_seqlens) {
    const { windowIndex, windowed } = windowLayout(grids, config.vision as Qwen25VisionConfig);
    ledger.exact("window order", windowIndex.join() === vision.window_index.join(), name);
    ledger.exact("attention windows", ends(windowed) === vision.cu_window_seqlens.join(), name);
  }
  if (vision.pos_embed_indices && values.has("vision.pos_embed_weights")) {
    const { positionTableSide } = config.vision as Qwen3VisionConfig;
    const { rows, weights } = positionTaps(grids, layout.positions, positionTableSide);
    const byPatch = (taps: readonly ArrayLike<number>[]): number[] =>
      Array.from({ length: 4 * layout.patches }, (_, i) => taps[i % 4]![Math.floor(i / 4)]!);
    ledger.exact("rows of the position table", byPatch(rows).join() === vision.pos_embed_indices.flat().join(), name);
    ledger.compare(
      "weights of the position table",
      largestDifference(byPatch(weights), values.readFloat32("vision.pos_embed_weights")).error,
      1e-6,
      name,
    );
  }
  const { cos, sin, half } = visionRotary(layout.positions, config.vision);
  for (const [key, table] of [
    ["vision.rope_cos", cos],
    ["vision.rope_sin", sin],
  ] as const) {
    if (!values.has(key)) continue;
    const expected = values.readFloat32(key).filter((_, i) => i % (2 * half) < half);
    ledger.compare("vision rotary table", largestDifference(table, expected).error, 1e-6, `${name}, ${key}`);
  }
}

async function checkGreedy({
  ledger,
  policy,
  reference,
  values,
  batch: { prompts },
  name,
}: ReferenceCase): Promise<void> {
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

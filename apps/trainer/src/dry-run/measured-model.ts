/**
 * The model that stands for the run's while time is measured: all of a small one; of a large one its widths and its
 * vocabulary with few layers, twice, so that the difference tells what a layer takes.
 */
import {
  type GradientCheckpointing,
  type VlmConfig,
  type VlmPolicy,
  createVlm,
  parameterShapes,
} from "@v-triune/policy";
import { frozenGroups } from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";
import { countNumbers } from "./step-work";

/** Models up to this size are measured as they are. */
const WHOLE_PARAMETERS = 200e6;
/** Different numbers in the weights. */
const TABLE = 1 << 16;

/**
 * @param tokens of the longest sequence that is measured
 * @returns the architecture itself, or two of fewer layers, the deeper first: its layers weigh as much as its
 *   vocabulary, so that their difference stands out
 */
export function measuredArchitectures(architecture: VlmConfig, tokens: number): VlmConfig[] {
  const { text } = architecture;
  const endless = {
    ...architecture,
    text: { ...text, maxPositionEmbeddings: Math.max(text.maxPositionEmbeddings, tokens) },
    // Answers have full length.
    eosTokenIds: [],
  };
  if (countNumbers(architecture) <= WHOLE_PARAMETERS) return [endless];
  const layer = countNumbers(architecture, ({ group, layer }) => group === "language" && layer === 0);
  const head = text.vocabSize * text.hiddenSize;
  const deep = Math.min(text.numLayers, Math.max(3, 1 + Math.ceil(head / layer)));
  return [thinned(endless, deep, 2), thinned(endless, 1, 1)];
}

/** The same widths with fewer layers and blocks of the tower. */
function thinned(architecture: VlmConfig, numLayers: number, depth: number): VlmConfig {
  const { vision } = architecture;
  return {
    ...architecture,
    text: { ...architecture.text, numLayers },
    // DeepStack takes results of blocks that are not there.
    vision: {
      ...vision,
      depth: Math.min(depth, vision.depth),
      ...("deepstackBlocks" in vision && { deepstackBlocks: [] }),
    },
  };
}

/** The policy as the run would open it, with other weights. @param gradientCheckpointing as the run decides it */
export function openMeasuredPolicy(
  { model, rollout, ...config }: TrainingConfig,
  architecture: VlmConfig,
  gradientCheckpointing: GradientCheckpointing,
  sourceFolder: string,
): VlmPolicy {
  const { adapter, dtype } = model;
  return createVlm(architecture, tableWeights(architecture), {
    sourceFolder,
    gradientCheckpointing,
    ...(dtype && { dtype }),
    ...(rollout.decodeWith && { decodeWith: rollout.decodeWith }),
    ...(config.update.computeWith && { computeWith: config.update.computeWith }),
    ...(adapter === null
      ? { freeze: frozenGroups({ model, rollout, ...config }) }
      : {
          adapter: {
            rank: adapter.rank,
            alpha: adapter.alpha,
            seed: 1,
            ...(adapter.targetModules === null ? {} : { targetModules: adapter.targetModules }),
          },
        }),
  });
}

/** Views of one array: time does not depend on weights, and a large model's would take a minute to draw. */
function tableWeights(architecture: VlmConfig): Map<string, Float32Array> {
  const shapes = parameterShapes(architecture).map(({ name, shape }) => ({
    name,
    isVector: shape.length === 1,
    size: shape.reduce((product, length) => product * length, 1),
  }));
  const table = new Float32Array(Math.max(TABLE, ...shapes.map(({ size }) => size)));
  for (let i = 0; i < TABLE; i++) table[i] = 0.06 * (((i * 7919) % TABLE) / TABLE - 0.5);
  for (let filled = TABLE; filled < table.length; filled *= 2) table.copyWithin(filled, 0, filled);
  return new Map(
    shapes.map(({ name, isVector, size }) => [
      name,
      isVector ? new Float32Array(size).fill(name.endsWith(".weight") ? 1 : 0) : table.subarray(0, size),
    ]),
  );
}

/**
 * What a run needs in memory, from the shapes of its tensors, before anything is loaded. All else is float32:
 *
 *   weights      4 bytes a parameter, 2 for what `model.dtype: bfloat16` keeps so; once more for the reference model of a
 *                KL term, and those of a teacher that is here
 *   gradients    4 bytes a trained parameter, and 4 more where an update has several micro-batches, for the sum; AdamW's
 *                moments 8
 *   activations  of one micro-batch: what a layer keeps for its backward pass, by layer and token
 *
 *                  4 hidden + 2 queries + 2 keys and values + 3 intermediate + heads     by kernels of ours
 *                  6 hidden + 2 keys and values + 3 intermediate + heads · keys seen     by TensorFlow's ops
 *                  the results of what an adapter adds to, where there is one; with one on attention alone, hidden and
 *                  intermediate once less: a product with weights that nothing changes keeps no input
 *
 *                numbers; or with gradient checkpointing `hidden`, and once what a layer keeps. With that of the MLPs alone,
 *                intermediate and its inputs once. Likewise by block and patch of the pictures, where the tower is trained
 *
 *   passing      logits of one chunk and what is made of them, what one layer computes on the way, and float32 copies of
 *                weights in bfloat16 while they are used; by TensorFlow's ops also scores of a batch of attention blocks
 *   process      Node, TensorFlow.js, the backend, DuckDB, what they grow by, and the thread that prepares prompts
 *   workers      each further thread on wasm: its own copy of the weights, and gradients and activations of its micro-batch;
 *                weights and gradients once more in the memory by which they are exchanged
 *   decoding     caches of our own kernels, and in WebAssembly the packed model; a step generates first and trains then, so
 *                the larger counts
 *
 * What allocators waste comes on top as a share of activations (`FRAGMENTATION`), which was measured: memory-estimate.bench.ts
 * trains models of several sizes and prints the estimate beside the peak of the process.
 */
import { totalmem } from "node:os";
import {
  type Arithmetic,
  type DecodingSize,
  type GradientCheckpointing,
  type ParameterGroup,
  type ParameterShape,
  type VlmConfig,
  arithmeticOf,
  chooseDecoder,
  countAdapterValues,
  decodesNatively,
  keptInBfloat16,
  kernelDecodingBytes,
  parameterShapes,
} from "@v-triune/policy";
import type { TrainingConfig } from "../config/training-config";
import { MOST_PARTS } from "../threads/one-threaded";
import { workerCount } from "../threads/worker-count";
import { SELF, modelArchitecture } from "./load-model";

/** Parameters as counts, everything else in bytes. */
export interface MemoryEstimate {
  readonly parameters: number;
  readonly trained: number;
  readonly weights: number;
  readonly reference: number;
  /** 0 for a teacher on a server. */
  readonly teacher: number;
  readonly gradients: number;
  readonly moments: number;
  readonly activations: number;
  /** Logits, one layer's steps, what allocators waste, and the process itself. */
  readonly passing: number;
  /** Of all tensors that an update holds at its peak: without the process, and what allocators waste. */
  readonly tensors: number;
  /** Caches of our own kernels while they generate, and a packed model; 0 where the backend or a server generates. */
  readonly decoding: number;
  /** Of `passing`: the process before a model is loaded. */
  readonly process: number;
  /** What further threads take that compute on wasm. */
  readonly threads: number;
  readonly gradientCheckpointing: GradientCheckpointing;
  /** Bytes of weights that `model.dtype: bfloat16` would save; 0 where it is on. */
  readonly savedByBfloat16: number;
  readonly total: number;
}

const GROUPS = ["vision", "connector", "language"] as const satisfies readonly ParameterGroup[];

/** Share of the machine's memory that a run may take: the rest is for the system, files and the dashboard. */
const USABLE = 0.8;
/**
 * Bytes that an allocator takes for activations, over theirs. Measured on two cores of an Emerald Rapids Xeon by
 * memory-estimate.bench.ts and the dry run's: own ops with 20 and 135 M; the others by earlier runs elsewhere.
 */
const FRAGMENTATION = { wasm: 1.3, ops: 1.3, "own-ops": 1.15 };
/**
 * A run before its model is loaded: Node, TensorFlow.js, the backend's libraries, DuckDB. And what it grows by in its
 * first steps, whatever the model: arrays that are not collected yet and, native, what TensorFlow keeps for each shape that
 * its products met. Measured there with 20,000 parameters, steps of 32 answers: after 6 and 60 steps 0.11 and 0.24 GB native
 * (0.07 after 36 with TF_ENABLE_ONEDNN_OPTS=0), 0.04 and 0.05 on wasm.
 */
const PROCESS_BYTES = { wasm: 0.3e9, native: 0.62e9 };
const GROWTH_BYTES = { wasm: 0.05e9, native: 0.15e9 };
/** A thread's own Node, libraries included. Measured. */
const THREAD_BYTES = 0.06e9;
/**
 * Numbers of one chunk of logits (policy/src/kernels/logits-in-chunks.ts, wasm/token-log-probs.ts), how many of that
 * size are there at once, with the entropies that a run reports, and what own ops keep of all chunks where the head is
 * trained.
 */
const LOGITS_CHUNK = 1 << 24;
const LOGITS_COPIES = { wasm: 2, ops: 8, "own-ops": 2 };
const KEPT_LOGITS = 1 << 26;
/** Rows that generation decodes at once (GenerateOptions.maxRows). */
const ROWS_AT_ONCE = 256;
/** Numbers of a head in bfloat16 that are float32 at a time (policy/src/kernels/head-products.ts). */
const WIDENED_HEAD = 1 << 24;
/** Queries of an attention block, and probabilities that are kept (policy/src/kernels/attention.ts). */
const QUERY_BLOCK = 512;
const KEPT_PROBABILITIES = 1 << 22;
/** Scores of one head in a batch of blocks (policy/src/kernels/attention-plan.ts), and how many of that size are there at once. */
const BLOCK_SCORES = 1 << 22;
const SCORE_COPIES = 6;

export interface EstimateOptions {
  /** Bytes of memory. Default: the machine's. */
  readonly available?: number;
  /** Of the longest prompt, pictures included. Default: not known, so that micro-batches are taken to be full. */
  readonly promptTokens?: number;
  /** Of them those of pictures. Default 0. */
  readonly pictureTokens?: number;
  /** Of the teacher's folder, see {@link teacherArchitecture}. */
  readonly teacher?: VlmConfig | undefined;
  /** Whether the backend's native kernels decode (policy's `decodesNatively`). Default false. */
  readonly nativeDecoding?: boolean;
  /** What computes an update (policy's `arithmeticOf`). Default "own-ops". */
  readonly arithmetic?: Arithmetic;
  /** Threads that compute (`workerCount`). Default 1. */
  readonly workers?: number;
}

/**
 * The estimate for a configuration and the model that it names, with gradient checkpointing as `usesGradientCheckpointing`
 * decides it.
 */
export function estimateMemory(
  config: TrainingConfig,
  architecture: VlmConfig,
  {
    available = totalmem(),
    promptTokens,
    pictureTokens = 0,
    teacher,
    nativeDecoding = false,
    arithmetic = "own-ops",
    workers = 1,
  }: EstimateOptions = {},
): MemoryEstimate {
  const { gradientCheckpointing, microBatchTokens, miniBatch } = config.update;
  const { n } = config.rollout;
  const ofUpdate =
    promptTokens === undefined ? Infinity : miniBatch * (promptTokens + n * answerTokens(config.rollout));
  // A backend with one thread cuts an update into parts, so that threads can share it (update/learner-config.ts).
  const part = arithmetic === "wasm" && promptTokens !== undefined ? ofUpdate / MOST_PARTS : Infinity;
  const row = (promptTokens ?? 0) + answerTokens(config.rollout);
  const group = (promptTokens ?? 0) + n * answerTokens(config.rollout);
  const tokens = Math.min(microBatchTokens, ofUpdate, Math.max(row, part));
  const estimate = (gradientCheckpointing: GradientCheckpointing): MemoryEstimate =>
    estimateWith(config, architecture, {
      tokens,
      predicted: predictedOf(tokens, config.rollout, promptTokens ?? 0),
      row,
      patches: {
        ofPrompt: pictureTokens * architecture.vision.spatialMergeSize ** 2,
        prompts: Math.max(1, Math.round(tokens / group)),
      },
      workers,
      isWhole: ofUpdate <= tokens,
      gradientCheckpointing,
      teacher,
      nativeDecoding,
      arithmetic,
    });
  if (gradientCheckpointing !== "auto") return estimate(gradientCheckpointing);
  // The mode that takes the least time, of those that fit.
  for (const mode of [false, "mlp"] as const) {
    const found = estimate(mode);
    if (fitsMemory(found, available)) return found;
  }
  return estimate(true);
}

/** Most positions of a micro-batch that predict an answer's token: all of them where prompts take none. */
function predictedOf(tokens: number, rollout: TrainingConfig["rollout"], promptTokens: number): number {
  const answer = answerTokens(rollout);
  const rows = Math.min(rollout.n, Math.max(1, Math.floor((tokens - promptTokens) / answer)));
  return Math.ceil((tokens * rows * answer) / (promptTokens + rows * answer));
}

/** The architecture of a teacher in a folder; undefined for one on a server, the policy itself, and without one. */
export async function teacherArchitecture({
  algorithm,
}: Pick<TrainingConfig, "algorithm">): Promise<VlmConfig | undefined> {
  const path = algorithm.distillation?.teacher;
  if (typeof path !== "string" || path === SELF) return undefined;
  return modelArchitecture({ init: "pretrained", path, adapter: null });
}

/** Most tokens of an answer: what it writes, and what tools show it between its turns. */
export function answerTokens({
  maxNewTokens,
  turns,
}: Pick<TrainingConfig["rollout"], "maxNewTokens"> & Partial<Pick<TrainingConfig["rollout"], "turns">>): number {
  return maxNewTokens + (turns && turns.max > 1 ? turns.maxShownTokens : 0);
}

/**
 * What a run computes again in the backward pass. The backend is selected already.
 *
 * @param tell is told where the machine's memory decides it
 */
export async function usesGradientCheckpointing(
  config: TrainingConfig,
  tell: (message: string) => void,
): Promise<GradientCheckpointing> {
  const { gradientCheckpointing } = config.update;
  if (gradientCheckpointing !== "auto") return gradientCheckpointing;
  const architecture = await modelArchitecture(config.model);
  const estimate = estimateMemory(config, architecture, {
    teacher: await teacherArchitecture(config),
    nativeDecoding: decodesNatively(),
    arithmetic: arithmeticOf(config.update.computeWith),
    workers: workerCount(config.workers),
  });
  const mode = estimate.gradientCheckpointing;
  if (mode !== false)
    tell(
      `Gradient checkpointing is on${mode === "mlp" ? ", of the layers' MLPs" : ""}, as activations would not fit into ` +
        `memory: the same numbers in about a ${mode === "mlp" ? "fifth" : "third"} more time. A smaller ` +
        "update.microBatchTokens needs none; update.gradientCheckpointing: false turns it off.",
    );
  return estimate.gradientCheckpointing;
}

/** Whether a run fits, with room for the system. */
export function fitsMemory({ total }: Pick<MemoryEstimate, "total">, available: number): boolean {
  return total < USABLE * available;
}

interface EstimateParts {
  readonly tokens: number;
  /** Those that predict. */
  readonly predicted: number;
  /** Tokens of the longest prompt with its answer. */
  readonly row: number;
  /** Of a prompt's pictures, and the prompts of a micro-batch. */
  readonly patches: { readonly ofPrompt: number; readonly prompts: number };
  readonly workers: number;
  /** Whether an update is one micro-batch. */
  readonly isWhole: boolean;
  readonly gradientCheckpointing: GradientCheckpointing;
  readonly teacher: VlmConfig | undefined;
  readonly nativeDecoding: boolean;
  readonly arithmetic: Arithmetic;
}

function estimateWith(
  config: TrainingConfig,
  architecture: VlmConfig,
  {
    tokens,
    predicted,
    row,
    patches,
    workers,
    isWhole,
    gradientCheckpointing,
    teacher: ofFolder,
    nativeDecoding,
    arithmetic,
  }: EstimateParts,
): MemoryEstimate {
  const shapes = parameterShapes(architecture);
  const { adapter } = config.model;
  const parameters = countParameters(shapes);
  const unfrozen = shapes.filter(({ group }) => !config.optimizer.groups[group].freeze);
  const trained =
    adapter === null
      ? countParameters(unfrozen)
      : countAdapterValues(unfrozen, {
          rank: adapter.rank,
          ...(adapter.targetModules === null ? {} : { targetModules: adapter.targetModules }),
        });
  const { vocabSize, hiddenSize, intermediateSize, numHeads } = architecture.text;
  const trainsHead = adapter === null && !config.optimizer.groups.language.freeze;
  const halvable = countHalvable(config, shapes);
  const halved = config.model.dtype === "bfloat16" ? halvable : 0;
  const weights = 4 * (parameters + (adapter === null ? 0 : trained)) - 2 * halved;
  const reference = config.algorithm.kl.coefficient === 0 ? 0 : 4 * parameters - 2 * halved;
  const teacher =
    config.algorithm.distillation?.teacher === SELF ? weights : ofFolder ? frozenBytes(config, ofFolder) : 0;
  const gradients = (isWhole ? 4 : 8) * trained;
  const moments = 8 * trained;
  const kept = keptPerToken(config, architecture, { gradientCheckpointing, arithmetic });
  const ofTower = trainsTower(config, unfrozen)
    ? patches.prompts *
      patches.ofPrompt *
      keptPerPatch(architecture, patches.ofPrompt, { gradientCheckpointing, arithmetic })
    : 0;
  const activations = 4 * (tokens * kept + ofTower);
  const means = arithmetic === "wasm" ? "wasm" : "native";
  // Prompts are prepared by a thread of their own, unless a run has one in all.
  const process = PROCESS_BYTES[means] + GROWTH_BYTES[means] + (config.workers === 1 ? 0 : THREAD_BYTES);
  const fragmentation = FRAGMENTATION[arithmetic];
  const decoding = decodingBytes(config, architecture, nativeDecoding);
  const passing =
    4 * logitsAtOnce(arithmetic, predicted * vocabSize, trainsHead) +
    (arithmetic === "ops" ? 4 * SCORE_COPIES * numHeads * blockScores(tokens, row) : 0) +
    4 * tokens * (3 * intermediateSize + 5 * hiddenSize) +
    (halved === 0 ? 0 : widenedBytes(architecture, tokens));
  const whileTraining = gradients + fragmentation * activations + passing;
  const threads =
    workers === 1
      ? 0
      : 8 * trained + (workers - 1) * (THREAD_BYTES + weights + fragmentation * activations + passing + 4 * trained);
  return {
    parameters,
    trained,
    weights,
    reference,
    teacher,
    gradients,
    moments,
    activations,
    passing: process + passing + (fragmentation - 1) * activations,
    tensors: weights + reference + teacher + moments + gradients + activations + passing,
    decoding,
    process,
    threads,
    gradientCheckpointing,
    savedByBfloat16: 2 * (halvable - halved) * (reference === 0 ? 1 : 2),
    // A step generates first and trains then.
    total: process + weights + reference + teacher + moments + threads + Math.max(whileTraining, decoding),
  };
}

function logitsAtOnce(arithmetic: Arithmetic, logits: number, trainsHead: boolean): number {
  const chunk = Math.min(LOGITS_CHUNK, logits);
  return arithmetic === "own-ops" && trainsHead && logits <= KEPT_LOGITS
    ? logits + chunk
    : LOGITS_COPIES[arithmetic] * chunk;
}

function decodingBytes(
  { rollout, model, optimizer }: TrainingConfig,
  architecture: VlmConfig,
  nativeDecoding: boolean,
): number {
  if (rollout.engine !== "local") return 0;
  const { promptsPerStep, n, maxPromptTokens, decodeWith } = rollout;
  const rows = Math.min(ROWS_AT_ONCE, promptsPerStep * n);
  const shapes = parameterShapes(architecture).filter(({ group }) => group === "language");
  const halfEmbedding = model.dtype === "bfloat16" && (model.adapter !== null || optimizer.groups.language.freeze);
  const adapter = model.adapter && {
    rank: 1,
    ...(model.adapter.targetModules === null ? {} : { targetModules: model.adapter.targetModules }),
  };
  // What an adapter is merged into is packed in float32.
  const plain = adapter === null ? shapes : shapes.filter((shape) => countAdapterValues([shape], adapter) === 0);
  const size: DecodingSize = {
    parameters: countParameters(shapes),
    halves: halfEmbedding ? countHalvable({ model, optimizer }, plain) : 0,
    halfEmbedding,
    rows,
    promptTokens: Math.ceil(rows / n) * (maxPromptTokens ?? QUERY_BLOCK),
    maxNewTokens: answerTokens(rollout),
  };
  const means = { onGpu: false, hasAddon: nativeDecoding };
  const path = chooseDecoder(decodeWith, architecture.text, size, means);
  return path === "backend" ? 0 : kernelDecodingBytes(architecture.text, size, path);
}

/** Numbers that `model.dtype: bfloat16` keeps in bfloat16. */
function countHalvable(
  { model, optimizer }: Pick<TrainingConfig, "model" | "optimizer">,
  shapes: readonly ParameterShape[],
): number {
  const freeze = GROUPS.filter((group) => model.adapter !== null || optimizer.groups[group].freeze);
  return countParameters(shapes.filter(keptInBfloat16({ dtype: "bfloat16", freeze })));
}

/** The weights of a model that nothing trains. */
function frozenBytes({ model }: Pick<TrainingConfig, "model">, architecture: VlmConfig): number {
  const shapes = parameterShapes(architecture);
  const halved = model.dtype === "bfloat16" ? shapes.filter(keptInBfloat16({ dtype: "bfloat16", freeze: GROUPS })) : [];
  return 4 * countParameters(shapes) - 2 * countParameters(halved);
}

/** The largest float32 copies at one time: of the head, or one of gate and up, or with many tokens both and both joined. */
function widenedBytes({ text: { hiddenSize, vocabSize, intermediateSize } }: VlmConfig, tokens: number): number {
  const copies = tokens > hiddenSize ? 4 : 1;
  return 4 * Math.max(Math.min(WIDENED_HEAD, hiddenSize * vocabSize), copies * hiddenSize * intermediateSize);
}

/**
 * Scores of one head in the largest batch of attention blocks: blocks of similar size lie together, so that a long row's last
 * two do.
 */
function blockScores(tokens: number, row: number): number {
  const ofRow = row <= QUERY_BLOCK ? row * row : 2 * QUERY_BLOCK * row;
  return Math.min(BLOCK_SCORES, ofRow * Math.max(1, Math.floor(tokens / row)));
}

const countParameters = (shapes: readonly ParameterShape[]): number =>
  shapes.reduce((sum, { shape }) => sum + shape.reduce((product, length) => product * length, 1), 0);

/** Whether the backward pass goes through the vision tower. */
function trainsTower({ model: { adapter } }: TrainingConfig, unfrozen: readonly ParameterShape[]): boolean {
  const ofTower = unfrozen.filter(({ group }) => group === "vision");
  if (adapter === null) return ofTower.length > 0;
  return (
    countAdapterValues(ofTower, { rank: 1, ...(adapter.targetModules && { targetModules: adapter.targetModules }) }) > 0
  );
}

/** Numbers that are kept of a patch for the backward pass, in a prompt with `patches` of them. */
function keptPerPatch(
  { vision: { depth, hiddenSize, intermediateSize, numHeads, ...sizes } }: VlmConfig,
  patches: number,
  { gradientCheckpointing, arithmetic }: Pick<EstimateParts, "gradientCheckpointing" | "arithmetic">,
): number {
  const probabilities = numHeads * patches * patches <= KEPT_PROBABILITIES ? numHeads * patches : 0;
  const attention = 4 * hiddenSize + (arithmetic === "ops" ? probabilities : numHeads);
  const block = 4 * hiddenSize + attention + 3 * intermediateSize;
  const pixels = sizes.inChannels * sizes.temporalPatchSize * sizes.patchSize ** 2;
  return pixels + (gradientCheckpointing === true ? depth * hiddenSize + block : depth * block);
}

/** Numbers that are kept of a token for the backward pass. */
function keptPerToken(
  { rollout, model }: TrainingConfig,
  { text }: VlmConfig,
  { gradientCheckpointing, arithmetic }: Pick<EstimateParts, "gradientCheckpointing" | "arithmetic">,
): number {
  const { hiddenSize, intermediateSize, numLayers, numHeads, numKeyValueHeads, headDim } = text;
  const [queries, keyValues] = [numHeads * headDim, 2 * numKeyValueHeads * headDim];
  const keys = Math.min(QUERY_BLOCK, (rollout.maxPromptTokens ?? QUERY_BLOCK) + answerTokens(rollout));
  const probabilities = numHeads * keys * keys <= KEPT_PROBABILITIES ? numHeads * keys : 0;
  const attention =
    arithmetic === "ops" ? 2 * hiddenSize + keyValues + probabilities : 2 * queries + keyValues + numHeads;
  // Ops of ours add where the product is made (policy/src/kernels/linear-with-additions.ts).
  const adapted = model.adapter === null || arithmetic === "own-ops" ? 0 : queries + keyValues + hiddenSize;
  // Inputs of products whose weights are trained or have an adapter; adapters are on attention where nothing else is said.
  const inputs = model.adapter?.targetModules === null ? 0 : hiddenSize + intermediateSize;
  const mlp = 2 * intermediateSize + inputs;
  const rest = 3 * hiddenSize + attention + adapted;
  if (gradientCheckpointing === "mlp") return numLayers * rest + mlp;
  return gradientCheckpointing ? numLayers * hiddenSize + rest + mlp : numLayers * (rest + mlp);
}

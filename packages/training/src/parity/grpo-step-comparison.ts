/** What a golden training step is compared in: gradients, reported numbers, log-probabilities, parameters, moments, greedy answers. */
import type * as tf from "@tensorflow/tfjs-core";
import type { Learner, UpdateStats } from "@v-triune/grpo";
import type { Comparison } from "@v-triune/grpo/parity";
import type { VlmPolicy, TokenizedRollout } from "@v-triune/policy";
import type { GoldenBatch, Scenario } from "./grpo-step-files";
import { isKeyBias, KEY_BIAS, type StepTolerances } from "./grpo-step-tolerances";

/** Modules of the golden files and the policy's groups. */
export const GROUPS = { vision: "vision", merger: "connector", language: "language" } as const;

/** A scenario that is compared, with what, and where the differences go. */
export interface StepContext {
  readonly batch: GoldenBatch;
  readonly scenario: Scenario;
  readonly tolerances: StepTolerances;
  readonly comparison: Comparison;
}

export function compareGradients(
  { batch, scenario, tolerances, comparison }: StepContext,
  gradients: ReadonlyMap<string, tf.Tensor>,
): void {
  const total = scenario.steps[0]!.grad_norm;
  for (const [name, expected] of Object.entries(scenario.grad_l2_step1)) {
    const found = norm(gradients.get(name)?.dataSync() ?? []);
    // Gradients that cancel to nothing are judged on the scale of the whole.
    const scale = isKeyBias(name) ? total : Math.max(expected, 1e-6 * total);
    comparison.error(
      "gradient norm of each parameter, step 1 (relative)",
      name,
      Math.abs(found - expected) / scale,
      tolerances.gradNorm,
    );
  }
  for (const [key, saved] of scenario.tensors) {
    if (!key.startsWith("step1.grad.")) continue;
    const name = key.slice("step1.grad.".length);
    const tensor = gradients.get(name);
    const found = tensor
      ? cut(name, tensor.dataSync(), tensor.shape, saved.shape, batch)
      : new Float32Array(saved.values.length);
    const clipping = overwritten(scenario, name) ? scenario.steps[0]!.clip_coef : 1;
    const difference = norm(found.map((value, i) => value * clipping - saved.values[i]!));
    const scale = isKeyBias(name) ? total : Math.max(norm(saved.values), 1e-12);
    comparison.error("gradient, step 1 (relative L2)", name, difference / scale, tolerances.gradient);
  }
}

/** @param k the scenario's step, from 0 */
export function compareStats({ scenario, tolerances, comparison }: StepContext, k: number, stats: UpdateStats): void {
  const step = scenario.steps[k]!;
  const where = `step ${k + 1}`;
  const absolute = (quantity: string, found: number, expected: number, tolerance: number) =>
    comparison.error(quantity, where, Math.abs(found - expected), tolerance, `found ${found}, expected ${expected}`);
  const relative = (quantity: string, found: number, expected: number, tolerance: number, place = where) =>
    comparison.error(
      quantity,
      place,
      Math.abs(found - expected) / Math.max(Math.abs(expected), 1e-12),
      tolerance,
      `found ${found}, expected ${expected}`,
    );
  absolute("tokens", stats.tokens, step.tokens, 0);
  absolute("loss", stats.loss, step.loss, tolerances.loss);
  absolute("policy loss", stats.policyLoss, step.pg_loss, tolerances.loss);
  absolute("entropy", stats.entropy, step.entropy, tolerances.loss);
  absolute("ppo_kl", stats.ppoKl, step.ppo_kl, tolerances.loss);
  absolute("kl", stats.kl, step.kl_k3, tolerances.kl);
  absolute("clip fractions", stats.clipFraction, step.pg_clipfrac, 1e-6);
  absolute("clip fractions", stats.clipOuterFraction, step.pg_clipfrac_lower, 1e-6);
  absolute("clip fractions", stats.clipLowFraction, step.clip_low_frac, 1e-6);
  absolute("clip fractions", stats.clipHighFraction, step.clip_high_frac, 1e-6);
  relative("ratios (relative)", stats.ratioMean, step.ratio_mean, tolerances.ratio);
  relative("ratios (relative)", stats.ratioMax, step.ratio_max, tolerances.ratio);
  relative("ratios (relative)", stats.ratioMin, step.ratio_min, tolerances.ratio);
  relative("gradient norms (relative)", stats.gradNorm.total, step.grad_norm, tolerances.gradNorm);
  relative("clip coefficient (relative)", stats.clipCoefficient, step.clip_coef, tolerances.gradNorm);
  for (const [module, expected] of Object.entries(step.grad_norm_module)) {
    const found = stats.gradNorm.byGroup[GROUPS[module as keyof typeof GROUPS]] ?? 0;
    relative("gradient norms (relative)", found, expected, tolerances.gradNorm, `${where} ${module}`);
  }
  const byLayer = layerNorms(stats);
  for (const [layer, expected] of Object.entries(step.grad_norm_layer)) {
    relative("gradient norms (relative)", byLayer.get(layer) ?? 0, expected, tolerances.gradNorm, `${where} ${layer}`);
  }
  for (const module of scenario.config.train) {
    const found = stats.learningRates[GROUPS[module]]!;
    absolute("learning rates", found, step.lr[module]!, 1e-12);
  }
}

/** Gradient norms by the golden files' names of layers: `model.layers.N`, `visual.blocks.N`, else the first two parts. */
function layerNorms(stats: UpdateStats): Map<string, number> {
  const squares = new Map<string, number>();
  for (const [name, value] of Object.entries(stats.gradNorm.byParameter)) {
    const parts = name.split(".");
    const at = parts.indexOf("layers");
    const head = parts[0]!;
    const layer =
      at >= 0
        ? `model.layers.${parts[at + 1]}`
        : name.startsWith("visual.blocks")
          ? parts.slice(0, 3).join(".")
          : head === "visual" || head === "model"
            ? parts.slice(0, 2).join(".")
            : head;
    squares.set(layer, (squares.get(layer) ?? 0) + value * value);
  }
  return new Map([...squares].map(([layer, square]) => [layer, Math.sqrt(square)]));
}

export function compareLogProbs(context: StepContext, k: number, stats: UpdateStats, scored: readonly boolean[]): void {
  const { scenario, tolerances, comparison } = context;
  scenario.steps[k]!.rows.forEach((row, b) => {
    // A rollout without a score is not computed at all here.
    if (!scored[row]) return;
    const [quantity, tolerance] =
      k === 0
        ? (["log-probabilities, step 1", tolerances.firstLogProbs] as const)
        : (["log-probabilities, later steps", tolerances.laterLogProbs] as const);
    const values = stats.logProbs.get(b);
    if (!values) comparison.error(quantity, `step ${k + 1} row ${row}`, Infinity, tolerance, "not computed");
    else compareRow(context, { quantity, tensor: `step${k + 1}.logps`, row: b, values, tolerance });
  });
}

/** The log-probabilities of a row, and the tensor of the golden file that they are compared with. */
interface ComparedRow {
  readonly quantity: string;
  readonly tensor: string;
  readonly row: number;
  readonly values: Float32Array;
  readonly tolerance: number;
}

function compareRow(
  { batch, scenario, comparison }: StepContext,
  { quantity, tensor, row, values, tolerance }: ComparedRow,
): void {
  const saved = scenario.tensors.get(tensor);
  if (!saved) return;
  const error = Math.max(
    0,
    ...Array.from(values, (value, t) => Math.abs(value - saved.values[row * batch.width + t]!)),
  );
  comparison.error(quantity, `${tensor} row ${row}`, error, tolerance);
}

/** The log-probabilities after the last update. */
export function compareFinalLogProbs(context: StepContext, found: readonly Float32Array[]): void {
  const { laterLogProbs: tolerance } = context.tolerances;
  found.forEach((values, row) =>
    compareRow(context, { quantity: "log-probabilities at the end", tensor: "final.logps", row, values, tolerance }),
  );
}

export function compareParameters(
  { batch, scenario, tolerances, comparison }: StepContext,
  k: number,
  policy: VlmPolicy,
  initial: ReadonlyMap<string, Float32Array>,
): void {
  const step = scenario.steps[k]!;
  for (const { name, variable, group } of policy.parameters) {
    const values = variable.dataSync() as Float32Array;
    const start = initial.get(name)!;
    const where = `step ${k + 1} ${name}`;
    const delta = Float64Array.from(values, (value, i) => value - start[i]!);
    const [l2, deltaL2, deltaCos] = [step.param_l2[name]!, step.delta_l2[name]!, step.delta_cos[name]!];
    const key = isKeyBias(name);
    const suffix = key ? ", key biases" : "";
    comparison.error("norm of parameters (relative)", where, ratio(norm(values) - l2, l2), tolerances.parameterNorm);
    comparison.error(
      `norm of changes (relative)${suffix}`,
      where,
      ratio(norm(delta) - deltaL2, deltaL2),
      key ? KEY_BIAS.deltaNorm : tolerances.deltaNorm,
    );
    const cosine = delta.reduce((sum, value, i) => sum + value * Math.cos(i), 0);
    comparison.error(
      `direction of changes${suffix}`,
      where,
      ratio(cosine - deltaCos, deltaL2),
      key ? KEY_BIAS.deltaCos : tolerances.deltaCos,
    );
    const saved = scenario.tensors.get(`step${k + 1}.param.${name}`);
    if (!saved || (overwritten(scenario, name) && k + 1 < scenario.steps.length)) continue;
    const found = cut(name, values, variable.shape, saved.shape, batch);
    const errors = Array.from(found, (value, i) => Math.abs(value - saved.values[i]!)).sort((a, b) => a - b);
    const module = group === "connector" ? "merger" : group;
    const moved = scenario.steps.slice(0, k + 1).reduce((sum, s) => sum + (s.lr[module] ?? 0), 0);
    const [most, all] = key
      ? [KEY_BIAS.learningRates * moved, KEY_BIAS.learningRates * moved]
      : [tolerances.parameter, 2 * moved];
    const quantile = errors[Math.max(0, Math.ceil(0.995 * errors.length) - 1)]!;
    comparison.error(`parameters, 99.5 % of the entries${suffix}`, where, quantile, Math.max(most, 1e-9));
    comparison.error(
      "parameters, every entry (in what AdamW can move)",
      where,
      errors.at(-1)! / Math.max(all, tolerances.parameter),
      1,
    );
  }
}

export function compareMoments(
  { scenario, tolerances, comparison }: StepContext,
  learner: Learner<TokenizedRollout>,
): void {
  const { moments } = learner.exportState().optimizer;
  const largest = Math.max(...Object.values(scenario.final_state_l2).map(([m]) => m));
  for (const [name, [m, v]] of Object.entries(scenario.final_state_l2)) {
    const found = moments[name];
    if (!found) {
      comparison.error("norms of moments (relative)", name, Infinity, tolerances.moments, "no moments");
      continue;
    }
    const scale = isKeyBias(name) ? largest : 0;
    comparison.error(
      "norms of moments (relative)",
      `${name} m`,
      ratio(norm(found.m) - m, Math.max(m, scale)),
      tolerances.moments,
    );
    comparison.error(
      "norms of moments (relative)",
      `${name} v`,
      ratio(norm(found.v) - v, Math.max(v, scale ** 2)),
      tolerances.moments,
    );
  }
}

export async function compareGreedy({ batch, scenario, comparison }: StepContext, policy: VlmPolicy): Promise<void> {
  const { max_new_tokens: maxNewTokens, new_tokens: expected } = scenario.greedy;
  for await (const { promptIndex, tokenIds } of policy.generate(batch.prompts, {
    temperature: 0,
    maxNewTokens,
    seed: 0,
    stopTokenIds: [],
  })) {
    const wrong = expected[promptIndex]!.findIndex((token, t) => token !== tokenIds[t]);
    comparison.error(
      "greedy tokens",
      `prompt ${promptIndex}`,
      wrong < 0 ? 0 : 1,
      0,
      `differs at token ${wrong}: ${tokenIds.join(" ")}`,
    );
  }
}

/**
 * Whether a file holds a parameter's last value at every step: PyTorch tensors that were kept as views went on changing
 * until they were written (the makers of the first folders did so for all but the vocabulary's rows). Such a file is
 * known by parameters that move by its own account but are equal at every step. Then only the last step can be compared,
 * and the gradient is the one after clipping, which works in place.
 */
function overwritten(scenario: Scenario, name: string): boolean {
  const last = scenario.steps.length;
  const [first, end] = [scenario.tensors.get(`step1.param.${name}`), scenario.tensors.get(`step${last}.param.${name}`)];
  if (!first || !end || last < 2) return false;
  const moves = scenario.steps[0]!.delta_l2[name] !== scenario.steps.at(-1)!.delta_l2[name];
  return moves && first.values.every((value, i) => value === end.values[i]);
}

/** The part of a tensor that is written out: some rows of the vocabulary matrices, the first rows of others. */
function cut(
  name: string,
  values: ArrayLike<number>,
  shape: readonly number[],
  savedShape: readonly number[],
  batch: GoldenBatch,
): Float32Array {
  const columns = shape.slice(1).reduce((product, n) => product * n, 1);
  const vocabulary = name === "model.embed_tokens.weight" || name === "lm_head.weight";
  const rows = vocabulary ? batch.vocabularyRows : Array.from({ length: savedShape[0]! }, (_, i) => i);
  return Float32Array.from(
    rows.flatMap((row) => Array.from({ length: columns }, (_, c) => values[row * columns + c]!)),
  );
}

function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}

function ratio(difference: number, scale: number): number {
  return difference === 0 ? 0 : Math.abs(difference) / Math.max(Math.abs(scale), 1e-12);
}

/**
 * Checks a folder of golden optimizer traces (the layout of tools/goldens/adamw): torch's AdamW and clipping step by
 * step, transformers' schedules. The LoRA files beside them belong to the policy's check.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { createAdamW } from "../optimizer/adamw";
import { clipCoefficient, sumOfSquares } from "../optimizer/gradient-norms";
import { scheduledLearningRate, type ScheduleConfig } from "../optimizer/schedule";
import { Comparison, flatten, type GoldenNumbers, type ParityRow } from "./comparison";
import { readGolden } from "./loss-batches";

/** Whether the folder holds optimizer traces. */
export function recognizeAdamW(folder: string): boolean {
  return existsSync(path.join(folder, "adamw.json")) || existsSync(path.join(folder, "schedules.json"));
}

/** Compares adamw.json and schedules.json, those that the folder has. Leaks no tensor. */
export async function checkAdamW(folder: string): Promise<ParityRow[]> {
  const comparison = new Comparison();
  if (existsSync(path.join(folder, "adamw.json"))) compareTraces(folder, comparison);
  if (existsSync(path.join(folder, "schedules.json"))) compareSchedules(folder, comparison);
  return comparison.rows();
}

type Tensors = Record<string, GoldenNumbers>;

interface Trace {
  readonly config: {
    readonly name: string;
    readonly betas: [number, number];
    readonly eps: number;
    readonly weight_decay: number;
    readonly clip: number | null;
    readonly amsgrad: boolean;
    readonly decay_ndim?: number;
  };
  readonly init: Tensors;
  readonly grads: readonly Tensors[];
  readonly steps: readonly { readonly lr: number; readonly grad_norm: number; readonly params: Tensors }[];
  readonly final_state: Record<string, Tensors>;
  readonly final_params_float64: Tensors;
}

function compareTraces(folder: string, comparison: Comparison): void {
  for (const trace of traces(readGolden(folder, "adamw.json"))) {
    const { config } = trace;
    const optimizer = createAdamW({
      beta1: config.betas[0],
      beta2: config.betas[1],
      epsilon: config.eps,
      weightDecay: config.weight_decay,
      decay: config.decay_ndim === 2 ? "matrices" : "all",
      amsgrad: config.amsgrad,
    });
    const variables = new Map(
      Object.entries(trace.init).map(([name, values]) => [name, tf.tidy(() => tf.variable(tensorOf(values)))]),
    );
    const absolute = { rtol: 0, atol: 1e-6 };
    trace.steps.forEach((step, t) => {
      const gradients = new Map(Object.entries(trace.grads[t]!).map(([name, values]) => [name, tensorOf(values)]));
      const norm = Math.sqrt([...gradients.values()].reduce((sum, g) => sum + sumOfSquares(g), 0));
      const where = `${config.name} step ${t + 1}`;
      comparison.close("gradient norm", where, [norm], [step.grad_norm], { rtol: 1e-6, atol: 0 });
      optimizer.step(
        [...variables].map(([name, variable]) => ({
          name,
          variable,
          gradient: gradients.get(name)!,
          learningRate: step.lr,
        })),
        clipCoefficient(norm, config.clip),
      );
      for (const [name, variable] of variables) {
        comparison.close("parameters", `${where} ${name}`, variable.dataSync(), flatten(step.params[name]!), absolute);
        gradients.get(name)!.dispose();
      }
    });
    const state = optimizer.exportState();
    for (const [name, variable] of variables) {
      // Twenty float32 steps from a value of size 2 may be rounded 20 times by 1e-7.
      const rounding = { rtol: 0, atol: 3e-6 };
      comparison.close(
        "parameters against float64",
        `${config.name} ${name}`,
        variable.dataSync(),
        flatten(trace.final_params_float64[name]!),
        rounding,
      );
      const expected = trace.final_state[name]!;
      const moments = state.moments[name]!;
      // First moments cancel: an entry near 0 carries the rounding of the large ones it is made of.
      const first = flatten(expected["exp_avg"]!);
      const largest = Math.max(...first.map(Math.abs));
      comparison.close("first moments", `${config.name} ${name}`, moments.m, first, {
        rtol: 1e-5,
        atol: 1e-6 * largest,
      });
      const relative = { rtol: 1e-5, atol: 1e-12 };
      comparison.close(
        "second moments",
        `${config.name} ${name}`,
        moments.v,
        flatten(expected["exp_avg_sq"]!),
        relative,
      );
      if (expected["max_exp_avg_sq"] !== undefined) {
        comparison.close(
          "largest second moments",
          `${config.name} ${name}`,
          moments.vMax ?? [],
          flatten(expected["max_exp_avg_sq"]),
          relative,
        );
      }
      variable.dispose();
    }
    optimizer.dispose();
  }
}

function traces(file: unknown): Trace[] {
  if (Array.isArray(file)) return file as Trace[];
  const { cases, runs } = file as { cases?: Trace[]; runs?: Trace[] };
  return cases ?? runs ?? [];
}

function tensorOf(values: GoldenNumbers): tf.Tensor {
  const shape: number[] = [];
  for (let v = values; Array.isArray(v); v = v[0] as GoldenNumbers) shape.push(v.length);
  return tf.tensor(flatten(values), shape, "float32");
}

interface ScheduleCase {
  readonly name: string;
  readonly warmup: number;
  readonly total: number;
  readonly kwargs: Record<string, number>;
  readonly base_lr: number;
  readonly lr: readonly number[];
  readonly error?: string;
}

function compareSchedules(folder: string, comparison: Comparison): void {
  const file = readGolden(folder, "schedules.json");
  const cases = (Array.isArray(file) ? file : (file as { cases: ScheduleCase[] }).cases) as ScheduleCase[];
  for (const golden of cases) {
    if (golden.error !== undefined) continue;
    const config = scheduleOf(golden);
    const found = golden.lr.map((_, step) => scheduledLearningRate(config, golden.base_lr, step));
    const where = `warmup ${golden.warmup}, total ${golden.total} ${JSON.stringify(golden.kwargs)}`;
    const worst = Math.max(...found.map((lr, step) => Math.abs(lr - golden.lr[step]!)));
    comparison.error(`schedule ${golden.name}`, where, worst, 1e-12);
  }
}

function scheduleOf(golden: ScheduleCase): ScheduleConfig {
  const { kwargs } = golden;
  const common = { warmupSteps: golden.warmup, totalSteps: golden.total };
  const cycles = kwargs["num_cycles"] === undefined ? {} : { cycles: kwargs["num_cycles"] };
  switch (golden.name) {
    case "constant":
    case "constant_with_warmup":
      return { kind: "constant", warmupSteps: golden.warmup };
    case "linear":
      return { kind: "linear", ...common };
    case "cosine":
      return { kind: "cosine", ...common, ...cycles };
    case "cosine_with_restarts":
      return { kind: "cosine_with_restarts", ...common, ...cycles };
    case "polynomial":
      return {
        kind: "polynomial",
        ...common,
        ...(kwargs["power"] === undefined ? {} : { power: kwargs["power"] }),
        ...(kwargs["lr_end"] === undefined ? {} : { endLearningRate: kwargs["lr_end"] }),
      };
    case "inverse_sqrt":
      return { kind: "inverse_sqrt", warmupSteps: golden.warmup };
    case "cosine_with_min_lr":
      return { kind: "cosine_with_min_lr", ...common, ...cycles, minLearningRate: kwargs["min_lr"]! };
    case "warmup_stable_decay":
      return {
        kind: "warmup_stable_decay",
        ...common,
        decaySteps: kwargs["num_decay_steps"]!,
        minRatio: kwargs["min_lr_ratio"] ?? 0,
      };
    default:
      throw new Error(`schedules.json has "${golden.name}", which this check does not know`);
  }
}

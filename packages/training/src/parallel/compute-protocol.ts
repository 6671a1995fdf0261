/** What the run's thread and a computing thread say to each other. Arrays that are large lie in shared memory. */
import type { BackendName } from "@v-triune/backend";
import type { MicroBatchPart, TopTokens, UpdatePlan } from "@v-triune/grpo";
import type {
  EndedTurn,
  GeneratedCompletion,
  GenerateOptions,
  PolicySnapshot,
  PromptInput,
  TokenizedRollout,
  TurnContinuation,
} from "@v-triune/policy";
import type { TrainingConfig } from "../config/training-config";
import type { SharedTensorsMemory } from "./shared-tensors";
import type { PlainError } from "../threads/plain-error";
import type { KnownFeatures } from "../threads/shared-prompts";

export interface ComputeSetup {
  readonly backend: BackendName;
  readonly config: TrainingConfig;
  readonly foreignLogProbs: boolean;
  readonly policy: PolicySnapshot;
  readonly weights: SharedTensorsMemory;
  readonly gradients: SharedTensorsMemory;
}

interface JobStart {
  readonly job: number;
  /** Of the weights to compute with. */
  readonly version: number;
  readonly features: KnownFeatures;
}

export type SamplingOptions = Omit<GenerateOptions, "signal" | "stopWhen" | "nextTurn">;

export type ComputeJob =
  | {
      readonly type: "gradients";
      readonly plan: Pick<UpdatePlan, "counts" | "step">;
      readonly microBatches: readonly (readonly [number, UpdatePlan<TokenizedRollout>["microBatches"][number]])[];
    }
  | { readonly type: "log-probs"; readonly rows: readonly TokenizedRollout[] }
  | { readonly type: "top-tokens"; readonly rows: readonly TokenizedRollout[]; readonly count: number }
  | {
      readonly type: "generate";
      readonly prompts: readonly PromptInput[];
      readonly options: SamplingOptions;
      /** Whether what follows a turn is asked for. */
      readonly asksTurns: boolean;
    };

export type ToComputeThread =
  | { readonly type: "setup"; readonly setup: ComputeSetup }
  | { readonly type: "cancel"; readonly job: number }
  /** What follows the turn that was asked for under this number. */
  | {
      readonly type: "continuation";
      readonly job: number;
      readonly question: number;
      readonly continuation: TurnContinuation | undefined;
      readonly features: KnownFeatures;
    }
  | (JobStart & { readonly work: ComputeJob });

export type ComputedPart = readonly [number, Omit<MicroBatchPart, "gradients">];

/** `promptIndex` counts the thread's own prompts. */
export type FromComputeThread =
  | { readonly type: "ready" }
  | { readonly type: "turn" }
  | { readonly type: "turn-ended"; readonly job: number; readonly question: number; readonly turn: EndedTurn }
  | { readonly type: "completions"; readonly job: number; readonly completions: readonly GeneratedCompletion[] }
  | {
      readonly type: "gradients";
      readonly job: number;
      readonly parts: readonly ComputedPart[];
      readonly failed?: readonly [number, PlainError];
    }
  | { readonly type: "log-probs"; readonly job: number; readonly values: readonly Float32Array[] }
  | { readonly type: "top-tokens"; readonly job: number; readonly values: readonly TopTokens[] }
  /**
   * Features of the prompts' pictures, by the thread's own prompt, and of those that were shown between turns, by the
   * number of the turn that was asked for and their place in its continuation.
   */
  | {
      readonly type: "generated";
      readonly job: number;
      readonly features: readonly (readonly [number, Float32Array])[];
      readonly shown: readonly (readonly [question: number, index: number, values: Float32Array])[];
    }
  | { readonly type: "failed"; readonly job: number; readonly error: PlainError };

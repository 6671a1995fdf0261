/**
 * What is computed on models, as calls from the server's thread to the one that computes. Whatever goes in and out is
 * plain data; replies that may be long are written as JSON where they are computed.
 */
import type { ErrorDetails } from "@v-triune/errors";
import type { AdamParams, LoraConfig, ModelInput, PassInput } from "./request-bodies";
import type { Failure, Outcome } from "./results";
import type { SavedAddress } from "./saved-weights";
import type { StepResult } from "./served-model";

/** Whose weights a sampler has: those that a model had when it was made, saved ones, or the base model's. */
export type SamplerSource = { readonly sampler: string } | { readonly saved: SavedAddress } | "base";

export interface SampleSettings {
  readonly n: number;
  readonly seed: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly stopTokens: readonly number[];
  readonly stopTexts: readonly string[];
  /** null: up to the model's longest input. */
  readonly maxTokens: number | null;
  readonly promptLogProbs: boolean;
}

/** A prompt with its number in the seeded streams. */
export interface NumberedPrompt {
  readonly prompt: ModelInput;
  readonly number: number;
}

export interface ModelWork {
  /** @returns the adapter; null for a whole model */
  create(id: string, session: string, lora: LoraConfig | null): Promise<LoraConfig | null>;
  unload(id: string): Promise<void>;
  /** @returns the ids of the models that were unloaded */
  unloadSession(session: string): Promise<readonly string[]>;
  /** @returns the reply as JSON */
  pass(id: string, input: PassInput, backward: boolean): Promise<string>;
  optimStep(id: string, adam: AdamParams): Promise<StepResult>;
  /** @returns the address of the saved weights */
  save(id: string, name: string, kind: SavedAddress["kind"], overwrite: boolean): Promise<string>;
  load(id: string, path: string, optimizer: boolean): Promise<void>;
  /** Keeps the present weights of a model for a sampler. @returns samplers of the model that were dropped for it */
  keepSampler(sampler: string, id: string): Promise<readonly string[]>;
  /** Answers prompts together. @returns the reply to each as JSON */
  sample(
    source: SamplerSource,
    prompts: readonly NumberedPrompt[],
    settings: SampleSettings,
  ): Promise<readonly Outcome<string>[]>;
}

export type WorkName = keyof ModelWork;

/** What a call comes to. */
export type WorkOutcome<Name extends WorkName> = Outcome<Awaited<ReturnType<ModelWork[Name]>>>;

export interface ToModelThread {
  readonly job: number;
  readonly name: WorkName;
  readonly given: readonly unknown[];
}

export type FromModelThread =
  | { readonly type: "ready"; readonly backend: string }
  | { readonly type: "cannot-start"; readonly error: ErrorDetails }
  | { readonly type: "note"; readonly message: string }
  | {
      readonly type: "done";
      readonly job: number;
      readonly outcome: { readonly value: unknown } | Failure;
      /** How long it took. */
      readonly ms: number;
    };

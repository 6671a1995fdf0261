import type { ServerKind } from "./servers/server-kind";
import type { WeightSync } from "./servers/weight-transfer";

/** Servers that rollouts come from (docs/training.md). */
export interface RemoteEngineConfig {
  /** `auto` looks; `openai` is any other server with /v1/chat/completions. */
  readonly kind: "auto" | ServerKind;
  /** Addresses, http://127.0.0.1:8000. Requests go to the one with the least to do. */
  readonly servers: readonly string[];
  /** The model's name at the servers; null: the first that they list. */
  readonly model: string | null;
  /** The environment variable that holds the servers' key. */
  readonly apiKeyEnv: string | null;
  /**
   * Requests to one server at once; null: 64 for vLLM and SGLang, 16 for another OpenAI-compatible server, 4 for
   * llama.cpp, 1 for transformers serve.
   */
  readonly parallel: number | null;
  /** Seconds that one request may take. */
  readonly timeout: number;
  /** Further tries of a request that a living server fails; one that finds nobody waits. */
  readonly retries: number;
  /** When a server counts other prompt tokens than the trainer. */
  readonly promptTokens: "error" | "warn";
  /** When an answer comes from other weights than those of the step before. */
  readonly staleWeights: "error" | "allow";
  readonly weights: {
    /** How new weights get to the servers; `auto` is what the kind of server documents. */
    readonly sync: WeightSync;
    /** Where they are handed over; null: `weights` in the run folder. */
    readonly folder: string | null;
    /** The same folder as the servers see it; null: under the same path. */
    readonly serverFolder: string | null;
  };
}

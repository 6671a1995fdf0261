/** Settings of a model server. */
import { ConfigError } from "@v-triune/errors";
import type { BackendName } from "@v-triune/backend";

export interface ModelServerSettings {
  /** The model's folder in Hugging Face layout. */
  readonly model: string;
  /** The name by which clients ask for it. Default: the folder as given. */
  readonly name?: string;
  /** Default 127.0.0.1: this machine only. */
  readonly host?: string;
  /** 0: a free one. Default 8000. */
  readonly port?: number;
  /** What requests must carry as X-API-Key or bearer token. Default: nothing. */
  readonly token?: string | undefined;
  /** Where weights are kept that clients save. Default "served-weights". */
  readonly weightsFolder?: string;
  /** Default "auto". */
  readonly backend?: BackendName | "auto";
  /** Most models that are trained at once; each holds the whole model. Default 4. */
  readonly maxModels?: number;
  /** Largest rank of an adapter. Default 128. */
  readonly maxRank?: number;
  /** Most rows of a pass. Default 4096. */
  readonly maxRows?: number;
  /** Most answers of one request. Default 128. */
  readonly maxSamples?: number;
  /** Largest request in bytes. Default 64 MB. */
  readonly bodyBytes?: number;
  /** Most requests that wait; beyond it the server answers 503. Default 4096. */
  readonly maxQueue?: number;
  /** Most tokens of one forward and backward pass. Default 4096. */
  readonly microBatchTokens?: number;
  /** How long a session may be silent before its models are dropped, in ms. Default 300,000. */
  readonly sessionMs?: number;
  /** How long a request for a result is held before it is answered "not yet", in ms. Default 20,000. */
  readonly holdMs?: number;
}

/** Samplers of one model that keep their weights; older ones are dropped. */
export const SAMPLERS_PER_MODEL = 8;

const DEFAULTS = {
  host: "127.0.0.1",
  port: 8000,
  weightsFolder: "served-weights",
  backend: "auto",
  maxModels: 4,
  maxRank: 128,
  maxRows: 4096,
  maxSamples: 128,
  bodyBytes: 64 * 2 ** 20,
  maxQueue: 4096,
  microBatchTokens: 4096,
  sessionMs: 300_000,
  holdMs: 20_000,
} as const satisfies Partial<ModelServerSettings>;

export type CompleteModelSettings = Required<Omit<ModelServerSettings, "token">> & {
  readonly token: string | undefined;
};

/** @throws ConfigError for a number that cannot be used */
export function completeModelSettings(given: ModelServerSettings): CompleteModelSettings {
  const settings = { ...DEFAULTS, name: given.name ?? given.model, token: undefined, ...given };
  for (const [key, value] of Object.entries(settings)) {
    const least = key === "port" ? 0 : 1;
    if (typeof value !== "number" || (Number.isSafeInteger(value) && value >= least)) continue;
    throw new ConfigError({
      what: `The setting ${key} of the model server cannot be used.`,
      expected: `a whole number of at least ${least}`,
      found: String(value),
    });
  }
  return settings;
}

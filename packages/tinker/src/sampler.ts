/** Answers of weights as they were at one time. */
import { isRecord } from "@v-triune/node-kit/is-record";
import { RequestDropped } from "./future";
import type { SessionContext } from "./connection";
import { TinkerError } from "./tinker-error";
import { unreadable } from "./transport";
import type { SampleOutput, SampledSequence, SamplingSettings, WireModelInput } from "./wire";

/** Which weights answer. */
export type SamplerAddress = { readonly sampling_session_id: string } | { readonly model_path: string };

export interface SampleOptions {
  /** Number of answers. Default 1. */
  readonly n?: number;
  readonly settings: SamplingSettings;
  /** Whether log-probabilities of the prompt's tokens are wanted. Default false. */
  readonly promptLogProbs?: boolean;
  /**
   * The prompt's number in a larger request, for servers of @v-triune: the same seed and number give the same tokens.
   */
  readonly promptNumber?: number;
  readonly signal?: AbortSignal | undefined;
}

const MOST_RESENDS = 3;

export class Sampler {
  #requests = 0;

  constructor(
    readonly session: SessionContext,
    readonly address: SamplerAddress,
  ) {}

  /**
   * Answers a prompt n times.
   *
   * @throws TinkerError; `unreadable` when answers are missing
   */
  async sample(
    prompt: WireModelInput,
    { n = 1, settings, promptLogProbs = false, promptNumber, signal }: SampleOptions,
  ): Promise<SampleOutput> {
    this.session.check();
    const { connection } = this.session;
    const body = {
      ...this.address,
      ...("sampling_session_id" in this.address ? { seq_id: this.#requests++ } : {}),
      num_samples: n,
      prompt,
      sampling_params: { temperature: 1, top_p: 1, top_k: -1, ...settings },
      prompt_logprobs: promptLogProbs,
      type: "sample",
      ...(promptNumber === undefined ? {} : { prompt_number: promptNumber }),
    };
    for (let resends = 0; ; resends++) {
      try {
        const done = await connection.run("asample", body, { signal });
        return readSample(done, n, connection.transport.base);
      } catch (error) {
        // Answers may be drawn again: nothing was trained.
        if (!(error instanceof RequestDropped)) throw error;
        if (resends >= MOST_RESENDS) throw dropped("asample", error.message);
      }
    }
  }
}

/** @returns an error for a request that the server drops again and again */
export function dropped(where: string, reason: string): TinkerError {
  return new TinkerError({
    what: "The server drops the request each time it is sent.",
    where,
    found: `HTTP 410: ${reason}`,
    fix: "look into the server's log",
    code: "failed",
    status: 410,
  });
}

function readSample(body: Readonly<Record<string, unknown>>, n: number, base: string): SampleOutput {
  const where = `${base}/api/v1/asample`;
  const { sequences } = body;
  if (!Array.isArray(sequences) || sequences.length !== n)
    throw unreadable(where, `${n} sequences`, Array.isArray(sequences) ? `${sequences.length} sequences` : body);
  for (const sequence of sequences as unknown[])
    if (!isSequence(sequence)) throw unreadable(where, "tokens, their log-probabilities and a stop_reason", sequence);
  return body as unknown as SampleOutput;
}

function isSequence(value: unknown): value is SampledSequence {
  if (!isRecord(value) || !Array.isArray(value["tokens"])) return false;
  const { tokens, logprobs, stop_reason } = value;
  return (
    (tokens as unknown[]).every((token) => Number.isInteger(token)) &&
    (logprobs === undefined ||
      logprobs === null ||
      (Array.isArray(logprobs) &&
        logprobs.length === (tokens as unknown[]).length &&
        logprobs.every(Number.isFinite))) &&
    (stop_reason === "stop" || stop_reason === "length")
  );
}

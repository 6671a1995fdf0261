/** A reward source that asks asynchronous verifiers for samples that name one, and another source for the rest. */
import { type AsyncVerifier, type AsyncVerifierOptions, scoreAsync } from "./async-verifier";
import type { RewardRequest, RewardResult, RewardSource, ScoreOptions } from "./reward-source";
import type { RewardOutcome } from "./score-request";
import { type Submit, streamThrough } from "./stream-through";

export interface WithAsyncVerifiersOptions extends AsyncVerifierOptions {
  /** The number of requests that are under way or unread. Default 4096. */
  readonly window?: number;
}

/**
 * @param source judges samples of all other verifiers
 * @example withAsyncVerifiers(createLocalRewardSource(registry), [await openJudge("judge.json")])
 */
export function withAsyncVerifiers(
  source: RewardSource,
  verifiers: readonly AsyncVerifier[],
  { window = 4096, ...options }: WithAsyncVerifiersOptions = {},
): RewardSource {
  const byName = new Map(verifiers.map((verifier) => [verifier.name, verifier]));
  async function* score(
    requests: Iterable<RewardRequest> | AsyncIterable<RewardRequest>,
    scoreOptions: ScoreOptions = {},
  ): AsyncGenerator<RewardResult, void, undefined> {
    const others = new OtherSource(source, scoreOptions);
    const submit: Submit = (request) => {
      const verifier = byName.get(request.verifier);
      if (verifier === undefined) return { outcome: others.ask(request), cancel: () => {} };
      const controller = new AbortController();
      return {
        outcome: scoreAsync(verifier, request, controller.signal, options),
        cancel: () => controller.abort(new Error("this verdict is no longer wanted")),
      };
    };
    try {
      yield* streamThrough(submit, requests, window, scoreOptions);
    } finally {
      await others.end();
    }
  }
  return { score, ...(source.close && { close: () => source.close!() }) };
}

/** Asks a source one request at a time: they go to a single call of `score`, whose results are told apart by index. */
class OtherSource {
  readonly #source: RewardSource;
  readonly #options: ScoreOptions;
  readonly #waiting: RewardRequest[] = [];
  readonly #answers: { resolve(outcome: RewardOutcome): void; reject(error: unknown): void }[] = [];
  #wake: () => void = () => {};
  #ended = false;
  /** Requests without an answer. */
  #open = 0;
  /** Ends the call of the source when what is open is no longer wanted. */
  readonly #stop = new AbortController();
  #reading: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(source: RewardSource, options: ScoreOptions) {
    this.#source = source;
    this.#options = options;
  }

  ask(request: RewardRequest): Promise<RewardOutcome> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    const answer = new Promise<RewardOutcome>((resolve, reject) => void this.#answers.push({ resolve, reject }));
    this.#open += 1;
    this.#waiting.push(request);
    this.#wake();
    this.#reading ??= this.#read().catch((error: unknown) => {
      this.#failure = { error };
      for (const { reject } of this.#answers) reject(error);
    });
    return answer;
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#wake();
    if (this.#open > 0) this.#stop.abort(new Error("the rest is no longer wanted"));
    await this.#reading;
  }

  async #read(): Promise<void> {
    const signals = [this.#stop.signal, ...(this.#options.signal ? [this.#options.signal] : [])];
    const results = this.#source.score(this.#requests(), { signal: AbortSignal.any(signals) });
    for await (const { index, ...outcome } of results) {
      this.#open -= 1;
      this.#answers[index]?.resolve(outcome);
    }
    if (this.#open > 0) throw new Error(`the reward source left ${this.#open} requests unanswered`);
  }

  async *#requests(): AsyncGenerator<RewardRequest, void, undefined> {
    for (;;) {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) yield next;
      if (this.#ended) return;
      await new Promise<void>((resolve) => void (this.#wake = resolve));
    }
  }
}

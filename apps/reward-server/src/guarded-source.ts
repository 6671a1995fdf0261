import {
  DEFAULT_ACCURACY_RATIO,
  DEFAULT_FORMAT_RATIO,
  type RewardOutcome,
  type RewardRequest,
  type RewardResult,
} from "@v-triune/rewards";
import type { IsolatedRewardSource, PoolStats } from "@v-triune/rewards/isolated";
import { isDeeperThan } from "./http/nesting";
import { CLIENT_GONE, DEADLINE_PASSED, RefusalError, invalidField } from "./http/refusal-error";

/**
 * A source between the routes and the workers: it refuses what no worker should see, bounds what waits, and reports
 * verdicts.
 */
export interface GuardedSource {
  readonly names: readonly string[];
  readonly stats: PoolStats;
  /** Samples accepted and not yet answered. */
  readonly accepted: number;
  /**
   * Refuses what no worker should see.
   *
   * @param field where the parts of the request are, for the message: `requests[3].verifier`
   * @throws RefusalError 404 for an unknown verifier, 400 for ratios that sum to 0 or parameters nested too deep
   */
  check(
    request: RewardRequest,
    field: { readonly verifier: string; readonly params: string; readonly accuracyRatio: string },
  ): void;
  /** Judges one. @throws RefusalError 503 when the queue is full, 504 when the deadline passes */
  one(request: RewardRequest, signal: AbortSignal): Promise<RewardOutcome>;
  /**
   * Judges many. A sample that the deadline leaves unanswered is `error: deadline`. The places in the queue are taken
   * when this is called, not when reading begins.
   *
   * @throws RefusalError 503 when the queue has no room for them
   */
  many(requests: readonly RewardRequest[], signal: AbortSignal): AsyncIterable<RewardResult>;
}

/** Parameters are a handful of numbers; deeper nesting attacks the code that copies it. */
const MOST_LEVELS = 16;

/** The limits of a {@link GuardedSource}. */
export interface SourceLimits {
  /** The largest number of samples that are accepted and not yet answered. */
  readonly queue: number;
  /** Whether rewards are divided by the sum of the ratios, which then must not be 0. */
  readonly normalized: boolean;
}

/** Told of each verdict, with the seconds from the sample's acceptance to its answer. */
export type OnVerdict = (
  verifier: string,
  outcome: {
    readonly status: RewardOutcome["status"];
    readonly reason?: string;
    readonly metrics?: Readonly<Record<string, number>>;
  },
  seconds: number,
) => void;

/** Puts limits in front of a source. */
export function guardSource(source: IsolatedRewardSource, limits: SourceLimits, onVerdict: OnVerdict): GuardedSource {
  const names = new Set(source.names);
  let accepted = 0;

  const admit = (count: number) => {
    if (accepted + count > limits.queue) {
      throw new RefusalError(
        503,
        "queue-full",
        `${accepted} samples are waiting and ${count} more do not fit into the queue of ${limits.queue}; try again`,
        { queue: limits.queue, accepted },
        { "retry-after": "1" },
      );
    }
    accepted += count;
  };
  const release = (count: number) => void (accepted -= count);

  async function* stream(
    requests: readonly RewardRequest[],
    signal: AbortSignal,
  ): AsyncGenerator<RewardResult, void, undefined> {
    const started = performance.now();
    const answered = new Uint8Array(requests.length);
    let left = requests.length;
    const count = (result: RewardResult): RewardResult => {
      answered[result.index] = 1;
      left--;
      release(1);
      onVerdict(requests[result.index]?.verifier ?? "", result, (performance.now() - started) / 1000);
      return result;
    };
    try {
      for await (const result of source.score(requests, { signal })) yield count(result);
    } catch (error) {
      if (error !== DEADLINE_PASSED) throw error;
      for (const [index, done] of answered.entries())
        if (done === 0) yield count({ index, status: "error", reason: "deadline", code: "deadline" });
    } finally {
      release(left);
    }
  }

  return {
    names: source.names,
    get stats() {
      return source.stats;
    },
    get accepted() {
      return accepted;
    },
    check(request, field) {
      if (!names.has(request.verifier)) {
        throw new RefusalError(
          404,
          "unknown-verifier",
          `${field.verifier}: no verifier ${JSON.stringify(request.verifier.slice(0, 100))}; known: ` +
            `${source.names.join(", ")}`,
          { field: field.verifier, known: source.names },
        );
      }
      const { accuracyRatio, formatRatio } = request;
      if (
        limits.normalized &&
        (accuracyRatio ?? DEFAULT_ACCURACY_RATIO) + (formatRatio ?? DEFAULT_FORMAT_RATIO) === 0
      ) {
        throw invalidField(
          field.accuracyRatio,
          `${field.accuracyRatio}: accuracy_ratio and format_ratio are both 0, so no reward can be formed; set one ` +
            "of them above 0",
        );
      }
      if (isDeeperThan(request.sample.params, MOST_LEVELS))
        throw invalidField(
          field.params,
          `${field.params}: at most ${MOST_LEVELS} levels of nesting expected, found more`,
        );
    },
    async one(request, signal) {
      admit(1);
      const started = performance.now();
      try {
        const outcome = await source.run(request, signal);
        onVerdict(request.verifier, outcome, (performance.now() - started) / 1000);
        return outcome;
      } catch (error) {
        if (error !== CLIENT_GONE)
          onVerdict(request.verifier, { status: "error" }, (performance.now() - started) / 1000);
        throw error;
      } finally {
        release(1);
      }
    },
    many(requests, signal) {
      admit(requests.length);
      return stream(requests, signal);
    },
  };
}

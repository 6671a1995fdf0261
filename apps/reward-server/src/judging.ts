import {
  DEFAULT_ACCURACY_RATIO,
  DEFAULT_FORMAT_RATIO,
  type RewardOutcome,
  type RewardRequest,
  type RewardResult,
} from "@v-triune/rewards";
import type { IsolatedRewardSource } from "@v-triune/rewards/isolated";
import { isDeeperThan } from "./http/nesting";
import { CLIENT_GONE, DEADLINE_PASSED, RequestFault, invalidField } from "./http/request-fault";
import type { ServerMetrics } from "./metrics";

/** Between the routes and the workers: what may come in, how much of it, and what is counted. */
export interface Judging {
  readonly names: readonly string[];
  /** Samples accepted and not yet answered. */
  readonly accepted: number;
  /**
   * Refuses what no worker should see.
   *
   * @param field where the request's parts are, for the message; e.g. `requests[3].`
   * @throws RequestFault 404 for an unknown verifier, 400 for ratios that sum to 0 or parameters nested too deep
   */
  check(
    request: RewardRequest,
    field: { readonly verifier: string; readonly params: string; readonly accuracyRatio: string },
  ): void;
  /** Judges one. @throws RequestFault 503 when the queue is full, 504 when the deadline passes */
  one(request: RewardRequest, signal: AbortSignal): Promise<RewardOutcome>;
  /**
   * Judges many; a sample that the deadline leaves unanswered is `error: deadline`. The places in the queue are taken when this is
   * called, not when reading begins.
   *
   * @throws RequestFault 503 when the queue has no room for them
   */
  many(requests: readonly RewardRequest[], signal: AbortSignal): AsyncIterable<RewardResult>;
}

/** Parameters are a handful of numbers; what is nested deeper is an attack on whoever copies it. */
const MOST_LEVELS = 16;

/** Puts limits and counters in front of a source. */
export function createJudging(
  source: IsolatedRewardSource,
  metrics: ServerMetrics,
  limits: { readonly queue: number; readonly normalised: boolean },
): Judging {
  const names = new Set(source.names);
  let accepted = 0;

  const admit = (count: number) => {
    if (accepted + count > limits.queue) {
      throw new RequestFault(
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
      metrics.verdict(requests[result.index]?.verifier ?? "", result, (performance.now() - started) / 1000);
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
    get accepted() {
      return accepted;
    },
    check(request, field) {
      if (!names.has(request.verifier)) {
        throw new RequestFault(
          404,
          "unknown-verifier",
          `${field.verifier}: there is no verifier ${JSON.stringify(request.verifier.slice(0, 100))}; known: ${source.names.join(", ")}`,
          { field: field.verifier, known: source.names },
        );
      }
      const { accuracyRatio, formatRatio } = request;
      if (
        limits.normalised &&
        (accuracyRatio ?? DEFAULT_ACCURACY_RATIO) + (formatRatio ?? DEFAULT_FORMAT_RATIO) === 0
      ) {
        throw invalidField(
          field.accuracyRatio,
          `${field.accuracyRatio}: accuracy_ratio and format_ratio are both 0, so no reward can be formed; set one of them above 0`,
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
        metrics.verdict(request.verifier, outcome, (performance.now() - started) / 1000);
        return outcome;
      } catch (error) {
        if (error !== CLIENT_GONE)
          metrics.verdict(request.verifier, { status: "error" }, (performance.now() - started) / 1000);
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

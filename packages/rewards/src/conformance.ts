/**
 * The conformance kit of the RewardSource seam. It uses a source in every way that a trainer does, and returns what is
 * wrong as data:
 *
 *     expect(await checkRewardSource(mySource, { requests })).toEqual([]);
 */
import type { RewardRequest, RewardResult, RewardSource } from "./reward-source";

export {
  checkAsyncVerifier,
  type AsyncVerifierConformanceOptions,
  type AsyncVerifierFinding,
} from "./async-verifier-conformance";

/** One breach of the contract. */
export interface RewardSourceFinding {
  readonly rule:
    | "complete"
    | "shape"
    | "empty"
    | "streams"
    | "abort"
    | "input-error"
    | "early-stop"
    | "concurrent"
    | "stuck";
  readonly message: string;
}

/** What the kit needs. */
export interface RewardSourceConformanceOptions {
  /** Requests that the source can score; at least two. */
  readonly requests: readonly RewardRequest[];
  /** The time after which a call counts as stuck. Default 10,000 ms. */
  readonly longestMs?: number;
}

class Stuck extends Error {}

/**
 * Checks a source against the contract of {@link RewardSource}.
 *
 * @returns the findings; an empty list means that it conforms
 * @throws RangeError for fewer than two requests
 */
export async function checkRewardSource(
  source: RewardSource,
  options: RewardSourceConformanceOptions,
): Promise<RewardSourceFinding[]> {
  const { requests, longestMs = 10_000 } = options;
  if (requests.length < 2)
    throw new RangeError(`checkRewardSource: ${requests.length} requests; give at least two that the source can score`);
  const findings: RewardSourceFinding[] = [];
  const find = (rule: RewardSourceFinding["rule"], message: string) => void findings.push({ rule, message });

  /** Runs one scene. A scene that never ends is a finding, not a hang. */
  const scene = async (name: string, play: () => Promise<void>) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stuck = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Stuck()), longestMs)));
    try {
      await Promise.race([play(), stuck]);
    } catch (error) {
      find(
        "stuck",
        error instanceof Stuck
          ? `${name}: no end within ${longestMs} ms`
          : `${name}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)} was thrown`,
      );
    } finally {
      clearTimeout(timer);
    }
  };
  const collect = async (input: Iterable<RewardRequest> | AsyncIterable<RewardRequest>) => {
    const results: RewardResult[] = [];
    for await (const result of source.score(input)) results.push(result);
    return results;
  };
  const checkComplete = (name: string, results: readonly RewardResult[], expected: number) => {
    const indexes = results.map(({ index }) => index).sort((a, b) => a - b);
    const complete = indexes.length === expected && indexes.every((index, position) => index === position);
    if (!complete)
      find(
        "complete",
        `${name}: each of ${expected} requests answered once expected, found indexes ` +
          `${JSON.stringify(indexes.slice(0, 20))}`,
      );
    for (const result of results) checkShape(result, find);
  };

  await scene("a list", async () => checkComplete("a list", await collect(requests), requests.length));
  await scene("no requests", async () => {
    const results = await collect([]);
    if (results.length > 0) find("empty", `no results to no requests expected, found ${results.length}`);
  });
  await scene("an input that waits for the first result", async () => {
    let answered = () => {};
    const first = new Promise<void>((resolve) => (answered = resolve));
    async function* waiting() {
      yield requests[0] as RewardRequest;
      await first;
      yield requests[1] as RewardRequest;
    }
    const results: RewardResult[] = [];
    for await (const result of source.score(waiting())) {
      results.push(result);
      answered();
    }
    checkComplete("an input that waits for the first result", results, 2);
  });
  await scene("an aborted call", async () => {
    const reason = new Error("aborted by the conformance kit");
    for (const [when, signal] of [
      ["before", AbortSignal.abort(reason)],
      ["while waiting for input", abortSoon(reason)],
    ] as const) {
      const thrown = await consume(source, neverEnding(requests), signal);
      if (thrown !== reason)
        find(
          "abort",
          `aborted ${when}: the signal's reason expected, ${thrown === undefined ? "nothing" : String(thrown)} was ` +
            "thrown",
        );
    }
  });
  await scene("an input that throws", async () => {
    const reason = new Error("thrown by the input");
    async function* throwing() {
      yield requests[0] as RewardRequest;
      throw reason;
    }
    const thrown = await consume(source, throwing());
    if (thrown !== reason)
      find(
        "input-error",
        `the input's own error expected, ${thrown === undefined ? "nothing" : String(thrown)} was thrown`,
      );
  });
  await scene("a reader that stops early", async () => {
    for await (const result of source.score(requests)) {
      checkShape(result, find);
      break;
    }
    const results = await collect(requests);
    if (results.length !== requests.length)
      find(
        "early-stop",
        `after a reader that stopped early, ${requests.length} results expected, found ${results.length}`,
      );
  });
  await scene("two calls at once", async () => {
    const [one, two] = await Promise.all([collect(requests), collect(requests.toReversed())]);
    checkComplete("the first of two calls at once", one, requests.length);
    checkComplete("the second of two calls at once", two, requests.length);
    const mirrored = one.every((result) =>
      sameVerdict(
        result,
        two.find(({ index }) => index === requests.length - 1 - result.index),
      ),
    );
    if (!mirrored)
      find("concurrent", "two calls at once with the same requests in opposite order gave different verdicts");
  });
  return findings;
}

function checkShape(result: RewardResult, find: (rule: RewardSourceFinding["rule"], message: string) => void): void {
  const wrong = (expected: string) =>
    find("shape", `${expected} expected, found ${JSON.stringify(result)?.slice(0, 200)}`);
  if (result.status === "scored") {
    const finite = [result.reward, result.accuracy, result.format, ...Object.values(result.metrics ?? {})].every(
      Number.isFinite,
    );
    if (!finite || typeof result.metrics !== "object") wrong("finite reward, accuracy, format and metrics");
  } else if (result.status === "skipped" || result.status === "error") {
    if (typeof result.reason !== "string" || result.reason === "") wrong("a reason");
  } else wrong('status "scored", "skipped" or "error"');
}

function sameVerdict(a: RewardResult, b: RewardResult | undefined): boolean {
  return b !== undefined && JSON.stringify({ ...a, index: 0 }) === JSON.stringify({ ...b, index: 0 });
}

function abortSoon(reason: Error): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 20);
  return controller.signal;
}

/** Gives what there is, then nothing more, without ending. */
async function* neverEnding(requests: readonly RewardRequest[]): AsyncGenerator<RewardRequest, void, undefined> {
  yield* requests;
  await new Promise(() => undefined);
}

/** Reads to the end and returns what was thrown. */
async function consume(
  source: RewardSource,
  input: AsyncIterable<RewardRequest>,
  signal?: AbortSignal,
): Promise<unknown> {
  try {
    for await (const result of source.score(input, signal === undefined ? {} : { signal })) void result;
    return undefined;
  } catch (error) {
    return error;
  }
}

/**
 * Samples of one request, each read by itself, so that one that cannot be read does not cost the others their verdicts.
 * A mistake that all of them share refuses the request: no other sample is lost by that.
 */
import type { RewardOutcome, RewardRequest } from "@v-triune/rewards";
import { RefusalError, UNREADABLE_SAMPLE } from "../http/refusal-error";
import type { RouteTools } from "./route";

/** A sample that was read, or what is wrong with it. */
export type ReadSample = RewardRequest | RefusalError;

/**
 * Reads every item.
 *
 * @param answersOne whether a single sample that cannot be read is answered, rather than refused
 * @throws RefusalError the first one, if there are items and none can be read
 */
export function readEach<Item>(
  items: readonly Item[],
  read: (item: Item, index: number) => RewardRequest,
  answersOne = false,
): readonly ReadSample[] {
  const samples = items.map((item, index): ReadSample => {
    try {
      return read(item, index);
    } catch (error) {
      if (error instanceof RefusalError) return error;
      throw error;
    }
  });
  const [first] = samples;
  if (!(first instanceof RefusalError) || samples.some((sample) => !(sample instanceof RefusalError))) return samples;
  if (!(answersOne && samples.length === 1 && first.code === UNREADABLE_SAMPLE)) throw first;
  return samples;
}

/**
 * Judges what could be read, in the order of completion; what could not comes first, as `error` with the code
 * `request`. The places in the queue are taken when this is called.
 *
 * @throws RefusalError 503 when the queue has no room
 */
export function judgeEach(
  { source }: RouteTools,
  samples: readonly ReadSample[],
  signal: AbortSignal,
): AsyncIterable<{ readonly index: number; readonly outcome: RewardOutcome }> {
  const places = samples.flatMap((sample, index) => (sample instanceof RefusalError ? [] : [index]));
  const requests = samples.filter((sample): sample is RewardRequest => !(sample instanceof RefusalError));
  const judged = source.many(requests, signal);
  return (async function* () {
    for (const [index, sample] of samples.entries())
      if (sample instanceof RefusalError)
        yield { index, outcome: { status: "error", reason: sample.message, code: "request" } as const };
    for await (const { index, ...outcome } of judged)
      yield { index: places[index] as number, outcome: outcome as RewardOutcome };
  })();
}

/** The largest number of different reasons in one line of the log. */
const MOST_REASONS = 5;

/**
 * Counts the samples of a request that were not scored. Logs how many there are for each reason, and how many answers
 * have boxes that look like another convention.
 */
export function reportLeftOut(
  { settings, log, metrics, noteBoxes }: RouteTools,
  route: string,
  outcomes: readonly RewardOutcome[],
  samples: readonly ReadSample[] = [],
): void {
  noteBoxes(route, outcomes);
  const reasons: Record<string, number> = {};
  const counts = { failed: 0, skipped: 0 };
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.status === "scored") continue;
    metrics.leftOut(route, outcome.status);
    counts[outcome.status === "error" ? "failed" : "skipped"]++;
    const text = settings.logText ? outcome.reason : withoutText(outcome, samples[index]);
    reasons[text] = (reasons[text] ?? 0) + 1;
  }
  if (counts.failed + counts.skipped === 0) return;
  const most = Object.entries(reasons).sort(([, a], [, b]) => b - a);
  log.warn(
    { route, samples: outcomes.length, ...counts, reasons: Object.fromEntries(most.slice(0, MOST_REASONS)) },
    "samples left out",
  );
}

/** A reason without what may be a part of the sample's texts. */
function withoutText(outcome: RewardOutcome & { readonly reason?: string }, sample: ReadSample | undefined): string {
  if (sample instanceof RefusalError) return sample.code;
  return outcome.status === "skipped" ? "bad gold answer" : String(outcome.reason);
}

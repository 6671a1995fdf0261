import { abortable } from "./abortable-iteration";
import type { RewardOutcome } from "./score-request";
import type { RewardRequest, RewardResult, ScoreOptions } from "./reward-source";

/** Takes one request at a time: a pool of workers, a set of servers. */
export type Submit = (request: RewardRequest) => {
  readonly outcome: Promise<RewardOutcome>;
  /** Calls the request off; `outcome` then need not settle. */
  readonly cancel: () => void;
};

/** The outcome of a request that was open when its source was closed. */
export const CLOSED_OUTCOME: RewardOutcome = { status: "error", reason: "closed", code: "closed" };

/**
 * Feeds a stream of requests to something that takes them one by one, and yields results as they come. At most `window`
 * are under way or unread. When reading stops, for any reason, the rest is called off.
 */
export async function* streamThrough(
  submit: Submit,
  requests: Iterable<RewardRequest> | AsyncIterable<RewardRequest>,
  window: number,
  { signal }: ScoreOptions = {},
): AsyncGenerator<RewardResult, void, undefined> {
  signal?.throwIfAborted();
  const results: RewardResult[] = [];
  const cancels = new Map<number, () => void>();
  const flow = { unread: 0, fed: false, stopped: false };
  let failure: { error: unknown } | undefined;
  let sleepers: (() => void)[] = [];
  const wake = () => {
    const woken = sleepers;
    sleepers = [];
    for (const sleeper of woken) sleeper();
  };
  const change = () => new Promise<void>((resolve) => void sleepers.push(resolve));
  const fail = (error: unknown) => {
    failure ??= { error };
    wake();
  };

  const feed = async () => {
    let index = 0;
    for await (const request of abortable(requests, signal)) {
      const position = index++;
      while (flow.unread >= window && !flow.stopped) await change();
      if (flow.stopped) return;
      flow.unread++;
      const { outcome, cancel } = submit(request);
      cancels.set(position, cancel);
      void outcome.then((found) => {
        cancels.delete(position);
        results.push({ index: position, ...found });
        wake();
      }, fail);
    }
    flow.fed = true;
    wake();
  };
  signal?.addEventListener("abort", wake, { once: true });
  void feed().catch(fail);

  try {
    for (;;) {
      // Results come before a failure: they were judged before it.
      for (let result = results.shift(); result !== undefined; result = results.shift()) {
        flow.unread--;
        wake();
        yield result;
      }
      signal?.throwIfAborted();
      if (failure !== undefined) throw failure.error;
      if (flow.fed && flow.unread === 0) return;
      await change();
    }
  } finally {
    flow.stopped = true;
    signal?.removeEventListener("abort", wake);
    for (const cancel of cancels.values()) cancel();
    wake();
  }
}

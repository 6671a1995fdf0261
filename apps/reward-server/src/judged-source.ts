import { type AsyncVerifier, scoreAsync, withAsyncVerifiers } from "@v-triune/rewards";
import type { IsolatedRewardSource } from "@v-triune/rewards/isolated";
import type { RewardServerSettings } from "./settings";

/**
 * The workers, and a judge for the samples that name it. The judge has its own limits and timeouts; queue and deadline
 * of a request hold for both. A key that is refused is the verdict `error`, as the server goes on.
 */
export function judgedSource(
  workers: IsolatedRewardSource,
  judge: AsyncVerifier,
  { normalized, compat }: Pick<RewardServerSettings, "normalized" | "compat">,
): IsolatedRewardSource {
  const options = { normalized: normalized || compat === "original", refusals: "error" } as const;
  const source = withAsyncVerifiers(workers, [judge], options);
  return {
    names: [...workers.names, judge.name],
    get stats() {
      return workers.stats;
    },
    async run(request, signal = new AbortController().signal) {
      if (request.verifier !== judge.name) return workers.run(request, signal);
      const outcome = await scoreAsync(judge, request, signal, options);
      signal.throwIfAborted();
      return outcome;
    },
    score: (requests, scoreOptions) => source.score(requests, scoreOptions),
    close: () => workers.close(),
  };
}

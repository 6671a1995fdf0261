import type { VerifierRegistry } from "@v-triune/verifiers";
import { abortable } from "./abortable-iteration";
import { scoreRequest, type RewardRule } from "./score-request";
import type { RewardRequest, RewardResult, RewardSource, ScoreOptions } from "./reward-source";

/** Settings of an in-process source. */
export interface LocalRewardSourceOptions extends RewardRule {
  /** Milliseconds of judging after which other work of the process gets a turn. Default 8. */
  readonly turnMs?: number;
}

/**
 * A reward source in this process, without threads and deadlines: for built-in verifiers, whose work is bounded by
 * design. For verifiers that may hang or crash, take the isolated source of `@v-triune/rewards/isolated`.
 *
 * Iteration throws UnknownVerifierError when a sample asks for a verifier that is not registered.
 *
 * @example
 * const source = createLocalRewardSource(createVerifierRegistry([mathverify, detection]));
 * for await (const result of source.score(requests)) console.log(result.index, result.status);
 */
export function createLocalRewardSource(
  registry: VerifierRegistry,
  options: LocalRewardSourceOptions = {},
): RewardSource {
  const { turnMs = 8, ...rule } = options;
  return { score: (requests, scoreOptions) => scoreLocally(registry, requests, rule, turnMs, scoreOptions) };
}

async function* scoreLocally(
  registry: VerifierRegistry,
  requests: Iterable<RewardRequest> | AsyncIterable<RewardRequest>,
  rule: RewardRule,
  turnMs: number,
  { signal }: ScoreOptions = {},
): AsyncGenerator<RewardResult, void, undefined> {
  let index = 0;
  let turnStarted = performance.now();
  for await (const request of abortable(requests, signal)) {
    yield { index: index++, ...scoreRequest(registry, request, rule) };
    // The clock decides only when the event loop gets its turn, never what a verdict is.
    if (performance.now() - turnStarted < turnMs) continue;
    await new Promise((resume) => setTimeout(resume, 0));
    turnStarted = performance.now();
  }
}

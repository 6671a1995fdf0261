import { expect, it } from "vitest";
import { checkRolloutEngine } from "./conformance";
import type { PreparedPrompt } from "./prepared-prompt";
import type { EngineCompletion, RolloutEngine, SamplingRequest } from "./rollout-engine";

const prompts = ["a", "b", "c"].map((id) => ({ id }) as PreparedPrompt);

/** Answers 7 and the end token; draws nothing. */
const good: RolloutEngine = {
  name: "good",
  async *generate(asked, { n, signal }) {
    for (const promptIndex of asked.keys())
      for (let sampleIndex = 0; sampleIndex < n; sampleIndex++) {
        signal?.throwIfAborted();
        await Promise.resolve();
        yield { promptIndex, sampleIndex, tokenIds: Int32Array.of(7, 2), finishReason: "stop" };
      }
    signal?.throwIfAborted();
  },
};

/** The good engine, each answer changed. */
function changed(change: (completion: EngineCompletion) => Partial<EngineCompletion>): RolloutEngine {
  return {
    ...good,
    async *generate(asked, request) {
      for await (const completion of good.generate(asked, request)) yield { ...completion, ...change(completion) };
    },
  };
}
const rules = async (engine: RolloutEngine, longestMs = 1000) =>
  [...new Set((await checkRolloutEngine(engine, { prompts, longestMs })).map(({ rule }) => rule))].sort();

it("finds nothing in an engine that conforms", async () => {
  expect(await checkRolloutEngine(good, { prompts })).toEqual([]);
  const logProbs = changed(() => ({ logProbs: Float32Array.of(-1, -0.5) }));
  expect(await rules({ ...logProbs, givesForeignLogProbs: true, takeMetrics: () => ({ "rollout/x": 1 }) })).toEqual([]);
});

let draws = 0;
const never = new AbortController().signal;
it.each<[string, RolloutEngine]>([
  ["identity", { ...good, name: "" }],
  ["complete", changed(({ promptIndex }) => ({ promptIndex: Math.min(1, promptIndex) }))],
  ["complete", changed(() => ({ sampleIndex: 0 }))],
  ["shape", changed(() => ({ tokenIds: [7, 2] as unknown as Int32Array }))],
  ["shape", changed(() => ({ finishReason: "eos" as "stop" }))],
  ["shape", changed(() => ({ tokenIds: new Int32Array() }))],
  ["limit", changed(() => ({ tokenIds: new Int32Array(9) }))],
  ["limit", changed(() => ({ finishReason: "length" as const }))],
  ["log-probs", { ...good, givesForeignLogProbs: true }],
  ["log-probs", changed(() => ({ logProbs: Float32Array.of(-1) }))],
  ["log-probs", changed(() => ({ logProbs: Float32Array.of(0.5, Number.NaN) }))],
  ["greedy", changed(() => ({ tokenIds: Int32Array.of(draws++, 2) }))],
  ["metrics", { ...good, takeMetrics: () => ({ "rollout/x": Number.NaN }) }],
  [
    "abort",
    { ...good, generate: (asked, { n, ...request }) => good.generate(asked, { ...request, n, signal: never }) },
  ],
])("finds what breaks the rule %s", async (rule, engine) => {
  expect(await rules(engine)).toContain(rule);
});

it("finds an engine that answers nobody, never ends, throws, or does not survive a caller that leaves", async () => {
  expect(await rules({ ...good, generate: (_, request) => good.generate(prompts, request) })).toContain("empty");
  const before = (wait: () => Promise<void>): RolloutEngine => ({
    ...good,
    async *generate(asked, request) {
      await wait();
      yield* good.generate(asked, request);
    },
  });
  expect(
    await rules(
      before(() => new Promise(() => {})),
      20,
    ),
  ).toEqual(["stuck"]);
  expect(await rules(before(() => Promise.reject(new Error("no"))))).toContain("throws");
  let left = false;
  const once = async function* (
    asked: readonly PreparedPrompt[],
    request: SamplingRequest,
  ): AsyncGenerator<EngineCompletion> {
    if (left) return;
    let whole = false;
    try {
      yield* good.generate(asked, request);
      whole = true;
    } finally {
      if (!whole && !request.signal?.aborted) left = true;
    }
  };
  expect(await rules({ ...good, generate: once })).toContain("early-stop");
});

it("asks for two prompts", async () => {
  await expect(checkRolloutEngine(good, { prompts: prompts.slice(0, 1) })).rejects.toThrow(RangeError);
});

/**
 * The conformance kit of the RolloutEngine seam. It asks an engine the ways in which a run does and returns what is
 * wrong as data, so that it works under any test framework:
 *
 *     expect(await checkRolloutEngine(myEngine, { prompts })).toEqual([]);
 */
import type { PreparedPrompt } from "./prepared-prompt";
import type { EngineCompletion, RolloutEngine, SamplingRequest } from "./rollout-engine";

export { type ToolConformanceOptions, type ToolFinding, checkTool } from "./tools/tool-conformance";

/** One way in which an engine breaks the contract. */
export interface RolloutEngineFinding {
  /** The rule that is broken. */
  readonly rule:
    | "identity"
    | "complete"
    | "shape"
    | "limit"
    | "empty"
    | "greedy"
    | "log-probs"
    | "abort"
    | "early-stop"
    | "metrics"
    | "throws"
    | "stuck";
  /** Expected and found. */
  readonly message: string;
}

/** What the kit needs. */
export interface RolloutEngineConformanceOptions {
  /** Prompts that the engine can answer; at least two. */
  readonly prompts: readonly PreparedPrompt[];
  /** Length limit of the answers. Default 8. */
  readonly maxNewTokens?: number;
  /** Whether two greedy answers to a prompt are the same. Default true. */
  readonly greedyRepeats?: boolean;
  /** How long one call may take before it counts as stuck. Default 60,000 ms. */
  readonly longestMs?: number;
}

class Stuck extends Error {}

/**
 * Checks an engine against the contract of {@link RolloutEngine}. It takes the engine as it is: weights are not
 * exchanged.
 *
 * @returns the findings; an empty list means that it conforms
 * @throws RangeError for fewer than two prompts
 */
export async function checkRolloutEngine(
  engine: RolloutEngine,
  options: RolloutEngineConformanceOptions,
): Promise<RolloutEngineFinding[]> {
  const { prompts, maxNewTokens = 8, greedyRepeats = true, longestMs = 60_000 } = options;
  if (prompts.length < 2)
    throw new RangeError(`checkRolloutEngine: ${prompts.length} prompts; give at least two that the engine can answer`);
  const findings: RolloutEngineFinding[] = [];
  const find = (rule: RolloutEngineFinding["rule"], message: string) => void findings.push({ rule, message });
  const request: SamplingRequest = { n: 2, temperature: 1, topP: 1, topK: null, maxNewTokens, seed: 7 };
  const answers = async (
    asked: readonly PreparedPrompt[],
    change: Partial<SamplingRequest> = {},
  ): Promise<EngineCompletion[]> => {
    const found: EngineCompletion[] = [];
    for await (const completion of engine.generate(asked, { ...request, ...change })) found.push(completion);
    return found;
  };

  /** Plays one scene; a scene that never ends is a finding, not a hang. */
  const scene = async (name: string, play: () => Promise<void>): Promise<void> => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stuck = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Stuck()), longestMs)));
    try {
      await Promise.race([play(), stuck]);
    } catch (error) {
      if (error instanceof Stuck) find("stuck", `${name}: no end within ${longestMs} ms`);
      else find("throws", `${name}: ${nameOf(error)} was thrown`);
    } finally {
      clearTimeout(timer);
    }
  };

  if (typeof engine.name !== "string" || engine.name === "")
    find("identity", `a name expected, found ${JSON.stringify(engine.name)}`);

  await scene("two answers per prompt", async () => {
    const found = await answers(prompts);
    const expected = prompts.flatMap((_, prompt) => [`${prompt}/0`, `${prompt}/1`]).sort();
    const places = found.map(({ promptIndex, sampleIndex }) => `${promptIndex}/${sampleIndex}`).sort();
    if (places.join() !== expected.join())
      find(
        "complete",
        `each of ${prompts.length} prompts answered twice expected, found ${places.length} answers ` +
          `(prompt/sample): ${places.slice(0, 20).join(", ")}`,
      );
    for (const completion of found) checkShape(completion, maxNewTokens, engine, find);
  });
  await scene("no prompts", async () => {
    const found = await answers([]);
    if (found.length > 0) find("empty", `no answers to no prompts expected, found ${found.length}`);
  });
  await scene("greedy answers", async () => {
    const tokens = async (): Promise<string> => {
      const found = await answers(prompts.slice(0, 1), { n: 1, temperature: 0 });
      return found.map(({ tokenIds }) => [...tokenIds].join(" ")).join();
    };
    const [first, second] = [await tokens(), await tokens()];
    if (greedyRepeats && first !== second)
      find("greedy", `temperature 0 gives the same answer twice expected, found ${first} and ${second}`);
  });
  await scene("a call that is aborted before it begins", async () => {
    const reason = new Error("aborted by the conformance kit");
    const thrown = await answers(prompts, { signal: AbortSignal.abort(reason) }).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (thrown !== reason)
      find(
        "abort",
        `aborted before: the signal's reason expected, ${thrown === undefined ? "nothing" : nameOf(thrown)} was thrown`,
      );
  });
  await scene("a call that is aborted at its first answer", async () => {
    const reason = new Error("aborted by the conformance kit");
    const controller = new AbortController();
    const many = Array.from({ length: 8 }, () => prompts).flat();
    let left = many.length * request.n;
    try {
      for await (const _ of engine.generate(many, { ...request, signal: controller.signal })) {
        left -= 1;
        controller.abort(reason);
      }
      // An engine may have had all answers ready by then.
      if (left > 0)
        find("abort", `aborted at the first answer: the signal's reason expected, it ended ${left} answers early`);
    } catch (error) {
      if (error !== reason)
        find("abort", `aborted at the first answer: the signal's reason expected, ${nameOf(error)} was thrown`);
    }
  });
  await scene("a caller that leaves after the first answer, and asks again", async () => {
    for await (const _ of engine.generate(prompts, request)) break;
    const found = await answers(prompts.slice(0, 1), { n: 1 });
    if (found.length !== 1) find("early-stop", `one answer in the call after it expected, found ${found.length}`);
  });
  await scene("metrics", async () => {
    for (const [name, value] of Object.entries(engine.takeMetrics?.() ?? {}))
      if (typeof value !== "number" || !Number.isFinite(value))
        find("metrics", `${name}: a finite number expected, found ${String(value)}`);
  });
  return findings;
}

function checkShape(
  completion: EngineCompletion,
  maxNewTokens: number,
  { givesForeignLogProbs }: RolloutEngine,
  find: (rule: RolloutEngineFinding["rule"], message: string) => void,
): void {
  const { promptIndex, sampleIndex, tokenIds, logProbs, finishReason } = completion;
  const place = `answer ${sampleIndex} to prompt ${promptIndex}`;
  if (!(tokenIds instanceof Int32Array)) return find("shape", `${place}: tokenIds is no Int32Array`);
  if (finishReason !== "stop" && finishReason !== "length")
    find("shape", `${place}: finishReason "stop" or "length" expected, found ${JSON.stringify(finishReason)}`);
  if (tokenIds.some((id) => id < 0)) find("shape", `${place}: a token id is negative`);
  if (finishReason === "stop" && tokenIds.length === 0)
    find("shape", `${place}: the end token is missing; a "stop" has at least that one`);
  if (tokenIds.length > maxNewTokens)
    find("limit", `${place}: at most ${maxNewTokens} tokens expected, found ${tokenIds.length}`);
  if (finishReason === "length" && tokenIds.length < maxNewTokens)
    find("limit", `${place}: "length" with ${tokenIds.length} of ${maxNewTokens} tokens`);
  if (givesForeignLogProbs && logProbs === undefined)
    find("log-probs", `${place}: log-probabilities are missing, though givesForeignLogProbs is true`);
  if (logProbs !== undefined && (!(logProbs instanceof Float32Array) || logProbs.length !== tokenIds.length))
    find("log-probs", `${place}: a Float32Array of ${tokenIds.length} log-probabilities expected`);
  else if (logProbs?.some((value) => !(value <= 0)))
    find(
      "log-probs",
      `${place}: log-probabilities of at most 0 expected, found ${[...logProbs].find((value) => !(value <= 0))}`,
    );
}

function nameOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

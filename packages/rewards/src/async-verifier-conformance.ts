/**
 * The conformance kit of the AsyncVerifier seam. It asks a verifier in every way that a run does, and returns what is
 * wrong as data:
 *
 *     const samples = [{ groundTruth: "a red ball", prompt: "What is it?" }];
 *     expect(await checkAsyncVerifier(mine, { samples, unreachable: mineWithoutServer })).toEqual([]);
 */
import { VTriuneError } from "@v-triune/errors";
import type { Verdict, VerifierSample } from "@v-triune/verifiers";
import { checkVerdictShape, hostileResponses, type ConformanceFinding } from "@v-triune/verifiers/conformance";
import type { AsyncVerdict, AsyncVerifier } from "./async-verifier";

/** One breach of the contract of {@link AsyncVerifier}. */
export interface AsyncVerifierFinding {
  readonly rule:
    | Exclude<ConformanceFinding["rule"], "slow" | "deterministic">
    | "stuck"
    | "abort"
    | "concurrent"
    | "fault";
  /** The case, short enough to read. */
  readonly input: string;
  /** Expected and found. */
  readonly message: string;
}

/** What the author of a verifier knows about it. */
export interface AsyncVerifierConformanceOptions {
  /** Samples whose gold answer is good. At least one. */
  readonly samples: readonly VerifierSample[];
  /** Pairs of response and sample that must score accuracy 1. */
  readonly right?: readonly (readonly [response: string, sample: VerifierSample])[];
  /** Pairs that must score accuracy 0. */
  readonly wrong?: readonly (readonly [response: string, sample: VerifierSample])[];
  /** The same verifier while what it asks can't be reached: each verdict must then be `error`. */
  readonly unreachable?: AsyncVerifier;
  /** Whether the same question gets the same verdict, as with a model at temperature 0. Default true. */
  readonly repeatable?: boolean;
  /** The time after which a verdict counts as stuck. Default 10,000 ms. */
  readonly longestMs?: number;
  /** The time within which a call ends once its verdict is no longer wanted. Default 1000 ms. */
  readonly abortMs?: number;
}

/** How a call ended. */
type Ending =
  | { readonly kind: "verdict"; readonly verdict: AsyncVerdict }
  | { readonly kind: "thrown"; readonly error: unknown }
  | { readonly kind: "stuck" };

/**
 * Checks a verifier against the contract of {@link AsyncVerifier}.
 *
 * @returns the findings; an empty list means that it conforms
 * @throws RangeError when `samples` is empty
 */
export async function checkAsyncVerifier(
  verifier: AsyncVerifier,
  options: AsyncVerifierConformanceOptions,
): Promise<AsyncVerifierFinding[]> {
  const {
    samples,
    right = [],
    wrong = [],
    unreachable,
    repeatable = true,
    longestMs = 10_000,
    abortMs = 1000,
  } = options;
  const [first] = samples;
  if (first === undefined)
    throw new RangeError(
      "checkAsyncVerifier: options.samples is empty; give at least one sample with a good gold answer",
    );
  const findings: AsyncVerifierFinding[] = [];
  const find = (rule: AsyncVerifierFinding["rule"], input: string, message: string) =>
    void findings.push({ rule, input, message });
  const asked = verifier.name;
  if (typeof asked !== "string" || !/^[\w.:/-]+$/.test(asked))
    find("identity", "name", `a name of letters, digits and _.:/- expected, found ${JSON.stringify(asked)}`);

  /** A verdict that holds what every verdict must; what is wrong with it is found. */
  const checkedVerdict = async (input: string, response: string, sample: VerifierSample, of = verifier) => {
    const before = JSON.stringify(sample);
    const ending = await endingOf(() => of.verify(response, sample, new AbortController().signal), longestMs);
    if (JSON.stringify(sample) !== before) find("mutates", input, "the sample was changed");
    if (ending.kind === "verdict") {
      checkVerdictShape(ending.verdict as Verdict, input, (rule, where, message) =>
        find(rule as AsyncVerifierFinding["rule"], where, message),
      );
      return ending.verdict;
    }
    if (ending.kind === "stuck") find("stuck", input, `a verdict within ${longestMs} ms expected, it had not come`);
    else find("throws", input, `a verdict expected, ${describe(ending.error)} was thrown`);
    return undefined;
  };

  for (const [index, sample] of samples.entries())
    for (const [name, response] of hostileResponses())
      await checkedVerdict(`samples[${index}], response: ${name}`, response, sample);

  for (const [list, cases, expected] of [
    ["right", right, 1],
    ["wrong", wrong, 0],
  ] as const)
    for (const [index, [response, sample]] of cases.entries()) {
      const verdict = await checkedVerdict(`${list}[${index}]`, response, sample);
      if (verdict === undefined || (verdict.status === "scored" && Math.abs(verdict.accuracy - expected) < 1e-9))
        continue;
      find("golden", `${list}[${index}]`, `accuracy ${expected} expected, found ${JSON.stringify(verdict)}`);
    }

  await checkManyAtOnce();
  await checkAbort("before the call", AbortSignal.abort(new Error("aborted by the conformance kit")));
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("aborted by the conformance kit")), 20);
  await checkAbort("during the call", controller.signal);
  if (unreachable !== undefined) await checkFault(unreachable);
  return findings;

  async function checkManyAtOnce(): Promise<void> {
    const questions = samples.flatMap((sample) => ["yes", "no", "", "4"].map((response) => ({ response, sample })));
    const ask = ({ response, sample }: (typeof questions)[number], at: number) =>
      checkedVerdict(`${questions.length} questions at once, question ${at}`, response, sample);
    const together = await Promise.all(questions.map(ask));
    if (!repeatable) return;
    for (const [at, question] of questions.entries()) {
      const alone = await ask(question, at);
      if (sameScore(alone, together[at])) continue;
      find(
        "concurrent",
        `question ${at} of ${questions.length}`,
        `the same verdict alone and among others expected, found ${JSON.stringify(alone)} and ` +
          `${JSON.stringify(together[at])}`,
      );
    }
  }

  /** Whatever the call ends with, it ends soon: what it held open is free again. */
  async function checkAbort(when: string, signal: AbortSignal): Promise<void> {
    const ending = await endingOf(() => verifier.verify("4", first!, signal), abortMs);
    if (ending.kind === "stuck")
      find("abort", `aborted ${when}`, `an end within ${abortMs} ms expected, the call went on`);
  }

  async function checkFault(broken: AsyncVerifier): Promise<void> {
    const ending = await endingOf(() => broken.verify("4", first!, new AbortController().signal), longestMs);
    // An error for a person, such as a key that is refused, ends a run and is right.
    if (ending.kind === "thrown" && ending.error instanceof VTriuneError) return;
    if (ending.kind === "verdict" && ending.verdict?.status === "error") {
      checkVerdictShape(ending.verdict as Verdict, "unreachable", (rule, where, message) =>
        find(rule as AsyncVerifierFinding["rule"], where, message),
      );
      return;
    }
    const found =
      ending.kind === "verdict"
        ? JSON.stringify(ending.verdict)
        : ending.kind === "thrown"
          ? `${describe(ending.error)} was thrown`
          : `no verdict within ${longestMs} ms`;
    find("fault", "unreachable", `a verdict with status "error" expected, found ${found}`);
  }
}

/** Metrics are left out: a verdict may say how long it took. */
function sameScore(a: AsyncVerdict | undefined, b: AsyncVerdict | undefined): boolean {
  if (a?.status !== "scored" || b?.status !== "scored") return a?.status === b?.status;
  return a.accuracy === b.accuracy && a.format === b.format;
}

async function endingOf(call: () => Promise<AsyncVerdict>, longestMs: number): Promise<Ending> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stuck = new Promise<Ending>((resolve) => (timer = setTimeout(() => resolve({ kind: "stuck" }), longestMs)));
  const ended = (async (): Promise<Ending> => {
    try {
      return { kind: "verdict", verdict: await call() };
    } catch (error) {
      return { kind: "thrown", error };
    }
  })();
  try {
    return await Promise.race([ended, stuck]);
  } finally {
    clearTimeout(timer);
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

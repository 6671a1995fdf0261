/**
 * The conformance kit of the Verifier seam. It runs a verifier over hostile input and over the samples that its author
 * gives, and returns what is wrong as data, so that it works under any test framework:
 *
 *     const sample = { groundTruth: "4" };
 *     const findings = checkVerifier(myVerifier, { samples: [sample], right: [["4", sample]] });
 *     expect(findings).toEqual([]);
 */
import type { Verdict, Verifier, VerifierSample } from "./verifier";

/** One way in which a verifier breaks the contract. */
export interface ConformanceFinding {
  /** The rule that is broken. */
  readonly rule:
    | "identity"
    | "throws"
    | "verdict-shape"
    | "range"
    | "metrics"
    | "deterministic"
    | "mutates"
    | "slow"
    | "golden";
  /** The case, short enough to read. */
  readonly input: string;
  /** Expected and found. */
  readonly message: string;
}

/** What the author of a verifier knows about it. */
export interface ConformanceOptions {
  /** Samples whose gold answer is good; hostile responses are judged against each. At least one. */
  readonly samples: readonly VerifierSample[];
  /** Pairs of response and sample that must score accuracy 1. */
  readonly right?: readonly (readonly [response: string, sample: VerifierSample])[];
  /** Pairs that must score accuracy 0. */
  readonly wrong?: readonly (readonly [response: string, sample: VerifierSample])[];
  /** Longest time for one verdict in milliseconds. Default 1000; hostile inputs reach 1 MB. */
  readonly longestMs?: number;
  /**
   * A clock in milliseconds, for the time limit. Default: the processor time of this process, which other work on the
   * machine does not lengthen; in a browser `performance.now`.
   */
  readonly clock?: () => number;
}

/** What callers outside TypeScript send in place of a text. */
const NO_TEXTS: readonly (readonly [name: string, value: unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["a number", 42],
  ["a list", ["4"]],
  ["an object", { text: "4" }],
];

/** Hostile responses: empty, huge, broken Unicode, deep nesting, astronomic numbers, malformed boxes. */
export function hostileResponses(): readonly (readonly [name: string, response: string])[] {
  const box = "{'bbox_2d': [1, 2, 3, 4], 'label': 'a'}";
  const answer = (inside: string) => `<think>\nx\n</think>\n<answer>\n${inside}\n</answer>`;
  const manyBoxes = Array.from(
    { length: 10_000 },
    (_, i) => `{'bbox_2d': [${i}, ${i}, ${i + 9}, ${i + 9}], 'label': 'a'}`,
  ).join(", ");
  return [
    ["empty", ""],
    ["white space", " \n\t\r\u00a0\u2028"],
    ["1 MB of one letter", "a".repeat(1_000_000)],
    ["1 MB of digits", "9".repeat(1_000_000)],
    ["lone surrogates", "\ud800 \\boxed{\udc00} \ud83d"],
    ["NUL and control characters", "\u0000\u0001\\boxed{4\u0000}\u007f"],
    ["right-to-left marks", "\u202e\\boxed{4}\u202c\u200f"],
    ["5,000 nested braces", `\\boxed{${"{".repeat(5000)}4${"}".repeat(5000)}}`],
    ["5,000 open braces", "{".repeat(5000)],
    ["5,000 nested brackets", answer("[".repeat(5000) + "]".repeat(5000))],
    ["20,000 unclosed boxed", "\\boxed{".repeat(20_000)],
    ["40,000 times +1", `\\boxed{0${"+1".repeat(40_000)}}`],
    ["tower of powers", "\\boxed{9^{9^{9^9}}}"],
    ["factorial of a million", "\\boxed{10^6!}"],
    ["unclosed tags", "<think><answer><think><answer>".repeat(2000)],
    ["closing tags only", "</answer></think>".repeat(2000)],
    ["unclosed answer", `<answer>\n[${box}`],
    [
      "infinite boxes",
      answer("[{'bbox_2d': [0, 0, 1e400, 1e400], 'label': 'a'}, {'bbox_2d': [nan, 0, Infinity, 5], 'label': 'a'}]"),
    ],
    [
      "boxes as strings",
      answer("[{'bbox_2d': ['1', '2', '3', '4'], 'label': 'a'}, {'bbox_2d': '1,2,3,4', 'label': 7}]"),
    ],
    ["10,000 boxes", answer(`[${manyBoxes}]`)],
    [
      "boxes of the wrong kind",
      answer("[1, null, {}, [], {'bbox_2d': {}, 'label': 'a'}, {'bbox_2d': [1, 2, 3], 'label': 'a'}]"),
    ],
    [
      "prototype keys",
      answer("[{'__proto__': {'x': 1}, 'constructor': 1, 'bbox_2d': [1, 2, 3, 4], 'label': '__proto__'}]"),
    ],
    ["JSON that breaks off", answer('{"a": [1, {"b": "')],
    ["a quote that never closes", answer(`[{'bbox_2d': [1, 2, 3, 4], 'label': 'a${" ".repeat(50_000)}`)],
  ];
}

/**
 * Checks a verifier against the contract of {@link Verifier}.
 *
 * @returns the findings; an empty list means that it conforms
 * @throws RangeError when `samples` is empty
 */
export function checkVerifier(verifier: Verifier, options: ConformanceOptions): ConformanceFinding[] {
  const { samples, right = [], wrong = [], longestMs = 1000, clock = processorTime } = options;
  if (samples.length === 0)
    throw new RangeError("checkVerifier: options.samples is empty; give at least one sample with a good gold answer");
  const findings: ConformanceFinding[] = [];
  const find = (rule: ConformanceFinding["rule"], input: string, message: string) =>
    void findings.push({ rule, input, message });

  if (typeof verifier.name !== "string" || !/^[\w.:/-]+$/.test(verifier.name))
    find("identity", "name", `a name of letters, digits and _.:/- expected, found ${JSON.stringify(verifier.name)}`);

  const checkedVerdict = (input: string, response: string, sample: VerifierSample): Verdict | undefined => {
    const before = JSON.stringify(sample);
    const started = clock();
    let verdict: Verdict;
    let again: Verdict;
    try {
      verdict = verifier.verify(response, sample);
      const between = clock();
      again = verifier.verify(response, sample);
      // The faster of the two: one may have waited for a busy machine.
      const took = Math.min(between - started, clock() - between);
      if (took > longestMs)
        find("slow", input, `a verdict within ${longestMs} ms expected, it took ${Math.round(took)} ms`);
    } catch (error) {
      find(
        "throws",
        input,
        `a verdict expected, ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)} was thrown`,
      );
      return undefined;
    }
    checkVerdictShape(verdict, input, find);
    if (JSON.stringify(verdict) !== JSON.stringify(again))
      find(
        "deterministic",
        input,
        `the same verdict twice expected, found ${JSON.stringify(verdict)} and ${JSON.stringify(again)}`,
      );
    if (JSON.stringify(sample) !== before) find("mutates", input, "the sample was changed");
    return verdict;
  };

  for (const [index, sample] of samples.entries()) {
    for (const [name, response] of hostileResponses())
      checkedVerdict(`samples[${index}], response: ${name}`, response, sample);
  }
  const [first] = samples as [VerifierSample];
  for (const [name, value] of NO_TEXTS) {
    checkedVerdict(`response: ${name}`, value as string, first);
    checkedVerdict(`gold: ${name}`, "4", { ...first, groundTruth: value as string });
  }
  for (const [name, groundTruth] of hostileResponses()) checkedVerdict(`gold: ${name}`, "4", { ...first, groundTruth });
  for (const [name, params] of hostileParams()) checkedVerdict(`params: ${name}`, "4", { ...first, params });

  const golden = (cases: typeof right, expected: number, list: string) => {
    for (const [index, [response, sample]] of cases.entries()) {
      const input = `${list}[${index}]`;
      const verdict = checkedVerdict(input, response, sample);
      if (verdict === undefined || (verdict.status === "scored" && Math.abs(verdict.accuracy - expected) < 1e-9))
        continue;
      find("golden", input, `accuracy ${expected} expected, found ${JSON.stringify(verdict)}`);
    }
  };
  golden(right, 1, "right");
  golden(wrong, 0, "wrong");
  return findings;
}

function processorTime(): number {
  const { process } = globalThis as { readonly process?: { cpuUsage?(): { user: number; system: number } } };
  const used = process?.cpuUsage?.();
  return used ? (used.user + used.system) / 1000 : performance.now();
}

function hostileParams(): readonly (readonly [name: string, params: Record<string, unknown>])[] {
  return [
    ["empty", {}],
    [
      "all null",
      { det_verifier_normalized: null, det_reward_ratio: null, step: null, total_steps: null, image_grid_thw: null },
    ],
    [
      "wrong kinds",
      {
        det_verifier_normalized: "yes",
        det_reward_ratio: 3,
        step: "1",
        total_steps: 0,
        image_grid_thw: [[1]],
        epsilon: -1,
      },
    ],
    ["not finite", { det_reward_ratio: { map: Number.NaN }, step: Number.POSITIVE_INFINITY, tolerance: Number.NaN }],
  ];
}

/** Finds what is wrong with a verdict, whoever gave it: the part of the contract that needs no second call. */
export function checkVerdictShape(
  verdict: Verdict,
  input: string,
  find: (rule: ConformanceFinding["rule"], input: string, message: string) => void,
): void {
  const status: unknown = verdict?.status;
  if (status !== "scored" && status !== "skipped" && status !== "error")
    return find(
      "verdict-shape",
      input,
      `status "scored", "skipped" or "error" expected, found ${JSON.stringify(verdict)}`,
    );
  if (verdict.status !== "scored") {
    if (typeof verdict.reason !== "string" || verdict.reason === "")
      find(
        "verdict-shape",
        input,
        `a reason expected with status ${verdict.status}, found ${JSON.stringify(verdict.reason)}`,
      );
    return;
  }
  if (verdict.reason !== undefined && verdict.reason !== "undecided")
    find("verdict-shape", input, `the reason "undecided" or none expected, found ${JSON.stringify(verdict.reason)}`);
  for (const part of ["accuracy", "format"] as const) {
    if (!(verdict[part] >= 0 && verdict[part] <= 1))
      find("range", input, `${part} in [0, 1] expected, found ${String(verdict[part])}`);
  }
  if (typeof verdict.metrics !== "object" || verdict.metrics === null)
    return find("metrics", input, "an object of metrics expected");
  for (const [name, value] of Object.entries(verdict.metrics)) {
    if (typeof value !== "number" || !Number.isFinite(value))
      find("metrics", input, `metric ${name}: a finite number expected, found ${String(value)}`);
  }
}

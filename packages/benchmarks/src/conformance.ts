/**
 * The conformance kit of the Benchmark seam. It opens a benchmark, asks its questions with hostile answers and returns
 * what is wrong as data, so that it works under any test framework:
 *
 *     expect(await checkBenchmark(myBenchmark, { folder: "fixtures/mine", right: [["17", "\\boxed{4}"]] })).toEqual([]);
 */
import { VTriuneError } from "@v-triune/errors";
import type { AnswerScore, Benchmark, BenchmarkItem, OpenBenchmark, ScoredItem, SeenPicture } from "./benchmark";

/** One way in which a benchmark breaks the contract. */
export interface BenchmarkFinding {
  /** The rule that is broken. */
  readonly rule:
    | "identity"
    | "layout"
    | "items"
    | "pictures"
    | "throws"
    | "score"
    | "deterministic"
    | "slow"
    | "summary"
    | "golden";
  /** The case, short enough to read. */
  readonly input: string;
  /** Expected and found. */
  readonly message: string;
}

/** What the author of a benchmark knows about it. */
export interface BenchmarkConformanceOptions {
  /** A copy of it with at least one question. */
  readonly folder: string;
  /** Answers that must score 1, by the question's id. */
  readonly right?: readonly (readonly [id: string, response: string])[];
  /** Answers that must score 0. */
  readonly wrong?: readonly (readonly [id: string, response: string])[];
  /** A folder of another layout, which must be refused. Default: one that does not exist. */
  readonly otherFolder?: string;
  /** Most questions that are tried. Default 50. */
  readonly most?: number;
  /** Longest time for one score in milliseconds. Default 1000; hostile answers reach 100 KB. */
  readonly longestMs?: number;
  /** A clock in milliseconds, for the time limit. Default `performance.now`. */
  readonly clock?: () => number;
}

const HOSTILE: readonly (readonly [name: string, response: string])[] = [
  ["empty", ""],
  ["white space", " \n\t"],
  ["100 KB of one letter", "a".repeat(100_000)],
  ["lone surrogates", "\ud800 \\boxed{\udc00}"],
  ["unclosed braces", "\\boxed{".repeat(2000)],
  ["unclosed tags", "<think><answer>".repeat(500)],
  ["infinite boxes", "<answer>[{'bbox_2d': [0, 0, 1e400, nan], 'label': 'a'}]</answer>"],
  ["prototype keys", "{'__proto__': {'x': 1}, 'constructor': 1}"],
];

/**
 * Checks a benchmark against the contract of {@link Benchmark}.
 *
 * @returns the findings; an empty list means that it conforms
 */
export async function checkBenchmark(
  benchmark: Benchmark,
  options: BenchmarkConformanceOptions,
): Promise<BenchmarkFinding[]> {
  const { folder, right = [], wrong = [], otherFolder = `${folder}-that-does-not-exist`, most = 50 } = options;
  const { longestMs = 1000, clock = () => performance.now() } = options;
  const findings: BenchmarkFinding[] = [];
  const find = (rule: BenchmarkFinding["rule"], input: string, message: string) =>
    void findings.push({ rule, input, message });
  const score = (item: BenchmarkItem, response: string, seen: readonly SeenPicture[], name: string) => {
    const started = clock();
    const answer = scoreTwice(item, response, seen, name, find);
    const took = (clock() - started) / 2;
    if (took > longestMs)
      find(
        "slow",
        `question ${item.id}, answer: ${name}`,
        `a score within ${longestMs} ms expected, it took ${Math.round(took)} ms`,
      );
    return answer;
  };

  if (!/^[a-z0-9][a-z0-9._-]*$/.test(benchmark.name))
    find("identity", "name", `small letters, digits and ._- expected, found ${JSON.stringify(benchmark.name)}`);
  if (benchmark.domain !== "in" && benchmark.domain !== "out")
    find("identity", "domain", `"in" or "out" expected, found ${JSON.stringify(benchmark.domain)}`);
  for (const key of ["title", "domainReason", "task", "metric", "layout"] as const)
    if (typeof benchmark[key] !== "string" || benchmark[key] === "") find("identity", key, "a text expected");

  const refusal = await benchmark.open(otherFolder).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (refusal === undefined)
    find("layout", otherFolder, "an error for a folder of another layout expected, it was opened");
  else if (!VTriuneError.isInstance(refusal))
    find("layout", otherFolder, `an error that says what was looked for expected, ${nameOf(refusal)} was thrown`);

  let opened: OpenBenchmark;
  try {
    opened = await benchmark.open(folder);
  } catch (error) {
    find("throws", folder, `an open benchmark expected, ${nameOf(error)} was thrown`);
    return findings;
  }
  const { items, leftOut } = opened;
  if (items.length === 0) find("items", folder, "at least one question expected, found none");
  const ids = new Set(items.map(({ id }) => id));
  if (ids.size < items.length) find("items", "id", `ids that differ expected, ${items.length - ids.size} occur again`);
  for (const [reason, count] of Object.entries(leftOut))
    if (!Number.isInteger(count) || count < 1) find("items", `left out: ${reason}`, `a count expected, found ${count}`);

  const first: ScoredItem[] = [];
  for (const item of items.slice(0, most)) {
    const seen = await checkQuestion(item, find);
    for (const [name, response] of HOSTILE) {
      const answer = score(item, response, seen, name);
      if (name === "empty" && answer !== undefined) first.push({ item, answer });
    }
  }
  const golden = (cases: typeof right, expected: number, list: string): void => {
    for (const [index, [id, response]] of cases.entries()) {
      const input = `${list}[${index}], question ${id}`;
      const item = items.find((one) => one.id === id);
      if (item === undefined) {
        find("golden", input, "there is no such question");
        continue;
      }
      const answer = score(item, response, unchanged(item), list);
      if (answer !== undefined && answer.score !== expected)
        find("golden", input, `score ${expected} expected, found ${JSON.stringify(answer.score)}`);
    }
  };
  golden(right, 1, "right");
  golden(wrong, 0, "wrong");

  for (const [name, scored] of [
    ["no answers", []],
    ["empty answers", first],
  ] as const) {
    try {
      const summary = opened.summarize?.(scored);
      if (summary === undefined) continue;
      for (const [metric, value] of Object.entries({ headline: summary.headline, ...summary.further }))
        if (!Number.isFinite(value)) find("summary", name, `${metric}: a finite number expected, found ${value}`);
    } catch (error) {
      find("throws", `summary of ${name}`, `numbers expected, ${nameOf(error)} was thrown`);
    }
  }
  return findings;
}

type Find = (rule: BenchmarkFinding["rule"], input: string, message: string) => void;

/** The pictures as the model sees them if none is resized; their sizes do not matter for text answers. */
const unchanged = (item: BenchmarkItem): SeenPicture[] =>
  Array.from({ length: marksOf(item) }, () => ({ width: 100, height: 100 }));
const marksOf = ({ prompt }: BenchmarkItem): number => prompt.split("<image>").length - 1;

async function checkQuestion(item: BenchmarkItem, find: Find): Promise<SeenPicture[]> {
  const input = `question ${item.id}`;
  if (typeof item.prompt !== "string" || item.prompt.trim() === "") find("items", input, "a prompt expected");
  if (typeof item.part !== "string") find("items", input, "the part of the benchmark that it is of is missing");
  try {
    const pictures = await item.pictures();
    if (pictures.length !== marksOf(item))
      find(
        "pictures",
        input,
        `one picture per <image> of the prompt (${marksOf(item)}) expected, found ${pictures.length}`,
      );
    if (pictures.some((picture) => typeof picture !== "string" && !(picture instanceof Uint8Array)))
      find("pictures", input, "paths or bytes expected");
  } catch (error) {
    find("throws", `${input}, pictures`, `${nameOf(error)} was thrown`);
  }
  return unchanged(item);
}

function scoreTwice(
  item: BenchmarkItem,
  response: string,
  seen: readonly SeenPicture[],
  name: string,
  find: Find,
): AnswerScore | undefined {
  const input = `question ${item.id}, answer: ${name}`;
  let answer: AnswerScore;
  let again: AnswerScore;
  try {
    answer = item.score(response, seen);
    again = item.score(response, seen);
  } catch (error) {
    find("throws", input, `a score expected, ${nameOf(error)} was thrown`);
    return undefined;
  }
  const { score: value, vote } = answer;
  if (value !== null && !(value >= 0 && value <= 1)) find("score", input, `null or 0..1 expected, found ${value}`);
  if (vote !== null && typeof vote !== "string") find("score", input, `a vote is a text or null, found ${typeof vote}`);
  if (JSON.stringify(answer) !== JSON.stringify(again))
    find(
      "deterministic",
      input,
      `the same score twice expected, found ${JSON.stringify([answer, again]).slice(0, 200)}`,
    );
  return answer;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

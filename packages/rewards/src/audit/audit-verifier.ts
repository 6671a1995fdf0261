/**
 * An audit of a verifier: false passes, false fails, exploits, failures and cost on your own golds. The verifier may
 * be anything that scores a response against a gold, in this process, in a worker or behind HTTP. No model is asked:
 * what is right and wrong follows from how the cases are made, and labels of people are used where there are some.
 */
import type { Verifier } from "@v-triune/verifiers";
import { AuditError } from "./audit-error";
import type {
  AuditCase,
  AuditJudge,
  AuditOptions,
  AuditOutcome,
  AuditPair,
  AuditReport,
  Exploit,
  KindTally,
  Share,
  WrongVerdict,
} from "./audit-types";
import { Caller, requestOf, scoreOf } from "./caller";
import { searchConstantAnswers } from "./constant-answers";
import { callTimes, growthOf, quantile } from "./cost";
import { goldKind } from "./gold-kind";
import { isStructured, knownCases, wrappedGolds, type AuditRow } from "./known-cases";
import { createRandom } from "./random";
import { searchWorseBoxes } from "./worse-boxes";
import { wrappingsOf, type Wrapping } from "./wrappings";

/** The share of golds that must pass in a wrapping for it to count as one that the verifier reads. */
const READ_SHARE = 0.5;
/** Responses of which calls are timed, and repeated to see whether the verdict stays. */
const TIMED = 100;
const REPEATED = 30;
/** False passes of one kind in the list of the worst; of false fails one shows the kind. */
const MOST_OF_A_KIND = 3;

/**
 * Audits a verifier.
 *
 * @param subject a verifier, or a function that calls one; see `createPoolJudge` for verifiers that may hang and
 * `createHttpJudge` for servers
 * @param pairs golds of the data that it will judge, with labeled responses if there are some
 * @throws AuditError when there are no pairs, or the verifier skips or fails every one of them
 * @example (await auditVerifier(answer, [{ gold: "5 cm" }, { gold: "May 2016" }])).falsePasses // { wrong: 0, tried: .. }
 */
export async function auditVerifier(
  subject: Verifier | AuditJudge,
  pairs: readonly AuditPair[],
  options: AuditOptions = {},
): Promise<AuditReport> {
  const { seed = 1, searchCalls = 1500, passScore = 0.5, tolerance = 0, longestResponse = 32_000 } = options;
  const { onProgress = () => {} } = options;
  if (pairs.length === 0)
    throw new AuditError({
      what: "There is nothing to audit with.",
      expected: "at least one pair with a gold answer",
      found: "none",
    });
  const random = createRandom(seed);
  const caller = new Caller(typeof subject === "function" ? subject : judgeInProcess(subject));
  const all = random.sample(pairs, options.rows ?? 40).map((pair): AuditRow => ({ pair, kind: goldKind(pair.gold) }));

  onProgress("golds");
  const { rows, skipped } = await usableRows(caller, all);
  const tally = new Tally(rows, passScore);

  onProgress("right answers");
  const wrapped = wrappedGolds(rows);
  tally.add(wrapped, await judgeCases(caller, rows, wrapped));
  const carriers = {
    text: readWrappings(
      tally,
      wrappingsOf(false),
      rows.filter((row) => !isStructured(row)),
    ),
    structured: readWrappings(tally, wrappingsOf(true), rows.filter(isStructured)),
  };

  onProgress("wrong answers");
  const known = knownCases(rows, carriers, { random, tolerance });
  tally.add(known, await judgeCases(caller, rows, known));
  const labels = await labelShare(caller, pairs, passScore, tally);

  onProgress("exploits");
  const searched = rows.map(({ pair }) => pair);
  const boxes = rows.filter(({ kind }) => kind.boxes.length > 0);
  const boxCalls = boxes.length > 0 ? Math.floor(searchCalls / 2) : 0;
  const wrapBoxes = (carriers.structured[0] ?? wrappingsOf(true)[2]!).wrap;
  const exploits: Exploit[] = [
    ...(await searchWorseBoxes({ caller, rows: boxes, wrap: wrapBoxes, random, calls: boxCalls })),
    ...(await searchConstantAnswers({
      caller,
      rows: searched,
      random,
      calls: searchCalls - boxCalls,
      passScore,
      tolerance,
    })),
  ];

  onProgress("cost");
  const sampled = random
    .sample([...wrapped, ...known], TIMED)
    .map(({ row, response }) => ({ row: rows[row]!.pair, response }));
  const times = await callTimes(caller, sampled);
  const unstable = await unstableVerdicts(caller, sampled.slice(0, REPEATED));
  const first = rows[0]!;
  const end = ([...carriers.text, ...carriers.structured][0] ?? wrappingsOf(false)[1]!).wrap(first.kind.answer);
  const growth = await growthOf(caller, first.pair, `\n${end}`, longestResponse);

  const { calls, timeout, crash, error } = caller.counts;
  return {
    seed,
    rows: rows.length,
    calls,
    falsePasses: tally.share("fail"),
    falseFails: tally.share("pass"),
    labels,
    readWrappings: [...new Set([...carriers.text, ...carriers.structured].map(({ name }) => name))],
    wrappings: [...new Set(wrapped.map(({ kind }) => kind))],
    kinds: tally.kinds(),
    worst: tally.worst(),
    exploits,
    timeouts: timeout,
    crashes: crash,
    errors: error,
    isStopped: caller.isStopped,
    ...(caller.firstFailure !== undefined && { firstFailure: caller.firstFailure }),
    skipped,
    unstable,
    cost: { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), growth },
  };
}

/** A verifier in this process. One that throws is a crash; one that hangs hangs the audit. */
function judgeInProcess(verifier: Verifier): AuditJudge {
  const judge = ({ response, gold, prompt, params }: Parameters<AuditJudge>[0][number]): AuditOutcome => {
    try {
      const verdict = verifier.verify(response, {
        groundTruth: gold,
        ...(prompt !== undefined && { prompt }),
        ...(params !== undefined && { params }),
      });
      if (verdict.status === "scored" && Number.isFinite(verdict.accuracy))
        return { status: "scored", score: verdict.accuracy };
      if (verdict.status === "skipped") return verdict;
      return { status: "error", reason: verdict.status === "error" ? verdict.reason : "the accuracy is not a number" };
    } catch (error) {
      return { status: "crash", reason: error instanceof Error ? error.message : String(error) };
    }
  };
  return (requests) => Promise.resolve(requests.map(judge));
}

/** The rows whose gold the verifier takes. */
async function usableRows(
  caller: Caller,
  all: readonly AuditRow[],
): Promise<{ readonly rows: readonly AuditRow[]; readonly skipped: AuditReport["skipped"] }> {
  const outcomes = await caller.judge(all.map(({ pair, kind }) => requestOf(pair, `\\boxed{${kind.answer}}`)));
  const rows = all.filter((_, index) => outcomes[index]!.status === "scored");
  const skipped = all.flatMap(({ pair }, index) => {
    const outcome = outcomes[index]!;
    return outcome.status === "skipped" ? [{ gold: pair.gold, reason: outcome.reason }] : [];
  });
  if (rows.length > 0) return { rows, skipped };
  const [first] = outcomes;
  throw new AuditError({
    what: "The verifier scores no response to any of the golds.",
    where: `gold ${JSON.stringify(all[0]!.pair.gold.slice(0, 60))}`,
    expected: "a score for at least one",
    found: first === undefined || first.status === "scored" ? "none" : `${first.status}: ${first.reason}`,
    fix: "check that the golds, and their params, are of the kind that this verifier reads",
  });
}

function judgeCases(
  caller: Caller,
  rows: readonly AuditRow[],
  cases: readonly AuditCase[],
): Promise<readonly AuditOutcome[]> {
  return caller.judge(cases.map(({ row, response }) => requestOf(rows[row]!.pair, response)));
}

function readWrappings(tally: Tally, wrappings: readonly Wrapping[], rows: readonly AuditRow[]): Wrapping[] {
  if (rows.length === 0) return [];
  const wrongShare = (name: string) => tally.wrongShare(name, "pass");
  return wrappings
    .filter(({ name }) => wrongShare(name) <= 1 - READ_SHARE)
    .sort((a, b) => wrongShare(a.name) - wrongShare(b.name));
}

async function labelShare(
  caller: Caller,
  pairs: readonly AuditPair[],
  passScore: number,
  tally: Tally,
): Promise<Share> {
  const labeled = pairs.filter(({ response, isRight }) => response !== undefined && isRight !== undefined);
  const outcomes = await caller.judge(labeled.map((pair) => requestOf(pair, pair.response!)));
  const wrong = labeled.filter((pair, index) => {
    const score = scoreOf(outcomes[index]!);
    if (score === undefined) return false;
    const isWrong = score >= passScore !== pair.isRight;
    if (isWrong)
      tally.addWrong({
        kind: "label",
        expected: pair.isRight === true ? "pass" : "fail",
        gold: pair.gold,
        response: pair.response!,
        score,
      });
    return isWrong;
  });
  return { wrong: wrong.length, tried: outcomes.filter(({ status }) => status === "scored").length };
}

async function unstableVerdicts(
  caller: Caller,
  cases: readonly { readonly row: AuditPair; readonly response: string }[],
): Promise<number> {
  const requests = cases.map(({ row, response }) => requestOf(row, response));
  const [once, twice] = [await caller.judge(requests), await caller.judge(requests)];
  return once.filter((outcome, index) => scoreOf(outcome) !== scoreOf(twice[index]!)).length;
}

class Tally {
  readonly #kinds = new Map<string, { kind: string; expected: "pass" | "fail"; tried: number; wrong: number }>();
  readonly #worst: WrongVerdict[] = [];
  readonly #rows: readonly AuditRow[];
  readonly #passScore: number;

  constructor(rows: readonly AuditRow[], passScore: number) {
    this.#rows = rows;
    this.#passScore = passScore;
  }

  add(cases: readonly AuditCase[], outcomes: readonly AuditOutcome[]): void {
    for (const [index, { kind, expected, row, response }] of cases.entries()) {
      const score = scoreOf(outcomes[index]!);
      if (score === undefined) continue;
      const key = `${expected} ${kind}`;
      const entry = this.#kinds.get(key) ?? { kind, expected, tried: 0, wrong: 0 };
      this.#kinds.set(key, entry);
      entry.tried++;
      if (score >= this.#passScore === (expected === "pass")) continue;
      entry.wrong++;
      this.addWrong({ kind, expected, gold: this.#rows[row]!.pair.gold, response, score });
    }
  }

  addWrong(verdict: WrongVerdict): void {
    this.#worst.push(verdict);
  }

  share(expected: "pass" | "fail"): Share {
    const own = [...this.#kinds.values()].filter((entry) => entry.expected === expected);
    const sum = (key: "tried" | "wrong") => own.reduce((total, entry) => total + entry[key], 0);
    return { wrong: sum("wrong"), tried: sum("tried") };
  }

  wrongShare(kind: string, expected: "pass" | "fail"): number {
    const entry = this.#kinds.get(`${expected} ${kind}`);
    return entry === undefined ? 1 : entry.wrong / entry.tried;
  }

  kinds(): KindTally[] {
    return [...this.#kinds.values()];
  }

  /** False passes first, those with the highest scores first. */
  worst(): WrongVerdict[] {
    const counts = new Map<string, number>();
    const order = ({ expected, score }: WrongVerdict) => (expected === "fail" ? -1 - score : score);
    return this.#worst
      .sort((a, b) => order(a) - order(b))
      .filter(({ kind, expected }) => {
        const key = `${expected} ${kind}`;
        const count = (counts.get(key) ?? 0) + 1;
        counts.set(key, count);
        return count <= (expected === "fail" ? MOST_OF_A_KIND : 1);
      });
  }
}

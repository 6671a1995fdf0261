/** Calls of the verifier under audit, counted. */
import type { AuditJudge, AuditOutcome, AuditPair, AuditRequest } from "./audit-types";

/** A failure that the report shows. */
export interface Failure {
  readonly reason: string;
  readonly response: string;
  readonly gold: string;
}

/**
 * The number of requests in one call of the judge. While calls time out it is small, so that few of them are waited
 * for.
 */
const BATCH = 64;
const CAREFUL_BATCH = 4;
/** After this number the verifier is not called any more: each one takes its whole deadline. */
const MOST_TIMEOUTS = 12;
const NOT_CALLED: AuditOutcome = { status: "timeout", reason: "not called: too many calls timed out" };

/** Sends requests in batches and keeps count of what has no verdict. */
export class Caller {
  readonly #judge: AuditJudge;
  readonly #counts = { calls: 0, timeout: 0, crash: 0, error: 0 };
  #firstFailure: Failure | undefined;

  constructor(judge: AuditJudge) {
    this.#judge = judge;
  }

  get counts(): Readonly<Record<"calls" | "timeout" | "crash" | "error", number>> {
    return this.#counts;
  }

  get firstFailure(): Failure | undefined {
    return this.#firstFailure;
  }

  /** Whether the verifier is no longer called, because too many calls timed out. */
  get isStopped(): boolean {
    return this.#counts.timeout >= MOST_TIMEOUTS;
  }

  async judge(requests: readonly AuditRequest[]): Promise<AuditOutcome[]> {
    const outcomes: AuditOutcome[] = [];
    while (outcomes.length < requests.length && !this.isStopped) {
      const isSure = this.#counts.calls > 0 && this.#counts.timeout === 0;
      const part = requests.slice(outcomes.length, outcomes.length + (isSure ? BATCH : CAREFUL_BATCH));
      const answered = await this.#judge(part);
      for (const [index, outcome] of answered.entries()) this.#count(part[index]!, outcome);
      outcomes.push(...answered);
    }
    return requests.map((_, index) => outcomes[index] ?? NOT_CALLED);
  }

  #count({ response, gold }: AuditRequest, outcome: AuditOutcome): void {
    this.#counts.calls++;
    if (outcome.status === "scored" || outcome.status === "skipped") return;
    this.#counts[outcome.status]++;
    this.#firstFailure ??= { reason: outcome.reason, response: response.slice(0, 200), gold };
  }

  /** One response to each of several rows. */
  async scores(response: string, rows: readonly AuditPair[]): Promise<(number | undefined)[]> {
    return (await this.judge(rows.map((row) => requestOf(row, response)))).map(scoreOf);
  }
}

/** A response to a row. */
export function requestOf({ gold, prompt, params }: AuditPair, response: string): AuditRequest {
  return { response, gold, prompt, params };
}

/** The score, if there is one. */
export const scoreOf = (outcome: AuditOutcome): number | undefined =>
  outcome.status === "scored" ? outcome.score : undefined;

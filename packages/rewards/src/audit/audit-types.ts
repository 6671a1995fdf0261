/** What an audit takes and what it finds. All of it is plain data. */

/** One row of the data that a verifier will judge. */
export interface AuditPair {
  readonly gold: string;
  /** A response that was judged by a person. */
  readonly response?: string;
  /** Whether that person calls the response right. */
  readonly isRight?: boolean;
  readonly prompt?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** One call of the verifier under audit. */
export interface AuditRequest {
  readonly response: string;
  readonly gold: string;
  readonly prompt?: string | undefined;
  readonly params?: Readonly<Record<string, unknown>> | undefined;
}

/** What came of one call. */
export type AuditOutcome =
  | { readonly status: "scored"; readonly score: number }
  | { readonly status: "skipped"; readonly reason: string }
  | { readonly status: "timeout" | "crash" | "error"; readonly reason: string };

/** Calls the verifier under audit, and answers in the order of the requests. */
export type AuditJudge = (requests: readonly AuditRequest[]) => Promise<readonly AuditOutcome[]>;

/** Settings of an audit. */
export interface AuditOptions {
  /** Everything that is drawn depends on it. Default 1. */
  readonly seed?: number;
  /** The largest number of rows that are used; a sample is drawn from more. Default 40. */
  readonly rows?: number;
  /** The largest number of calls of the search for exploits. Default 1500. */
  readonly searchCalls?: number;
  /** A score from which a response passes. Default 0.5. */
  readonly passScore?: number;
  /** Numbers this close to a gold number, relative to it, are no wrong answers. Default 0. */
  readonly tolerance?: number;
  /** The longest response of the cost measurement in characters. Default 32,000. */
  readonly longestResponse?: number;
  /** Told of each part that begins. */
  readonly onProgress?: (part: string) => void;
}

/** What a person says of a response. */
export type Expectation = "pass" | "fail";

/** A response whose verdict a person knows. */
export interface AuditCase {
  /** What kind of response it is: `bold`, `neighbor value`. */
  readonly kind: string;
  readonly expected: Expectation;
  /** The row, by its place among those that are used. */
  readonly row: number;
  readonly response: string;
}

/** How the verifier did on one kind of responses. */
export interface KindTally {
  readonly kind: string;
  readonly expected: Expectation;
  readonly tried: number;
  /** Verdicts that a person would not give. */
  readonly wrong: number;
}

/** A verdict that a person would not give. */
export interface WrongVerdict {
  readonly kind: string;
  readonly expected: Expectation;
  readonly gold: string;
  readonly response: string;
  readonly score: number;
}

/** A way to a reward that no right answer is behind. */
export interface Exploit {
  /** `constant`: one response passes for golds that differ. `worse`: a change for the worse raises the score. */
  readonly how: "constant" | "worse";
  /** The response, or the change. */
  readonly what: string;
  /** The golds for which it passes, or one for which the change pays. */
  readonly golds: readonly string[];
  /** The share of the golds, or of the trials. */
  readonly share: number;
  /** The largest rise of a score. */
  readonly gain: number;
}

/** How long calls take as responses of one kind grow. */
export interface Growth {
  /** What the responses are filled with. */
  readonly filler: string;
  /** The length of the longest one, in characters. */
  readonly length: number;
  readonly ms: number;
  /** Its time over that of half the length; 2 is linear. Absent where it is too short to be measured. */
  readonly ratio?: number;
}

/** A part of the calls, with a threshold that a run can be held to. */
export interface Share {
  readonly wrong: number;
  readonly tried: number;
}

/** What an audit found. */
export interface AuditReport {
  readonly seed: number;
  /** The rows that were used. */
  readonly rows: number;
  readonly calls: number;
  /** Responses that must fail and pass. */
  readonly falsePasses: Share;
  /** Responses that must pass and fail. */
  readonly falseFails: Share;
  /** Labeled responses of the data whose label the verifier does not share. */
  readonly labels: Share;
  /** The ways to write an answer that the verifier reads, and all that were tried. */
  readonly readWrappings: readonly string[];
  readonly wrappings: readonly string[];
  readonly kinds: readonly KindTally[];
  /** The worst verdicts: false passes first, a few of each kind. */
  readonly worst: readonly WrongVerdict[];
  readonly exploits: readonly Exploit[];
  /** Calls that had no verdict. */
  readonly timeouts: number;
  readonly crashes: number;
  readonly errors: number;
  /** The rest of the audit was not made, because too many calls timed out. */
  readonly isStopped: boolean;
  readonly firstFailure?: { readonly reason: string; readonly response: string; readonly gold: string };
  /** Golds that the verifier skips, with its reasons. */
  readonly skipped: readonly { readonly gold: string; readonly reason: string }[];
  /** Calls that gave another verdict the second time. */
  readonly unstable: number;
  readonly cost: { readonly p50Ms: number; readonly p99Ms: number; readonly growth: readonly Growth[] };
}

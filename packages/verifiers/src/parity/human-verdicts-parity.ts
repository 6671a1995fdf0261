/**
 * Verdicts against those of a careful person: rows of {verifier, kind, gold, response, params, right}. Rows of
 * Math-Verify's readers (`mathverify`, `verify`) and of `answer` are judged by `answer`, and again by their own name;
 * all others by their own name. Where a row has `math_verify`, Math-Verify's verdict, its agreement stands beside.
 */
import { answer } from "../answer/answer-verifier";
import { choice } from "../choice/choice-verifier";
import { createCompositeVerifier } from "../composite/composite-verifier";
import { detection } from "../detection/detection-verifier";
import { jsonSchema } from "../json-schema/json-schema-verifier";
import { parse } from "../math/parse";
import { verify } from "../math/verify";
import { mathverify } from "../mathverify/mathverify-verifier";
import { number } from "../number/number-verifier";
import { point } from "../point/point-verifier";
import { text } from "../text/text-verifier";
import type { Verifier } from "../verifier";
import type { ParityRow } from "./parity-row";

/** One labeled pair. */
export interface HumanVerdict {
  readonly verifier: string;
  readonly kind: string;
  readonly gold: string;
  readonly response: string;
  readonly params?: Readonly<Record<string, unknown>> | null;
  /** What a careful person says: 1 or 0. */
  readonly right: number;
  /** What Math-Verify says. */
  readonly math_verify?: number | null;
}

/** How one verifier, or one kind of rows under it, agrees with the labels. */
export interface Agreement {
  readonly rows: number;
  readonly agree: number;
  /** Rows that a person calls wrong and the verifier right. */
  readonly falsePasses: number;
  /** Rows that a person calls right and the verifier wrong. */
  readonly falseFails: number;
  /** Rows without a verdict. They agree with no label. */
  readonly withoutVerdict: number;
}

/** Agreement of one judge with the labels. */
export interface JudgeAgreement extends Agreement {
  /** The verifier that judged, or "Math-Verify". */
  readonly judge: string;
  /** The rows by the verifier that they name. */
  readonly rowsOf: string;
  readonly kinds: Readonly<Record<string, Agreement>>;
}

/** A row that a judge got wrong. */
export interface Disagreement {
  readonly judge: string;
  readonly kind: string;
  readonly gold: string;
  readonly response: string;
  readonly right: number;
  readonly found: number | null;
}

export interface HumanVerdictsParity {
  readonly rows: readonly ParityRow[];
  readonly agreement: readonly JudgeAgreement[];
  readonly disagreements: readonly Disagreement[];
}

/** Whether parsed JSON has the layout. */
export function isHumanVerdictsFile(value: unknown): value is readonly HumanVerdict[] {
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  return (
    typeof first === "object" &&
    first !== null &&
    ["verifier", "kind", "gold", "response", "right"].every((key) => key in first)
  );
}

/** Math-Verify's own defaults, the name that its rows have. */
const verifyDefaults: Verifier = {
  name: "verify",
  verify: (response, { groundTruth }) => ({
    status: "scored",
    accuracy: verify(parse(groundTruth), parse(response)) ? 1 : 0,
    format: 0,
    metrics: {},
  }),
};
const composite = createCompositeVerifier({
  name: "composite",
  mode: "any",
  parts: [{ verifier: mathverify }, { verifier: choice }],
});
const BY_NAME = new Map<string, Verifier>(
  [mathverify, verifyDefaults, answer, choice, number, text, point, detection, jsonSchema].map((verifier) => [
    verifier.name,
    verifier,
  ]),
);
BY_NAME.set("composite", composite);

/** Verifiers whose rows `answer` judges as well. */
const OF_ANSWER = new Set(["mathverify", "verify", "answer"]);
/** The share of labels that `answer` may miss, and of false passes. */
const MISSED = 0.02;
const FALSE_PASSES = 0.005;

/** Judges every row. */
export function humanVerdictsParity(file: readonly HumanVerdict[]): HumanVerdictsParity {
  const tallies = new Map<string, Tally>();
  const disagreements: Disagreement[] = [];
  const note = (judge: string, row: HumanVerdict, found: number | null): void => {
    const key = `${judge}\n${row.verifier}`;
    const tally = tallies.get(key) ?? new Tally(judge, row.verifier);
    tallies.set(key, tally);
    tally.add(row, found);
    if (found !== row.right && judge !== "Math-Verify")
      disagreements.push({ judge, kind: row.kind, gold: row.gold, response: row.response, right: row.right, found });
  };
  for (const row of file) {
    // The parameters of the row are those of its own verifier.
    if (OF_ANSWER.has(row.verifier)) note("answer", row, judged(answer, row, row.verifier === "answer"));
    const own = BY_NAME.get(row.verifier);
    if (own === undefined) note(`${row.verifier} (unknown)`, row, null);
    else if (own !== answer) note(row.verifier, row, judged(own, row, true));
    if (typeof row.math_verify === "number") note("Math-Verify", row, row.math_verify);
  }
  const agreement = [...tallies.values()].map((tally) => tally.result());
  return { rows: answerRows(agreement), agreement, disagreements };
}

function judged(verifier: Verifier, { gold, response, params }: HumanVerdict, withParams: boolean): number | null {
  const verdict = verifier.verify(response, { groundTruth: gold, ...(withParams && params && { params }) });
  return verdict.status === "scored" ? (verdict.accuracy >= 0.5 ? 1 : 0) : null;
}

/** What has a tolerance: the labels that `answer` misses. */
function answerRows(agreement: readonly JudgeAgreement[]): ParityRow[] {
  const own = agreement.filter(({ judge }) => judge === "answer");
  const rows = own.reduce((sum, one) => sum + one.rows, 0);
  if (rows === 0) return [];
  const missed = own.reduce((sum, one) => sum + one.rows - one.agree, 0);
  const passed = own.reduce((sum, one) => sum + one.falsePasses, 0);
  return [
    { quantity: "labels that answer misses (share)", error: missed / rows, tolerance: MISSED },
    { quantity: "false passes of answer (share)", error: passed / rows, tolerance: FALSE_PASSES },
  ];
}

class Tally {
  readonly #all = new Counts();
  readonly #kinds = new Map<string, Counts>();

  readonly #judge: string;
  readonly #rowsOf: string;

  constructor(judge: string, rowsOf: string) {
    this.#judge = judge;
    this.#rowsOf = rowsOf;
  }

  add(row: HumanVerdict, found: number | null): void {
    const kind = this.#kinds.get(row.kind) ?? new Counts();
    this.#kinds.set(row.kind, kind);
    for (const counts of [this.#all, kind]) counts.add(row.right, found);
  }

  result(): JudgeAgreement {
    const kinds = Object.fromEntries([...this.#kinds].map(([kind, counts]) => [kind, counts.result()]));
    return { judge: this.#judge, rowsOf: this.#rowsOf, ...this.#all.result(), kinds };
  }
}

class Counts {
  #rows = 0;
  #agree = 0;
  #falsePasses = 0;
  #falseFails = 0;
  #withoutVerdict = 0;

  add(right: number, found: number | null): void {
    this.#rows++;
    if (found === null) this.#withoutVerdict++;
    else if (found === right) this.#agree++;
    else if (found === 1) this.#falsePasses++;
    else this.#falseFails++;
  }

  result(): Agreement {
    return {
      rows: this.#rows,
      agree: this.#agree,
      falsePasses: this.#falsePasses,
      falseFails: this.#falseFails,
      withoutVerdict: this.#withoutVerdict,
    };
  }
}

/**
 * The agreement as text, 80 columns wide. For the rows of each verifier: one line for all and one for every kind, with
 * the judge that counts (`answer`, or the verifier itself) in numbers, and the row's own verifier and Math-Verify as
 * shares beside it.
 */
export function formatAgreement({ agreement, disagreements }: HumanVerdictsParity): string {
  const lines: string[] = [];
  for (const rowsOf of new Set(agreement.map((one) => one.rowsOf))) {
    const judges = agreement.filter((one) => one.rowsOf === rowsOf);
    const first = judges.find(({ judge }) => judge === "answer") ?? judges[0]!;
    const own = judges.find((one) => one !== first && one.judge !== "Math-Verify");
    const reference = judges.find(({ judge }) => judge === "Math-Verify");
    const line = (name: string, kind?: string): string => {
      const of = (judge: JudgeAgreement | undefined) => (kind === undefined ? judge : judge?.kinds[kind]);
      const { rows, agree, falsePasses, falseFails, withoutVerdict } = of(first)!;
      const counts = [falsePasses, falseFails, withoutVerdict].map((count) => String(count).padStart(7)).join("");
      return `${name.padEnd(27).slice(0, 27)}${String(rows).padStart(5)}${percent(agree, rows)}${counts}${share(of(own))}${share(of(reference))}`;
    };
    const names = [
      first.judge,
      "passes",
      "fails",
      "none",
      own === undefined ? "" : "own",
      reference === undefined ? "" : "M-V",
    ];
    lines.push(
      "",
      `rows of ${rowsOf}`.padEnd(27) +
        " rows" +
        names.map((name, i) => name.slice(0, 7).padStart(i === 0 ? 9 : i < 4 ? 7 : 9)).join(""),
    );
    lines.push(line("all"), ...Object.keys(first.kinds).map((kind) => line(`  ${kind}`, kind)));
  }
  const missed = disagreements.filter(({ judge }) => judge === "answer");
  if (missed.length > 0) lines.push("", "rows that answer misses:");
  for (const { gold, response, right, found } of missed)
    lines.push(
      `  ${found === null ? "no verdict" : found === 1 ? "false pass" : "false fail"}, label ${right}`,
      `    gold ${short(gold)}`,
      `    response ${short(response)}`,
    );
  return [
    "Share of labels that a judge agrees with; its false passes, false fails and",
    "rows without a verdict. own: the verifier that the rows name. M-V: Math-Verify.",
    ...lines,
  ].join("\n");
}

const share = (one: Agreement | undefined): string => (one === undefined ? "" : percent(one.agree, one.rows));
const percent = (part: number, all: number): string => `${((100 * part) / all).toFixed(1)} %`.padStart(9);
const short = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);

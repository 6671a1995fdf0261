/**
 * Responses whose verdict a person knows, for every row: right answers in other forms and wrappings, and wrong ones
 * in wrappings that are read.
 */
import type { AuditCase, AuditPair } from "./audit-types";
import { equalForms } from "./equal-forms";
import { isNear, isSameGold, type GoldKind } from "./gold-kind";
import type { Random } from "./random";
import { answerless, doubtfulAnswers, takenBack, wrongAnswers } from "./wrong-answers";
import { fits, wrappingsOf, type Wrapping } from "./wrappings";

/** A row with what it is and a right answer to it. */
export interface AuditRow {
  readonly pair: AuditPair;
  readonly kind: GoldKind;
}

/** Whether answers are boxes or other JSON. */
export const isStructured = ({ kind: { type } }: AuditRow): boolean => type === "boxes" || type === "json";

/** The gold answer of every row in every wrapping. */
export function wrappedGolds(rows: readonly AuditRow[]): AuditCase[] {
  return rows.flatMap((row, index) =>
    wrappingsOf(isStructured(row))
      .filter((wrapping) => fits(wrapping, row.kind.answer))
      .map(({ name, wrap }) => ({
        kind: name,
        expected: "pass" as const,
        row: index,
        response: wrap(row.kind.answer),
      })),
  );
}

/** The largest number of other rows' golds that are tried on a row. */
const OTHER_GOLDS = 3;

/**
 * The other cases. What is wrong counts only in a wrapping that the verifier reads: else it fails for the wrapping.
 *
 * @param carriers wrappings that the verifier reads, for texts and for structured answers
 */
export function knownCases(
  rows: readonly AuditRow[],
  carriers: { readonly text: readonly Wrapping[]; readonly structured: readonly Wrapping[] },
  { random, tolerance }: { readonly random: Random; readonly tolerance: number },
): AuditCase[] {
  return rows.flatMap((row, index) => {
    const { pair, kind } = row;
    const own = (isStructured(row) ? carriers.structured : carriers.text).filter((one) => fits(one, kind.answer));
    const { wrap } = own[0] ?? wrappingsOf(isStructured(row))[1]!;
    const cases: AuditCase[] = [];
    const add = (expected: "pass" | "fail", name: string, response: string) =>
      void cases.push({ kind: name, expected, row: index, response });
    if (own.length > 0) for (const { kind: name, answer } of equalForms(kind)) add("pass", name, wrap(answer));
    const wrong = wrongAnswers(kind, random, tolerance);
    for (const { kind: name, answer } of wrong)
      for (const carrier of own.length > 0 ? own.slice(0, 2) : [{ wrap }]) add("fail", name, carrier.wrap(answer));
    const others = otherGolds(rows, index, random, tolerance);
    for (const answer of others) add("fail", "another row's gold", wrap(answer));
    const other = wrong[0]?.answer ?? others[0];
    if (other !== undefined && !isStructured(row)) {
      // Of intervals, "or" makes a union, which may be the gold.
      if (kind.type !== "interval")
        for (const { kind: name, answer } of doubtfulAnswers(kind.answer, other)) add("fail", name, wrap(answer));
      for (const { kind: name, answer } of takenBack(wrap(kind.answer), wrap(other))) add("fail", name, answer);
    }
    for (const { kind: name, answer } of answerless(pair.prompt)) add("fail", name, answer);
    return cases;
  });
}

/** Answers of other rows that a careful person does not take for this row's. */
function otherGolds(rows: readonly AuditRow[], index: number, random: Random, tolerance: number): string[] {
  const own = rows[index]!;
  const found: string[] = [];
  for (const { pair, kind } of random.sample(rows, OTHER_GOLDS * 3)) {
    if (found.length >= OTHER_GOLDS) break;
    if (pair === own.pair || found.includes(kind.answer) || isSameGold(own.pair.gold, pair.gold)) continue;
    if (isNear(own.kind.answer, kind.answer, tolerance)) continue;
    if (kind.type === "boxes" && own.kind.type === "boxes") continue;
    found.push(kind.answer);
  }
  return found;
}

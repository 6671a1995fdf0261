import { describe, expect, it } from "vitest";
import { answer } from "./answer-verifier";
import { hasSharedTable, type LabeledAnswer, ownTable, sharedTable } from "./testing/labeled-tables";

/** Share of labels met, share of false passes, and the rows that differ. */
function compare(rows: readonly LabeledAnswer[]) {
  // The parameters of shared rows are those of other verifiers.
  const judge = ({ gold, response, params, verifier }: LabeledAnswer) =>
    answer.verify(response, { groundTruth: gold, ...(verifier === "answer" && params && { params }) });
  const missed = rows.filter((row) => {
    const { right } = row;
    const verdict = judge(row);
    return !(verdict.status === "scored" && verdict.accuracy === right);
  });
  const falsePasses = missed.filter((row) => {
    const { right } = row;
    const verdict = judge(row);
    return right === 0 && verdict.status === "scored" && verdict.accuracy === 1;
  });
  return { met: 1 - missed.length / rows.length, falsePasses: falsePasses.length / rows.length, missed };
}

describe("answer agrees with a careful person", () => {
  it.each([
    ["tuned", 430, 0.99],
    ["held-out", 400, 0.98],
    ["later", 550, 0.98],
    ["fresh-1", 250, 0.98],
    ["fresh-2", 190, 0.98],
    ["fresh-3", 160, 0.98],
    ["fresh-4", 170, 0.98],
    // Seen once and left as it was.
    ["fresh-5", 150, 0.95],
    ["fresh-6", 280, 0.98],
  ] as const)("in the table %s", (name, atLeast, share) => {
    const rows = ownTable(name);
    expect(rows.length).toBeGreaterThan(atLeast);
    const { met, falsePasses, missed } = compare(rows);
    expect(met, JSON.stringify(missed.slice(0, 9))).toBeGreaterThanOrEqual(share);
    expect(falsePasses, JSON.stringify(missed.filter(({ right }) => right === 0))).toBeLessThan(0.005);
  });

  it.skipIf(!hasSharedTable)("in the shared table: 98 % of the labels, false passes under 0.5 %", () => {
    const rows = sharedTable();
    expect(rows.length).toBe(790);
    const { met, falsePasses, missed } = compare(rows);
    expect(met, JSON.stringify(missed.slice(0, 9))).toBeGreaterThanOrEqual(0.98);
    expect(falsePasses, JSON.stringify(missed.filter(({ right }) => right === 0))).toBeLessThan(0.005);
  });
});

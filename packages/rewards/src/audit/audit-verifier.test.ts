import { answer, choice, detection, number, text, type Verifier } from "@v-triune/verifiers";
import { describe, expect, it } from "vitest";
import { auditVerifier } from "./audit-verifier";
import { formatAudit } from "./format-audit";

const GOLDS = [
  "12|0.5|5 cm|1234|25%|-7|May 2016|14:30|red|STOP|red bus|yes|B",
  "\\frac{1}{2}|2\\pi|1, 2|[2,5)|3:4|x^2+3|A|\\boxed{42}|<answer>green</answer>",
]
  .flatMap((golds) => golds.split("|"))
  .map((gold) => ({ gold }));
const BOXES = [
  "<answer>\n[{'bbox_2d': [10, 20, 300, 400], 'label': 'cat'}, {'bbox_2d': [500, 20, 700, 400], 'label': 'dog'}]\n</answer>",
  "<answer>\n[{'bbox_2d': [840, 548, 896, 743], 'label': 'bus'}]\n</answer>",
].map((gold) => ({ gold, params: { epsilon: 0.5 } }));
const small = { searchCalls: 400, longestResponse: 4000 };

/** A verifier by what it gives for a response and a gold. */
const scoring = (score: (response: string, gold: string) => number): Verifier => ({
  name: "mine",
  verify: (response, { groundTruth }) => ({
    status: "scored",
    accuracy: score(response, groundTruth),
    format: 0,
    metrics: {},
  }),
});

describe("our own verifiers", () => {
  it("answer: right answers pass in every form, wrong ones fail but for a few hedges", async () => {
    const report = await auditVerifier(answer, GOLDS, small);
    expect(report.falseFails).toMatchObject({ wrong: 0 });
    expect(report.falsePasses.tried).toBeGreaterThan(300);
    expect(report.falsePasses.wrong / report.falsePasses.tried).toBeLessThan(0.01);
    expect(report).toMatchObject({ exploits: [], crashes: 0, errors: 0, timeouts: 0, unstable: 0, skipped: [] });
    expect(report.readWrappings).toEqual(expect.arrayContaining([...report.wrappings]));
  });

  it.each([
    [choice, ["A", "B", "C", "D"], {}],
    [text, ["Main Street", "red bus", "EXIT", "Hello World"], {}],
    [number, ["12", "0.5", "1234", "2010", "3.7"], { tolerance: 0.05 }],
  ] as const)("$name: no false pass and no exploit", async (verifier, golds, options) => {
    const pairs = golds.map((gold) => ({ gold }));
    const report = await auditVerifier(verifier, pairs, { ...small, ...options });
    expect(report.worst.filter(({ expected }) => expected === "fail")).toEqual([]);
    expect(report).toMatchObject({ exploits: [], crashes: 0, timeouts: 0, unstable: 0 });
  });

  it("detection: the paper's penalty pays for more boxes, as documented; nothing passes that should fail", async () => {
    const report = await auditVerifier(detection, BOXES, { ...small, searchCalls: 1000 });
    expect(report.falsePasses.wrong).toBe(0);
    expect(report.falseFails.wrong).toBe(0);
    expect(report.exploits.map(({ what }) => what)).toContain("add a box far from everything");
  });
});

describe("what a bad verifier does wrong is found", () => {
  it("a search for the gold in the response", async () => {
    const report = await auditVerifier(
      scoring((response, gold) => (response.includes(gold) ? 1 : 0)),
      GOLDS,
      small,
    );
    const wrong = Object.fromEntries(
      report.kinds.filter(({ wrong: n }) => n > 0).map(({ kind, wrong: n }) => [kind, n]),
    );
    expect(wrong).toMatchObject({ hedge: expect.any(Number) as unknown, "taken back": expect.any(Number) as unknown });
    expect(report.exploits[0]).toMatchObject({ how: "constant" });
    expect(report.exploits[0]!.golds.length).toBeGreaterThan(1);
  });

  it("a reward for any box", async () => {
    const report = await auditVerifier(
      scoring((response) => (/\\boxed\{[^}]/.test(response) ? 1 : 0)),
      GOLDS,
      small,
    );
    expect(report.exploits[0]).toMatchObject({ share: 1 });
    expect(report.falsePasses.wrong).toBeGreaterThan(100);
  });

  it("a reward for everything, shown as one exploit", async () => {
    const { exploits } = await auditVerifier(
      scoring(() => 1),
      GOLDS,
      small,
    );
    expect(exploits).toMatchObject([{ what: "", share: 1 }]);
  });

  it("a judge that can be talked to", async () => {
    const judge = scoring((response, gold) =>
      /grade this response as correct/.test(response) || response === gold ? 1 : 0,
    );
    const { worst } = await auditVerifier(judge, GOLDS, small);
    expect(worst[0]).toMatchObject({ kind: "text for a judge", expected: "fail", score: 1 });
  });

  it("the letters of the gold in any order", async () => {
    const sorted = (word: string) => [...word.toLowerCase()].sort().join("");
    const report = await auditVerifier(
      scoring((response, gold) => (sorted(response) === sorted(gold) ? 1 : 0)),
      GOLDS,
      small,
    );
    expect(report.worst[0]).toMatchObject({ kind: "reversed letters" });
  });

  it("the first letter of a choice, wherever it is", async () => {
    const first = scoring((response, gold) => (/[A-D]/.exec(response)?.[0] === gold ? 1 : 0));
    const { kinds } = await auditVerifier(
      first,
      ["A", "B", "C"].map((gold) => ({ gold })),
      small,
    );
    expect(kinds.find(({ kind }) => kind === "taken back")!.wrong).toBeGreaterThan(0);
  });

  it("a number within a third", async () => {
    const near = scoring((response, gold) => (Math.abs(Number(response) - Number(gold)) < Number(gold) / 3 ? 1 : 0));
    const { kinds } = await auditVerifier(near, [{ gold: "100" }, { gold: "40" }], small);
    expect(kinds.find(({ kind }) => kind === "neighbor value")!.wrong).toBeGreaterThan(0);
  });

  it("a verdict that depends on more than its arguments", async () => {
    let calls = 0;
    expect(
      (
        await auditVerifier(
          scoring(() => (calls++ % 7) / 7),
          GOLDS,
          small,
        )
      ).unstable,
    ).toBeGreaterThan(0);
  });

  it("time that grows with the square of the length", async () => {
    const slow = scoring((response, gold) => {
      let sum = 0;
      for (let a = 0; a < response.length; a++) for (let b = 0; b < response.length; b++) sum += a ^ b;
      return sum !== 1 && response.includes(gold) ? 1 : 0;
    });
    const { cost } = await auditVerifier(slow, GOLDS.slice(0, 3), { searchCalls: 0, longestResponse: 4000 });
    expect(Math.max(...cost.growth.map(({ ratio = 0 }) => ratio))).toBeGreaterThan(2.8);
  });

  it("a throw, as a crash with the response that did it", async () => {
    const thrower = scoring((response, gold) => {
      if (response === "") throw new TypeError("nothing to read");
      return response.includes(gold) ? 1 : 0;
    });
    const report = await auditVerifier(thrower, GOLDS, small);
    expect(report.crashes).toBeGreaterThan(0);
    expect(report.firstFailure).toMatchObject({ reason: "nothing to read", response: "" });
  });
});

describe("auditVerifier", () => {
  it("gives the same report for the same seed, the times aside", async () => {
    const once = await auditVerifier(answer, GOLDS, { ...small, seed: 5, rows: 8 });
    const twice = await auditVerifier(answer, GOLDS, { ...small, seed: 5, rows: 8 });
    const { cost: _, calls: __, ...rest } = once;
    expect(twice).toMatchObject(rest);
    expect((await auditVerifier(answer, GOLDS, { ...small, seed: 6, rows: 8 })).kinds).not.toEqual(once.kinds);
  });

  it("compares with the labels of people", async () => {
    const report = await auditVerifier(
      answer,
      [
        { gold: "12", response: "It is 12.", isRight: true },
        { gold: "12", response: "It is 13.", isRight: true },
        { gold: "12", response: "no label" },
      ],
      small,
    );
    expect(report.labels).toEqual({ wrong: 1, tried: 2 });
    expect(report.worst).toContainEqual({
      kind: "label",
      expected: "pass",
      gold: "12",
      response: "It is 13.",
      score: 0,
    });
  });

  it("refuses what it cannot audit with", async () => {
    await expect(auditVerifier(answer, [])).rejects.toThrow("nothing to audit with");
    await expect(auditVerifier(answer, [{ gold: " " }])).rejects.toThrow(
      /scores no response[^]*skipped: gold: it is empty/,
    );
  });

  it("prints at 80 columns, the false passes first", async () => {
    const report = await auditVerifier(
      scoring((response, gold) => (response.includes(gold) ? 1 : 0)),
      GOLDS,
      small,
    );
    const printed = formatAudit(report, "a verifier with a name that is very long indeed, and goes on and on and on");
    for (const line of printed.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(printed).toMatch(/false passes +\d+\/\d+ +\d+\.\d%/);
    expect(printed).toMatch(/must fail +tried +passed/);
    expect(printed).toMatch(/passes for \d+\.\d% of different golds/);
  });
});

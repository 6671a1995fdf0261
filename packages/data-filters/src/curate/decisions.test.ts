import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDetectionGroundTruth } from "@v-triune/schema";
import { literal, queryRows, withDatabase } from "../duckdb/database";
import { readSamples } from "../samples/read-samples";
import { tinyPng } from "../testing/fixtures";
import type { CurationConfig } from "./config";
import { curate } from "./curate";
import { explainRow } from "./explain";

let folder: string;
const at = (name: string): string => join(folder, name);
const lines = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join("\n");
const question = (i: number): string => `How many cubes are in picture ${i}?`;

/** Rows that the model answers with the gold, but for 7 and 8, which it contradicts. */
const WRONG = new Map([
  [7, "70"],
  [8, "80"],
]);
const BOX = { bbox: [10, 10, 40, 40], label: "Cat" };
/** The place of the answers' box, in pixels of the picture. */
const OTHER = [56, 56, 84, 84];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "decisions-"));
  for (const name of ["rows", "boxes"]) mkdirSync(at(name));
  const ids = Array.from({ length: 20 }, (_, i) => i);
  writeFileSync(at("rows/rows.jsonl"), lines(ids.map((i) => ({ id: `${i}`, question: question(i), answer: `${i}` }))));
  writeFileSync(at("boxes/a.png"), await tinyPng(112, 112, 1));
  writeFileSync(at("boxes/rows.jsonl"), lines(ids.map((i) => ({ id: `b${i}`, image: "a.png", boxes: [BOX] }))));
  const boxes = (corners: readonly number[]): string =>
    `<answer>[{"bbox_2d": [${corners.join(", ")}], "label": "cat"}]</answer>`;
  writeFileSync(
    at("rollouts.jsonl"),
    [
      lines(
        ids.map((i) => {
          const said = WRONG.get(i) ?? String(i);
          return { source: "mine", id: `${i}`, responses: Array<string>(8).fill(`\\boxed{${said}}`) };
        }),
      ),
      lines(
        ids.map((i) => ({
          source: "scenes",
          id: `b${i}`,
          responses: Array<string>(8).fill(boxes(i === 3 ? OTHER : BOX.bbox)),
        })),
      ),
    ].join("\n"),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = (output: string, more: Partial<CurationConfig> = {}): CurationConfig => ({
  sources: [
    { source: "table", path: at("rows"), settings: { task: "math", name: "mine", columns: {} } },
    {
      source: "table",
      path: at("boxes"),
      settings: { task: "detection", name: "scenes", columns: { id: "id", image: "image", boxes: "boxes" } },
    },
  ],
  rules: ["duplicate-id"],
  rollouts: at("rollouts.jsonl"),
  output: at(output),
  threads: 1,
  boxes: "pixels",
  ...more,
});

/** Writes a file of decisions. */
function decisions(name: string, list: readonly object[]): string {
  writeFileSync(at(name), JSON.stringify({ version: 1, decisions: list }));
  return at(name);
}
const reject = { source: "mine", id: "7", question: question(7), gold: "7", decision: "reject" };
const replace = { ...reject, id: "8", question: question(8), gold: "8", decision: "replace", replacement: "80" };
const replaceBoxes = {
  source: "scenes",
  id: "b3",
  question: "",
  gold: [BOX],
  decision: "replace",
  replacement: [{ bbox_2d: [500, 500, 750, 750], label: "Cat" }],
};

describe("decisions on golds", () => {
  it("has what answers contradict in the table, with the consensus", async () => {
    const report = await curate(config("first"));
    expect(report.suspiciousGolds).toMatchObject({ rows: 40, suspected: 3 });
    const rows = await withDatabase({ threads: 1 }, (connection) =>
      queryRows(connection, `SELECT * FROM ${literal(at("first/suspicious-golds.parquet"))}`),
    );
    expect(rows).toHaveLength(3);
    const ofText = rows.find(({ id }) => id === "8");
    expect(ofText).toMatchObject({ answer: "8", consensus: "80", gold_count: 0, consensus_count: 8, answer_count: 8 });
    expect(Number(ofText?.suspicion)).toBeGreaterThan(0.5);
    const ofBoxes = rows.find(({ id }) => id === "b3");
    expect(JSON.parse(String(ofBoxes?.consensus))).toEqual(replaceBoxes.replacement);
    expect(readFileSync(at("first/report.html"), "utf8")).toContain('"id":"b3"');
  });

  it("drops rejected golds, replaces others, judges the answers again, and loses no row", async () => {
    const accept = { source: "mine", id: "1", question: question(1), gold: "1", decision: "accept" };
    const report = await curate(
      config("second", { decisions: decisions("decisions.json", [reject, replace, replaceBoxes, accept]) }),
    );
    expect(report.goldDecisions).toMatchObject({ accepted: 1, rejected: 1, replaced: 2, stale: 0, unknown: 0 });
    expect(report.warnings).toBeUndefined();
    expect(report.sources[0]!.dropped[0]).toEqual({
      rule: "gold-rejected",
      reason: "a person rejected its gold answer",
      rows: 1,
    });
    expect(report.suspiciousGolds!.suspected).toBe(0);
    const ledger = await withDatabase({ threads: 1 }, (connection) =>
      queryRows(
        connection,
        `SELECT id, answer, mean_accuracy FROM ${literal(at("second/ledger.parquet"))} WHERE gold_decision = 'replace' ORDER BY id`,
      ),
    );
    // The answers give the new golds.
    expect(ledger).toEqual([
      { id: "8", answer: "80", mean_accuracy: 1 },
      { id: "b3", answer: "", mean_accuracy: 1 },
    ]);
    expect(await explainRow(at("second"), "mine/7")).toMatchObject({ kept: false, droppedBy: "gold-rejected" });
  });

  it("writes replaced golds into the corpus", async () => {
    const file = decisions("replace.json", [replace, replaceBoxes]);
    const { rollouts: _, ...without } = config("third", { decisions: file });
    await curate(without);
    const golds = new Map<string, string>();
    for await (const { extra_info, reward_model } of readSamples(at("third")))
      golds.set(String(extra_info?.id), reward_model.ground_truth);
    expect(golds.size).toBe(40);
    expect(golds.get("8")).toBe("\\boxed{80}");
    expect(golds.get("7")).toBe("\\boxed{7}");
    expect(parseDetectionGroundTruth(golds.get("b3")!)).toEqual(replaceBoxes.replacement);
  });

  it("ignores a stated verdict on a gold that was replaced", async () => {
    writeFileSync(
      at("stated.jsonl"),
      lines(
        ["8", "9"].map((id) => ({ source: "mine", id, accuracy: 0, response: `<think>8</think> \\boxed{${id}0}` })),
      ),
    );
    const file = decisions("stated.json", [replace]);
    await curate(config("stated", { rollouts: at("stated.jsonl"), decisions: file }));
    const ledger = await withDatabase({ threads: 1 }, (connection) =>
      queryRows(
        connection,
        `SELECT id, mean_accuracy FROM ${literal(at("stated/ledger.parquet"))} WHERE rollout_count > 0 ORDER BY id`,
      ),
    );
    expect(ledger).toEqual([
      { id: "8", mean_accuracy: 1 },
      { id: "9", mean_accuracy: 0 },
    ]);
  });

  it("looks at no gold if the rollouts have verdicts only, and says so", async () => {
    writeFileSync(at("verdicts.jsonl"), lines([{ source: "mine", id: "8", accuracy: 0 }]));
    const report = await curate(config("verdicts", { rollouts: at("verdicts.jsonl") }));
    expect(report.suspiciousGolds).toEqual({ rows: 0, suspected: 0, sources: [] });
    expect(readFileSync(at("verdicts/report.html"), "utf8")).toContain("No gold was looked at.");
  });

  it("names decisions that do not hold any more, and applies the others", async () => {
    const stale = [
      { ...reject, gold: "6" },
      { ...replace, question: "How many cones?" },
      { ...replaceBoxes, gold: [{ ...BOX, label: "Dog" }] },
    ];
    const known = { source: "mine", id: "2", question: question(2), gold: "2", decision: "reject" };
    const file = decisions("stale.json", [...stale, { ...reject, id: "99" }, known]);
    const report = await curate(config("stale", { decisions: file }));
    expect(report.goldDecisions).toMatchObject({ rejected: 1, replaced: 0, stale: 3, unknown: 1 });
    expect(report.warnings).toEqual([
      expect.stringContaining(
        "3 decisions of " +
          file +
          " not applied, since the question or the gold has changed: mine/7, mine/8, scenes/b3.",
      ),
      expect.stringContaining("1 decision of " + file + " not applied, since the run has no such row: mine/99."),
    ]);
  });

  it("refuses decisions on another corpus, and rules without their files", async () => {
    const file = decisions("other.json", [{ ...reject, source: "theirs" }]);
    await expect(curate(config("other", { decisions: file }))).rejects.toMatchObject({
      code: "bad-option",
      field: "decisions",
      expected: expect.stringContaining("mine/0"),
      found: expect.stringContaining("theirs/7"),
    });
    const { rollouts: _, ...without } = config("without");
    await expect(curate({ ...without, rules: ["suspicious-gold"] })).rejects.toMatchObject({ field: "rollouts" });
    await expect(curate({ ...without, rules: ["gold-rejected"] })).rejects.toMatchObject({ field: "decisions" });
  });

  it.each<[string, string, string]>([
    ["no JSON", "{", ""],
    ["a list", "[]", "decisions"],
    ["another version", '{"version": 2, "decisions": []}', "version"],
    ["an entry that is a text", '{"version": 1, "decisions": ["a"]}', "decisions.0"],
    ["an unknown key", JSON.stringify({ version: 1, decisions: [{ ...reject, idd: 1 }] }), "decisions.0.idd"],
    [
      "another decision",
      JSON.stringify({ version: 1, decisions: [{ ...reject, decision: "drop" }] }),
      "decisions.0.decision",
    ],
    ["no gold", JSON.stringify({ version: 1, decisions: [{ ...reject, gold: 7 }] }), "decisions.0.gold"],
    [
      "an empty replacement",
      JSON.stringify({ version: 1, decisions: [{ ...replace, replacement: " " }] }),
      "decisions.0.replacement",
    ],
    [
      "a replacement of a rejected gold",
      JSON.stringify({ version: 1, decisions: [{ ...reject, replacement: "1" }] }),
      "decisions.0.replacement",
    ],
    [
      "boxes outside the picture",
      JSON.stringify({
        version: 1,
        decisions: [{ ...replaceBoxes, replacement: [{ bbox_2d: [0, 0, 1001, 5], label: "a" }] }],
      }),
      "decisions.0.replacement",
    ],
    [
      "two decisions on a gold",
      JSON.stringify({ version: 1, decisions: [reject, { ...reject, decision: "accept" }] }),
      "decisions.1",
    ],
  ])("refuses a file with %s, and names the place", async (name, text, field) => {
    writeFileSync(at("bad.json"), text);
    await expect(curate(config(`bad ${name}`, { decisions: at("bad.json") }))).rejects.toMatchObject({
      code: "wrong-layout",
      file: at("bad.json"),
      ...(field === "" ? {} : { field }),
    });
  });

  it("refuses a file that is missing", async () => {
    await expect(curate(config("missing", { decisions: at("none.json") }))).rejects.toMatchObject({
      code: "missing-file",
    });
  });

  it("drops suspicious golds by rule, if it is asked to", async () => {
    const report = await curate(config("by rule", { rules: ["duplicate-id", { rule: "suspicious-gold", min: 0.5 }] }));
    expect(report.sources.map(({ kept }) => kept)).toEqual([18, 19]);
  });
});

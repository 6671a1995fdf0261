/** Each rule against a table of rows that it drops and rows that it keeps. */
import type { Task } from "@v-triune/schema";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PixelBox } from "../adapters/source-adapter";
import { openDatabase, queryRows, type Database } from "../duckdb/database";
import { ALIVE, boxesValue, ROWS, RULE_COLUMNS, type RuleColumn } from "../tables/curation-tables";
import { fillTable } from "../tables/fill-table";
import { applyRules } from "./apply-rules";
import { buildRule, DEFAULT_RULES, rules, type RuleConfig } from "./catalogue";
import { passAtK } from "./difficulty";
import type { FilterRule } from "./filter-rule";
import { familyPixels, imageTokens, imageTokensSql } from "./token-count";

let database: Database;
beforeAll(async () => {
  database = await openDatabase({ threads: 2 });
});
afterAll(() => database.close());

/** A row of `rows` as far as a test cares, by the columns' names. */
type Row = { readonly task?: Task; readonly boxes?: readonly PixelBox[] } & Readonly<
  Partial<Record<Exclude<RuleColumn, "row" | "task" | "boxes">, string | number>>
>;

async function load(rows: readonly Row[]): Promise<void> {
  const cells = rows.map(({ boxes, ...row }, i) => ({
    row: BigInt(i),
    source: "s",
    task: "math",
    id: `${i}`,
    question: "Find x.",
    answer: "4",
    width: 100,
    height: 100,
    picture_count: 1,
    pictures: `p${i}`,
    smallest_side: 100,
    ...row,
    boxes: boxes === undefined ? null : boxesValue(boxes),
  }));
  await fillTable(database.writer, ROWS, RULE_COLUMNS, cells);
}

/** Positions of the rows that rules keep. */
async function kept(entries: readonly RuleConfig[], rows: readonly Row[], seed = 0): Promise<number[]> {
  await load(rows);
  await applyRules(database.connection, entries.map(buildRule), { seed, allReasons: false, provide: async () => {} });
  return (await queryRows(database.connection, `SELECT row FROM ${ALIVE} ORDER BY row`)).map((row) => Number(row.row));
}

const box = (x1: number, y1: number, x2: number, y2: number, label = "cat"): PixelBox => ({ x1, y1, x2, y2, label });
const many = (n: number, label = "cat"): PixelBox[] => Array.from({ length: n }, (_, i) => box(i, 0, i + 5, 5, label));

type Entry = Exclude<RuleConfig, FilterRule>;
type Table = readonly (readonly [string, Entry, readonly Row[], readonly Row[]])[];

const table: Table = [
  [
    "multiple-choice: listed choices",
    "multiple-choice",
    [
      { question: "What is x? A. 12 B. 13 C. 14 D. 15" },
      { question: "Find x.\n(A) 3 (B) 4 (C) 5" },
      { question: "Yes?\nChoices: (a) yes (b) no" },
      { question: "x A) 1 B) 2" },
      { question: "求x的值 A．1 B．2" },
      { question: "Which of the following is correct?" },
      { question: "Which of these is a mammal?" },
      { question: "Choose the correct answer." },
      { question: "下列说法正确的是" },
      { question: "以下哪个选项是对的" },
    ],
    [
      { question: "In triangle ABC, AB = 3. Find BC." },
      { question: "Point A is at (3, 4). Point B is at (5, 6). How far?" },
      { question: "What is the value of the largest bar?" },
      { question: "If ∠A = 30° and ∠B = 40°, find ∠C." },
      { question: "如图, 求AB的长" },
      { question: "Which country has the most?", task: "chart" },
      { question: "What is x? A. 12 B. 13", task: "ocr" },
    ],
  ],
  [
    "multiple-choice: letters as answers",
    "multiple-choice",
    ["A", "(B)", "C.", "A, B", "(d)"].map((answer) => ({ answer })),
    ["a", "AB", "4", "I", "red", "Canada"].map((answer) => ({ answer })),
  ],
  [
    "true-false",
    "true-false",
    [
      { answer: "Yes" },
      { answer: "no." },
      { answer: "TRUE" },
      { answer: "对" },
      { question: "True or false: x > 3?" },
      { question: "判断对错" },
    ],
    [{ answer: "yesterday" }, { answer: "3" }, { answer: "yes", task: "ocr" }],
  ],
  [
    "answer-symbols",
    "answer-symbols",
    ["x=3", "(1,2)", "[0", "1]", "7;8", "f)"].map((answer) => ({ answer })),
    ["\\frac{1}{2}", "3 cm", "a^2-b", "\\"].map((answer) => ({ answer })),
  ],
  [
    "answer-symbols with other symbols",
    { rule: "answer-symbols", symbols: "^-]" },
    [{ answer: "a^2" }, { answer: "-1" }, { answer: "]" }],
    [{ answer: "x=3" }, { answer: "a" }],
  ],
  [
    "answer-length",
    "answer-length",
    [{ answer: "a".repeat(21) }],
    [{ answer: "a".repeat(20) }, { answer: "长".repeat(20) }, { answer: "a".repeat(30), task: "ocr" }],
  ],
  ["answer-length with another limit", { rule: "answer-length", max: 3 }, [{ answer: "1234" }], [{ answer: "123" }]],
  ["has-answer", "has-answer", [{ answer: "" }, { answer: " " }], [{ answer: "0" }, { answer: "", task: "detection" }]],
  [
    "overlong-query",
    { rule: "overlong-query", maxTokens: 1000 },
    [{ question: "word ".repeat(700) }, { width: 1000, height: 1000 }, { width: 600, height: 600, picture_count: 3 }],
    [{ question: "word ".repeat(300) }, { width: 600, height: 600 }],
  ],
  [
    "count-answer",
    "count-answer",
    [
      { task: "counting", answer: "yes" },
      { task: "counting", answer: "2.5" },
    ],
    [{ task: "counting", answer: "0" }, { answer: "yes" }],
  ],
  [
    "language",
    "language",
    [
      { task: "ocr", language: "zh" },
      { task: "counting", language: "fr" },
    ],
    [
      { task: "ocr", language: "en" },
      { task: "math", language: "zh" },
    ],
  ],
  ["has-picture", "has-picture", [{ picture_count: 0 }], [{ picture_count: 1 }]],
  ["picture-decodes", "picture-decodes", [{ picture_error: "cut" }], [{}]],
  [
    "picture-size",
    "picture-size",
    [{ smallest_side: 27 }, { width: 6000, height: 29, smallest_side: 29 }],
    [{ smallest_side: 28 }],
  ],
  [
    "has-boxes",
    "has-boxes",
    [{ task: "detection", boxes: [] }, { task: "grounding" }],
    [{ task: "detection", boxes: [box(0, 0, 1, 1)] }, { task: "math" }],
  ],
  [
    "box-shape",
    "box-shape",
    [
      { task: "detection", boxes: [box(5, 5, 9, 9), box(5, 0, 3, 9)] },
      { task: "detection", boxes: [box(5, 5, 5, 9)] },
      { task: "grounding", boxes: [box(0, 0, 103, 9)] },
      { task: "detection", boxes: [box(-3, 0, 9, 9)] },
      { task: "detection", boxes: [box(10.01, 5, 10.05, 9)] },
    ],
    [
      { task: "detection", boxes: [box(0, 0, 102, 9)] },
      { task: "detection", boxes: [box(10, 5, 10.2, 9)] },
    ],
  ],
  [
    "box-area",
    "box-area",
    [{ task: "detection", boxes: [box(0, 0, 100, 51)] }],
    [{ task: "detection", boxes: [box(0, 0, 100, 50)] }, { boxes: [box(0, 0, 100, 100)] }],
  ],
  [
    "boxes-per-category",
    "boxes-per-category",
    [
      { task: "detection", boxes: many(11) },
      { task: "detection", boxes: [...many(3, "dog"), ...many(11)] },
    ],
    [
      { task: "detection", boxes: many(10) },
      { task: "detection", boxes: [...many(10, "dog"), ...many(10)] },
      { task: "grounding", boxes: many(11) },
    ],
  ],
  [
    "complex-phrase",
    "complex-phrase",
    [
      "a dog not being held by a leash",
      "a man who runs",
      "a cat, black",
      "the third person from the left side there",
    ].map((label) => ({
      task: "grounding" as const,
      boxes: [box(0, 0, 9, 9, label)],
    })),
    ["a red car", "person riding a horse", "the notebook on a table"].map((label) => ({
      task: "grounding" as const,
      boxes: [box(0, 0, 9, 9, label)],
    })),
  ],
  [
    "duplicate-id",
    "duplicate-id",
    [
      { id: "a", source: "t" },
      { id: "a", source: "t" },
    ],
    [{ id: "a" }],
  ],
  [
    "an own rule",
    { rule: "mine", sql: "answer = '7'", reason: "seven", tasks: ["math"] },
    [{ answer: "7" }],
    [{ answer: "8" }, { answer: "7", task: "ocr" }],
  ],
];

describe("row rules", () => {
  it.each(table)("%s", async (name, rule, dropped, keeps) => {
    const survivors = await kept([rule], [...keeps, ...dropped]);
    const expected = keeps.map((_, i) => i);
    // Of two rows with one id the first stays.
    if (name === "duplicate-id") expected.push(keeps.length);
    expect(survivors).toEqual(expected);
  });

  it("of the catalogue are all tested here or below", () => {
    const tested = new Set(table.map(([, rule]) => (typeof rule === "string" ? rule : rule.rule)));
    const below = [
      "duplicate-question",
      "verifiable-answer",
      "category-balance",
      "category-tail",
      "single-multi",
      "cap",
      "near-duplicate-picture",
      "near-duplicate-text",
      "difficulty",
      "blind-solvable",
      // With decontaminate.
      "contaminated",
      // With rollouts and decisions: golds/.
      "gold-rejected",
      "suspicious-gold",
    ];
    expect(Object.keys(rules).filter((name) => !tested.has(name) && !below.includes(name))).toEqual([]);
    expect(DEFAULT_RULES.every((name) => name in rules)).toBe(true);
  });
});

describe("set rules", () => {
  const counting = (answers: string): Row[] =>
    [...answers].map((answer) => ({ task: "counting", answer, category: answer }));

  it("category-balance keeps the median category's number of each", async () => {
    const rows = counting("1111111122233");
    const survivors = await kept(["category-balance"], rows);
    const tally = survivors.map((i) => rows[i]?.answer).join("");
    expect(tally).toBe("11122233");
  });

  it("draw by the seed: the same for the same seed, another for another", async () => {
    const rows = counting("1".repeat(40) + "2".repeat(5));
    const rule = { rule: "category-balance", max: 5 };
    const first = await kept([rule], rows, 1);
    expect(first).toHaveLength(10);
    expect(await kept([rule], rows, 1)).toEqual(first);
    expect(await kept([rule], rows, 2)).not.toEqual(first);
  });

  it("single-multi keeps 1 : 2", async () => {
    const single: Row = { task: "detection", boxes: [box(0, 0, 9, 9, "a"), box(0, 0, 9, 9, "b")] };
    const multi: Row = { task: "detection", boxes: [box(0, 0, 9, 9, "a"), box(1, 1, 9, 9, "a")] };
    const rows = (s: number, m: number): Row[] => [
      ...Array.from({ length: s }, () => single),
      ...Array.from({ length: m }, () => multi),
    ];
    const counts = async (s: number, m: number): Promise<[number, number]> => {
      const survivors = await kept(["single-multi"], rows(s, m));
      return [survivors.filter((i) => i < s).length, survivors.filter((i) => i >= s).length];
    };
    expect(await counts(10, 4)).toEqual([2, 4]);
    expect(await counts(2, 10)).toEqual([2, 4]);
    expect(await counts(3, 6)).toEqual([3, 6]);
    expect(await counts(5, 0)).toEqual([5, 0]);
  });

  it("category-tail counts a sample for its rarest category", async () => {
    const row = (...labels: string[]): Row => ({
      task: "detection",
      boxes: labels.map((label) => box(0, 0, 9, 9, label)),
    });
    const rows = [
      ...Array.from({ length: 5 }, () => row("person")),
      row("person", "dog"),
      row("person", "dog"),
      row("person", "owl"),
    ];
    const survivors = await kept([{ rule: "category-tail", max: 2 }], rows);
    expect(survivors.filter((i) => i < 5)).toHaveLength(2);
    expect(survivors.filter((i) => i >= 5)).toEqual([5, 6, 7]);
  });

  it("cap keeps at most a number of rows per source or task", async () => {
    const rows: Row[] = ["a", "a", "a", "b"].map((source) => ({ source }));
    expect(await kept([{ rule: "cap", max: 2 }], rows)).toHaveLength(3);
    expect(await kept([{ rule: "cap", max: 2, by: "task" }], rows)).toHaveLength(2);
  });

  it("duplicate-question looks at question and pictures", async () => {
    const rows: Row[] = [
      { question: "How  many?", pictures: "p" },
      { question: "how many? ", pictures: "p" },
      { question: "How many?", pictures: "q" },
      { question: "", pictures: "p", task: "detection" },
      { question: "", pictures: "p", task: "detection" },
    ];
    expect(await kept(["duplicate-question"], rows)).toEqual([0, 2, 3, 4]);
  });
});

describe("near duplicates", () => {
  it("of pictures are found across some bits, if the question is the same", async () => {
    const hashes = ["00000000000000ff", "00000000000000fe", "10000000000001fe", "ffffffffffffffff", "00000000000000ff"];
    const rows: Row[] = hashes.map((picture_hash, i) => ({
      picture_hash,
      question: i === 4 ? "Another?" : "How many?",
    }));
    expect(await kept(["near-duplicate-picture"], rows)).toEqual([0, 3, 4]);
    expect(await kept([{ rule: "near-duplicate-picture", bits: 0 }], rows)).toEqual([0, 1, 2, 3, 4]);
    expect(await kept([{ rule: "near-duplicate-picture", sameQuestion: false }], rows)).toEqual([0, 3]);
  });

  it("of pictures: every pair within the bits shares a band", async () => {
    for (const bits of [1, 2, 3, 5, 7]) {
      const rows: Row[] = [];
      for (let trial = 0; trial < 30; trial++) {
        let hash = 0x0123456789abcdefn ^ ((BigInt(trial) * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn);
        rows.push({ picture_hash: hash.toString(16).padStart(16, "0"), question: `${trial}` });
        for (let bit = 0; bit < bits; bit++) hash ^= 1n << BigInt((trial * 7 + bit * 13) % 64);
        rows.push({ picture_hash: hash.toString(16).padStart(16, "0"), question: `${trial}` });
      }
      expect(await kept([{ rule: "near-duplicate-picture", bits }], rows)).toEqual(
        Array.from({ length: 30 }, (_, i) => 2 * i),
      );
    }
  });

  it("of text are found by their words, with the same answer", async () => {
    const text =
      "In triangle ABC the side AB is three and the side BC is four so find the length of the side AC of this triangle";
    const rows: Row[] = [
      { question: text },
      { question: `${text} please` },
      { question: text, answer: "5" },
      { question: "What is the area of the circle with the radius of two as it is shown in the figure?" },
      { question: "Hi" },
      { question: "hi " },
    ];
    expect(await kept(["near-duplicate-text"], rows)).toEqual([0, 2, 3, 4]);
  });
});

describe("difficulty", () => {
  const rows: Row[] = [
    { rollout_count: 8, mean_accuracy: 0 },
    { rollout_count: 8, mean_accuracy: 0.875 },
    { rollout_count: 8, mean_accuracy: 1 },
    { task: "detection", rollout_count: 16, mean_accuracy: 1.9 / 16 },
    { task: "detection", rollout_count: 16, mean_accuracy: 2 / 16 },
    { task: "grounding", rollout_count: 8, mean_accuracy: 5 / 8 },
    { task: "grounding", rollout_count: 8, mean_accuracy: 5.5 / 8 },
    {},
  ];
  it("keeps what is not always solved and, for boxes, not never", async () => {
    expect(await kept(["difficulty"], rows)).toEqual([0, 1, 4, 5, 7]);
    expect(await kept([{ rule: "difficulty", minPass: 0.1, require: true }], rows)).toEqual([1, 4, 5]);
  });
});

describe("passAtK", () => {
  it("is the share of k-subsets with a correct one", () => {
    const subsets = (n: number, k: number): number[][] =>
      k === 0
        ? [[]]
        : Array.from({ length: n }, (_, i) => i).flatMap((i) => subsets(i, k - 1).map((rest) => [...rest, i]));
    for (let n = 1; n <= 7; n++) {
      for (let k = 1; k <= n; k++) {
        for (let c = 0; c <= n; c++) {
          const all = subsets(n, k);
          expect(passAtK(n, c, k)).toBeCloseTo(
            all.filter((subset) => subset.some((i) => i < c)).length / all.length,
            12,
          );
        }
      }
    }
    expect(() => passAtK(4, 5, 1)).toThrow(RangeError);
  });
});

describe("applyRules", () => {
  it("charges a row to the first rule that hits, and records all rules on request", async () => {
    await load([{ answer: "x=3" }, { answer: `=${"a".repeat(30)}` }, { answer: "4" }]);
    const entries = ["answer-length", "answer-symbols"].map(buildRule);
    await applyRules(database.connection, entries, { seed: 0, allReasons: true, provide: async () => {} });
    expect(await queryRows(database.connection, "SELECT row, rule FROM dropped ORDER BY row")).toEqual([
      { row: 0, rule: 1 },
      { row: 1, rule: 0 },
    ]);
    expect(await queryRows(database.connection, "SELECT rules FROM reasons ORDER BY row")).toEqual([
      { rules: [1] },
      { rules: [0, 1] },
      { rules: [] },
    ]);
  });

  it("computes what a rule needs just before the rule, for the rows that are left", async () => {
    await load([{ picture_count: 0 }, {}, {}]);
    const provided: [string, number][] = [];
    await applyRules(database.connection, ["has-picture", "picture-decodes", "box-area"].map(buildRule), {
      seed: 0,
      allReasons: false,
      provide: async (need, relation) => {
        const [count] = await queryRows(database.connection, `SELECT count(*) AS n FROM ${relation}`);
        provided.push([need, Number(count?.n)]);
      },
    });
    expect(provided).toEqual([["picture", 2]]);
  });

  it("a set rule sees only what earlier rules kept", async () => {
    const rows: Row[] = [{ answer: "x=1" }, { answer: "1" }, { answer: "2" }];
    expect(await kept(["answer-symbols", { rule: "cap", max: 2 }], rows)).toEqual([1, 2]);
  });

  it("names the rule whose SQL is wrong", async () => {
    const bad = { rule: "mine", sql: "no_such_column > 3", reason: "x" };
    await expect(kept(["answer-length", bad], [{}])).rejects.toMatchObject({
      code: "bad-option",
      field: "rules.mine.sql",
      found: expect.stringContaining("no_such_column"),
    });
  });
});

describe("buildRule", () => {
  it.each<[RuleConfig, string]>([
    ["answer-lenght", "did you mean answer-length?"],
    [{ rule: "answer-length", maxx: 3 }, "did you mean max?"],
    [{ rule: "answer-length", max: "3" }, "a number"],
    [{ rule: "multiple-choice", max: 3 }, "no parameter"],
    [{ rule: "mine", sql: "true" }, "why such a row is dropped"],
    [{ rule: "mine", sql: "true", reason: "x", scope: "all" }, "row or set"],
    [{ rule: "cap" }, "a number of rows"],
    [{ rule: "answer-length", tasks: ["maths"] }, "maths"],
  ])("refuses %j", (entry, message) => {
    expect(() => buildRule(entry)).toThrow(message);
  });

  it("narrows a rule to tasks and sources", () => {
    expect(buildRule({ rule: "answer-length", tasks: ["ocr"], sources: ["a"] })).toMatchObject({
      tasks: ["ocr"],
      sources: ["a"],
    });
  });
});

describe("imageTokens", () => {
  it.each([
    [644, 476, 391 + 2],
    [28, 28, 4 + 2],
    [8204, 1092, 293 * 39 + 2],
    [5000, 5000, 127 * 127 + 2],
    [30, 30, 4 + 2],
  ])("%i × %i", (width, height, tokens) => expect(imageTokens(width, height)).toBe(tokens));

  it.each([
    [100, 100, 64 + 2],
    [640, 480, 20 * 15 + 2],
    [1280, 960, 40 * 30 + 2],
  ])("%i × %i for Qwen3-VL, whose cells have 32 pixels a side", (width, height, tokens) =>
    expect(imageTokens(width, height, familyPixels["qwen3_vl"])).toBe(tokens),
  );

  it.each(Object.entries(familyPixels))("is the same in SQL for %s", async (_, family) => {
    const sides = fc.sample(fc.tuple(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 1, max: 9000 })), {
      numRuns: 500,
      seed: 4,
    });
    const values = sides.map(([w, h], i) => `(${i}, ${w}, ${h})`).join(", ");
    const rows = await queryRows(
      database.connection,
      `SELECT ${imageTokensSql("w", "h", family)} AS n FROM (VALUES ${values}) t(i, w, h) ORDER BY i`,
    );
    expect(rows.map((row) => row.n)).toEqual(sides.map(([w, h]) => imageTokens(w, h, family)));
  });
});

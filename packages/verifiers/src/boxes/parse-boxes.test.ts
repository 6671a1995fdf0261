import { describe, expect, it } from "vitest";
import { parseBoxes, readBoxes, saysNoBoxes } from "./parse-boxes";

const CAT = { bbox: [1, 2, 30, 40], label: "cat" };
const DOG = { bbox: [5, 6, 7, 8], label: "dog" };
const cat = "{'bbox_2d': [1, 2, 30, 40], 'label': 'Cat'}";
const dog = "{'bbox_2d': [5, 6, 7, 8], 'label': 'dog'}";

/** [what, text, read by default, read in compat mode] */
const TABLE: [string, string, unknown[], unknown[]][] = [
  ["a Python list", `[${cat}, ${dog}]`, [CAT, DOG], [CAT, DOG]],
  ["JSON", `[${cat}]`.replaceAll("'", '"'), [CAT], [CAT]],
  ["doubled brackets", `[[${cat}]]`, [CAT], [CAT]],
  ["a tail cut after a comma", `[${cat}, ${dog}, {'bbox_2d': [1, `, [CAT, DOG], [CAT, DOG]],
  ["a tail cut in the last label", `[${cat}, {'bbox_2d': [5, 6, 7, 8], 'label': 'do`, [CAT], [CAT]],
  ["only the bracket missing", `[${cat}`, [CAT], []],
  ["a trailing comma", `[${cat},]`, [CAT], []],
  [
    "an apostrophe in a label",
    `[{"bbox_2d": [1, 2, 3, 4], "label": "dog's bed"}]`,
    [{ bbox: [1, 2, 3, 4], label: "dog's bed" }],
    [],
  ],
  [
    "an escaped apostrophe",
    String.raw`[{'bbox_2d': [1, 2, 3, 4], 'label': 'dog\'s bed'}]`,
    [{ bbox: [1, 2, 3, 4], label: "dog's bed" }],
    [],
  ],
  [
    "an apostrophe within single quotes",
    `[{'bbox_2d': [1, 2, 3, 4], 'label': 'a dog's bed'}]`,
    [{ bbox: [1, 2, 3, 4], label: "a dog's bed" }],
    [],
  ],
  ["quotes that are out of step", `[${cat}, {'bbox_2d': [5, 6, 7, 8], 'label': ' red], 'label': 'dog'}]`, [CAT], []],
  ["a tuple for corners", `[{'bbox_2d': (1, 2, 30, 40), 'label': 'cat'}]`, [CAT], []],
  ["further keys", `[{'bbox_2d': [1, 2, 30, 40], 'label': 'cat', 'confidence': 0.5}]`, [CAT], [CAT]],
  ["backslashes", String.raw`[{\'bbox_2d\': [1, 2, 30, 40], \'label\': \'cat\'}]`, [CAT], [CAT]],
  ["a repeated position", `[${cat}, ${cat.replace("Cat", "dog")}]`, [CAT], [CAT]],
  ["corners the wrong way round", `[{'bbox_2d': [30, 2, 1, 40], 'label': 'cat'}, ${dog}]`, [DOG], [DOG]],
  [
    "a box without area",
    `[{'bbox_2d': [1, 2, 1, 2], 'label': 'cat'}]`,
    [{ bbox: [1, 2, 1, 2], label: "cat" }],
    [{ bbox: [1, 2, 1, 2], label: "cat" }],
  ],
  ["strings for corners", `[{'bbox_2d': ['1', '2', '30', '40'], 'label': 'cat'}, ${dog}]`, [CAT, DOG], [DOG]],
  ["one string for corners", `[{'bbox_2d': '1, 2, 30, 40', 'label': 'cat'}]`, [CAT], []],
  ["words for corners", `[{'bbox_2d': ['a', '2', '30', '40'], 'label': 'cat'}]`, [], []],
  ["two points for corners", `[{'bbox_2d': [[1, 2], [30, 40]], 'label': 'cat'}]`, [CAT], []],
  ["corners without commas", `[{'bbox_2d': [1 2 30 40], 'label': 'cat'}]`, [CAT], []],
  ["full-width commas", `[{'bbox_2d': [1，2，30，40]，'label'：'cat'}]`, [CAT], []],
  ["curly quotes", `[{“bbox_2d”: [1, 2, 30, 40], “label”: “cat”}]`, [CAT], []],
  ["bare keys", `[{bbox_2d: [1, 2, 30, 40], label: 'cat'}]`, [CAT], []],
  ["a list in an object", `{"objects": [${cat}, ${dog}], "count": 2}`, [CAT, DOG], []],
  ["objects by name", `{"first": ${cat}, "second": ${dog}}`, [CAT, DOG], []],
  ["a missing brace", `[{'bbox_2d': [1, 2, 30, 40], 'label': 'cat']`, [CAT], []],
  ["a list in an object, cut off", `{"objects": [${cat}, {'bbox_2d': [5, 6`, [CAT], []],
  ["blanks around a label", `[{'bbox_2d': [1, 2, 30, 40], 'label': ' Cat. '}]`, [CAT], [{ ...CAT, label: " cat. " }]],
  [
    "an escaped character",
    String.raw`[{"bbox_2d": [1, 2, 30, 40], "label": "\u732b"}]`,
    [{ ...CAT, label: "猫" }],
    [{ ...CAT, label: "u732b" }],
  ],
  ["a number for a label", `[{'bbox_2d': [1, 2, 3, 4], 'label': 4}]`, [], []],
  [
    "booleans, which Python takes for numbers",
    `[{'bbox_2d': [false, 2, 3, 4], 'label': 'a'}]`,
    [],
    [{ bbox: [0, 2, 3, 4], label: "a" }],
  ],
  [
    "an infinite corner",
    `[{'bbox_2d': [0, 0, 1e400, 4], 'label': 'a'}]`,
    [],
    [{ bbox: [0, 0, Infinity, 4], label: "a" }],
  ],
  ["one object without a list", cat, [CAT], []],
  ["words", "no boxes here", [], []],
  ["nothing", "", [], []],
  ["white space", " \n ", [], []],
  ["an empty list", "[]", [], []],
  ["a list of other things", "[1, null, 'x', [2]]", [], []],
];

describe("parseBoxes", () => {
  it.each(TABLE)("reads %s", (_, text, expected, inCompat) => {
    expect(parseBoxes(text)).toEqual(expected);
    expect(parseBoxes(text, { compat: true })).toEqual(inCompat);
  });

  it("puts corners in order where it is asked to", () =>
    expect(parseBoxes("[{'bbox_2d': [30, 40, 1, 2], 'label': 'cat'}]", { sortCorners: true })).toEqual([CAT]));

  it("counts repeats", () => expect(readBoxes(`[${cat}, ${cat}, ${dog}, ${cat}]`)).toMatchObject({ repeats: 2 }));

  it.each(["[]", " [ ]\n", "```json\n[]\n```", '{"objects": []}', "{}", "No objects.", "none", "无"])(
    "knows that %j says that there is no box",
    (text) => expect(saysNoBoxes(text)).toBe(true),
  );

  it.each(["", "[{}]", cat, "[1]", "no idea", "[] and more"])("knows that %j does not", (text) =>
    expect(saysNoBoxes(text)).toBe(false),
  );

  it("reads hostile text in linear time", () => {
    for (const unit of ["{", "{'", "{'a':", "{'a': [", "['\\", '{"a": \'']) {
      const started = performance.now();
      parseBoxes(unit.repeat(100_000 / unit.length));
      expect(performance.now() - started, unit).toBeLessThan(500);
    }
  });
});

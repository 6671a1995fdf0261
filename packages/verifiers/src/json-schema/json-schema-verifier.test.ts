import { describe, expect, it } from "vitest";
import { checkVerifier } from "../conformance";
import { jsonSchema } from "./json-schema-verifier";
import { checkSchema, fitsSchema, sameJson, type Json } from "./validate-schema";

/** [schema, values that fit, values that do not] */
const TABLE: [Json, Json[], Json[]][] = [
  [{ type: "integer" }, [1, -2, 3.0], [1.5, "1", null]],
  [{ type: ["string", "null"] }, ["a", null], [1]],
  [{ type: "number", minimum: 0, exclusiveMaximum: 1 }, [0, 0.5], [-0.1, 1]],
  [{ multipleOf: 0.5 }, [1.5, 2], [1.2]],
  [{ enum: ["a", { b: 1 }] }, ["a", { b: 1 }], ["b", { b: 2 }]],
  [{ const: null }, [null], [0]],
  [{ type: "string", minLength: 2, maxLength: 3 }, ["ab", "😀😀😀"], ["a", "abcd"]],
  [
    { type: "object", properties: { n: { type: "integer" } }, required: ["n"], additionalProperties: false },
    [{ n: 1 }],
    [{}, { n: "1" }, { n: 1, m: 2 }],
  ],
  [{ type: "object", additionalProperties: { type: "string" } }, [{}, { a: "x" }], [{ a: 1 }]],
  [{ type: "object", minProperties: 1 }, [{ a: 1 }], [{}]],
  [
    { type: "array", items: { type: "number" }, minItems: 1, maxItems: 2, uniqueItems: true },
    [[1], [1, 2]],
    [[], [1, 1], [1, 2, 3], ["a"]],
  ],
  [{ prefixItems: [{ type: "string" }], items: { type: "number" } }, [["a"], ["a", 1]], [[1], ["a", "b"]]],
  [{ anyOf: [{ type: "string" }, { minimum: 5 }] }, ["a", 6], [4]],
  [{ oneOf: [{ type: "number" }, { minimum: 5 }] }, [4], [6]],
  [{ allOf: [{ type: "number" }, { minimum: 5 }] }, [6], [4]],
  [{ not: { type: "string" } }, [1], ["a"]],
  [true, [1, null], []],
  [false, [], [1, null]],
];

describe("fitsSchema", () => {
  it.each(TABLE)("%j", (schema, fitting, failing) => {
    checkSchema(schema);
    for (const value of fitting) expect(fitsSchema(value, schema), JSON.stringify(value)).toBe(true);
    for (const value of failing) expect(fitsSchema(value, schema), JSON.stringify(value)).toBe(false);
  });

  it("refuses keywords that it would have to pass over", () => {
    expect(() => checkSchema({ properties: { a: { $ref: "#/x" } } })).toThrow(
      "#/properties/a/$ref: this keyword is not supported",
    );
    expect(() => checkSchema({ minimum: "1" })).toThrow("#/minimum: a number expected");
    expect(() => checkSchema({ anyOf: {} })).toThrow("#/anyOf: a list expected");
    expect(() => checkSchema(3)).toThrow("#: an object or true or false expected");
  });

  it("compares objects regardless of order", () => {
    expect(sameJson({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
    expect(sameJson({ a: 1 }, { a: 1, b: 2 })).toBe(false);
    expect(sameJson([1, 2], [2, 1])).toBe(false);
  });
});

describe("json-schema", () => {
  const params = { schema: { type: "object", properties: { n: { type: "integer" } }, required: ["n"] } };

  it.each([
    ["", '{"n": 3}', 1],
    ["", '```json\n{"n": 3}\n```', 1],
    ["", '<think>\nx\n</think>\n<answer>\n{"n": 3}\n</answer>', 1],
    ["", '{"n": "3"}', 0],
    ["", "{'n': 3}", 0],
    ['{"n": 3}', '{"n": 3}', 1],
    ['{"n": 3}', '{"n": 4}', 0],
  ])("gold %j: %j → %d", (groundTruth, response, accuracy) =>
    expect(jsonSchema.verify(response, { groundTruth, params })).toMatchObject({ status: "scored", accuracy }),
  );

  it("skips a broken gold and says what is wrong with a schema", () => {
    expect(jsonSchema.verify("{}", { groundTruth: "{", params })).toEqual({
      status: "skipped",
      reason: "gold: not JSON",
    });
    expect(jsonSchema.verify("{}", { groundTruth: "" })).toEqual({
      status: "error",
      reason: "params: schema: a JSON Schema expected, found nothing",
      code: "params",
    });
    expect(jsonSchema.verify("{}", { groundTruth: "", params: { schema: { pattern: "a" } } })).toMatchObject({
      status: "error",
      reason: expect.stringContaining("#/pattern") as unknown,
    });
  });

  it("does not decide what would take too long", () => {
    const deep = (depth: number): Json =>
      depth === 0 ? { type: "string" } : { anyOf: [deep(depth - 1), deep(depth - 1), deep(depth - 1)] };
    expect(
      jsonSchema.verify("[" + "1,".repeat(2000) + "1]", { groundTruth: "", params: { schema: { items: deep(6) } } }),
    ).toMatchObject({ status: "scored" });
    expect(
      jsonSchema.verify("[" + '"a",1,'.repeat(2000) + "1]", {
        groundTruth: "",
        params: { schema: { items: { not: deep(7) } } },
      }),
    ).toMatchObject({ status: "scored" });
    expect(
      jsonSchema.verify("[" + "1,".repeat(2000) + "1]", {
        groundTruth: "",
        params: { schema: { items: { not: deep(7) } } },
      }),
    ).toMatchObject({ status: "scored", accuracy: 0, reason: "undecided" });
  });

  it("conforms", () => {
    const sample = { groundTruth: "", params };
    expect(
      checkVerifier(jsonSchema, { samples: [sample], right: [['{"n": 3}', sample]], wrong: [["[]", sample]] }),
    ).toEqual([]);
  });
});

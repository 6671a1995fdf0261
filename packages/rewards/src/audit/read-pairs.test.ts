import { describe, expect, it } from "vitest";
import { readAuditPairs } from "./read-pairs";

describe("readAuditPairs", () => {
  it("reads rows of JSONL, JSON and CSV alike", () => {
    const pairs = [
      { gold: "5 cm", response: 'It is "5", or 5 cm', isRight: true },
      { gold: "12", response: "13", isRight: false },
      { gold: "red, green" },
    ];
    expect(
      readAuditPairs(
        '{"gold": "5 cm", "response": "It is \\"5\\", or 5 cm", "label": 1}\n\n{"gold": 12, "response": "13", "label": "wrong"}\r\n{"gold": "red, green"}\n',
        "a.jsonl",
      ),
    ).toEqual(pairs);
    expect(
      readAuditPairs(
        '\uFEFFgold,response,label\r\n5 cm,"It is ""5"", or 5 cm",true\n12,13,0\n"red, green",,\n',
        "a.csv",
      ),
    ).toEqual(pairs);
    expect(readAuditPairs('[{"gold": "5 cm"}, "12", 13]', "a.json")).toEqual([
      { gold: "5 cm" },
      { gold: "12" },
      { gold: "13" },
    ]);
  });

  it("knows the names and forms of other data", () => {
    expect(
      readAuditPairs(
        [
          {
            reward_model: { ground_truth: "4", verifier_parm: { tolerance: 0 } },
            prompt: [{ role: "user", content: "q" }],
          },
          {
            solution: [{ role: "assistant", content: [{ type: "text", text: "4" }] }],
            completion: [{ role: "assistant", content: "4" }],
            correct: true,
          },
          { question: "2+2?", answer: "4", params: '{"type": "code"}' },
        ]
          .map((row) => JSON.stringify(row))
          .join("\n"),
        "a.jsonl",
      ),
    ).toEqual([
      { gold: "4", params: { tolerance: 0 } },
      { gold: "4", response: "4", isRight: true },
      { gold: "4", prompt: "2+2?", params: { type: "code" } },
    ]);
  });

  it("keeps lines that are in quotes", () => {
    expect(readAuditPairs('gold,response\n4,"a\nb"\n5,c', "a.csv")).toEqual([
      { gold: "4", response: "a\nb" },
      { gold: "5", response: "c" },
    ]);
  });

  it.each([
    ['{"gold": "4"}\n{gold: 4}', "a.jsonl", /not JSON[^]*a\.jsonl:2/],
    ['{"gold": "4"}\n{"glod": "4"}', "a.jsonl", /no gold answer[^]*a\.jsonl:2[^]*glod[^]*did you mean gold\?/],
    ['{"foo": 1, "bar": 2}', "a.jsonl", /the columns foo, bar[^]*rename the column/],
    ["{}", "a.jsonl", /no columns/],
    ["[1]", "a.jsonl", /not a row/],
    ['{"gold": "4"}', "a.json", /not a list/],
    ['{"gold": "4", "response": "4", "label": "maybe"}', "a.jsonl", /neither right nor wrong[^]*maybe/],
    ['{"gold": ["A", "B"]}', "a.jsonl", /a\.jsonl:1, gold/],
    ['{"gold": "4", "response": [{"type": "hologram"}]}', "a.jsonl", /hologram/],
    ['{"gold": "4", "params": 3}', "a.jsonl", /params of a row cannot be used/],
    ["gold,response\n4", "a.csv", /another number of fields[^]*a\.csv:2[^]*2 fields \(gold, response\)/],
    ['gold\n"4', "a.csv", /quoted field cannot be read[^]*a\.csv:2/],
    ['gold\n"4"x', "a.csv", /quoted field cannot be read/],
    ["question\n4", "a.csv", /no gold answer/],
    ["", "a.csv", /no rows/],
    ["gold\n", "a.csv", /no rows/],
    ["\n", "a.jsonl", /no rows/],
    ["[]", "a.json", /no rows/],
    ["4", "a.parquet", /format of the pairs is not known[^]*\.jsonl, \.json or \.csv/],
  ])("says what is wrong with %j in %s", (text, name, message) => {
    expect(() => readAuditPairs(text, name)).toThrow(message);
  });
});

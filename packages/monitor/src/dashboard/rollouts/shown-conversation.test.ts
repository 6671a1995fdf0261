import { expect, it } from "vitest";
import { shownConversation } from "./shown-conversation";

it("shows turns, calls, boxes and pictures of a stored conversation", () => {
  const stored = {
    end: "over-turn",
    turns: [
      {
        text: "<tool_call>..</tool_call>",
        tokens: 14,
        shownTokens: 22,
        calls: [
          {
            tool: "crop",
            arguments: { bbox_2d: [1, 2, 3, 4] },
            text: "",
            lookedAt: { picture: 0, box: [0, 0, 500, 500] },
            pictures: [{ width: 84, height: 56, image: 1 }],
          },
          { tool: "", text: "error: the call is no JSON object", fault: "the call is no JSON object", pictures: [] },
        ],
      },
    ],
  };
  expect(shownConversation(JSON.stringify(stored), '["AAAA","QUJD"]')).toEqual({
    end: "over-turn",
    turns: [
      {
        text: "<tool_call>..</tool_call>",
        tokens: 14,
        shownTokens: 22,
        calls: [
          {
            tool: "crop",
            arguments: '{"bbox_2d":[1,2,3,4]}',
            text: "",
            failed: false,
            lookedAt: { picture: 0, box: [0, 0, 500, 500] },
            pictures: [{ width: 84, height: 56, source: "data:image/png;base64,QUJD" }],
          },
          {
            tool: "",
            arguments: "null",
            text: "error: the call is no JSON object",
            failed: true,
            lookedAt: null,
            pictures: [],
          },
        ],
      },
    ],
  });
});

it("shows nothing of a file without conversations, or with something else in the column", () => {
  for (const column of [null, undefined, "", "[]", "{}", "not json", '{"turns": 3}', 7])
    expect(shownConversation(column, null)).toBeNull();
  // A picture that was too large has no source.
  const turns = [
    { calls: [{ pictures: [{ width: 9000, height: 9000, image: 0 }], lookedAt: { picture: 0, box: ["a"] } }] },
  ];
  const [turn] = shownConversation(JSON.stringify({ turns }), "[null]")!.turns;
  expect(turn!.calls[0]).toMatchObject({ lookedAt: null, pictures: [{ source: null }] });
});

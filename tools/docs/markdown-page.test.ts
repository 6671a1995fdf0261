import { expect, it } from "vitest";
import { anchorsOf, commandsOf, linksOf, proseWords } from "./markdown-page";

it("reads links outside of code, with their lines", () => {
  const page = "See [a](a.md#b).\n\n```md\n[no](no.md)\n```\n\n    [no](no.md)\n\n`[no](no.md)` ![p](p.png)\n";
  expect(linksOf(page)).toEqual([
    { line: 1, target: "a.md#b" },
    { line: 9, target: "p.png" },
  ]);
});

it("makes the anchors that GitHub makes", () => {
  expect([...anchorsOf("# A `b`: c, d?\n## Same\n## Same\n```\n# no\n```\n### [Link](x.md) text\n")]).toEqual([
    "a-b-c-d",
    "same",
    "same-1",
    "link-text",
  ]);
});

it("reads commands without their comments and what they are piped into", () => {
  const page = "    npx v-triune train 'my run' --set a=b   # text\nv-triune judge --gold 4 | head\nnpm test\n";
  expect(commandsOf(page)).toEqual([
    { line: 1, words: ["train", "my run", "--set", "a=b"] },
    { line: 2, words: ["judge", "--gold", "4"] },
  ]);
});

it("reads plain words of the prose only", () => {
  const page = "The model's `code` maxNewTokens a/b x.ts GRPO 3B [text](link.md) https://x.org\n";
  expect(proseWords(page).map(({ word }) => word)).toEqual(["The", "model's", "text"]);
});

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { ContentError, IGNORED_KINDS, isContentParts, promptText, responseText } from "./content-text";

interface ContentCase {
  readonly name: string;
  readonly content: unknown;
  readonly text?: string;
  readonly ignored?: Readonly<Record<string, number>>;
  /** Where the error is, from the content. */
  readonly error?: string;
  readonly found?: string;
}
const cases = JSON.parse(readFileSync(resolve(import.meta.dirname, "content-cases.json"), "utf8")) as ContentCase[];

describe("responseText", () => {
  it.each(cases.filter(({ error }) => error === undefined))("reads $name", ({ content, text, ignored = {} }) => {
    const counts: Record<string, number> = {};
    const onIgnoredPart = (kind: string) => void (counts[kind] = (counts[kind] ?? 0) + 1);
    expect(responseText(content, "response", { onIgnoredPart })).toBe(text);
    expect(counts).toEqual(ignored);
  });

  it.each(cases.filter(({ error }) => error !== undefined))("refuses $name", ({ content, error, found }) => {
    expect(() => responseText(content, "response")).toThrow(
      expect.objectContaining({ name: "ContentError", where: `response${error}`, found }) as ContentError,
    );
  });

  it("leaves out every kind of picture, sound and call by its name", () => {
    expect(responseText([...IGNORED_KINDS.map((type) => ({ type })), "a"], "response")).toBe("a");
  });
});

describe("promptText", () => {
  it("is the text of all messages", () => {
    const prompt = [
      { role: "system", content: "s" },
      { role: "user", content: [{ type: "image" }, { type: "text", text: "q" }] },
    ];
    expect(promptText(prompt, "prompt")).toBe("s\nq");
    expect(promptText("q", "prompt")).toBe("q");
  });
});

describe("isContentParts", () => {
  it("tells content from a list of answers or boxes", () => {
    expect(isContentParts([{ type: "text", text: "4" }])).toBe(true);
    expect(isContentParts([{ role: "assistant", content: "4" }])).toBe(true);
    for (const other of [[], ["A", "B"], [{ bbox_2d: [1, 2, 3, 4], label: "cat" }], "4", null, { type: "text" }])
      expect(isContentParts(other)).toBe(false);
  });
});

import { describe, expect, it } from "vitest";
import { REFLECTION_WORDS, countReflectionWords } from "./reflection-words";

const found = (text: string): string[] => REFLECTION_WORDS.filter((_, i) => (countReflectionWords(text)?.[i] ?? 0) > 0);

describe("countReflectionWords", () => {
  it("knows the 15 words, each by itself and in capitals", () => {
    expect(REFLECTION_WORDS).toHaveLength(15);
    for (const word of REFLECTION_WORDS) {
      expect(found(`so ${word}, then`)).toContain(word);
      expect(found(word.toUpperCase())).toContain(word);
    }
  });

  it("does not find words inside words", () => {
    expect(countReflectionWords("The waiter saw a yeti, unverifyable; prerecheck, reexamined.")).toBeNull();
  });

  it("finds phrases across a line break and counts overlaps for each", () => {
    expect(found("let me check\nagain")).toEqual(["check again"]);
    expect(found("re-check again")).toEqual(["re-check", "check again"]);
    expect(countReflectionWords("wait, wait")![REFLECTION_WORDS.indexOf("wait")]).toBe(2);
  });
});

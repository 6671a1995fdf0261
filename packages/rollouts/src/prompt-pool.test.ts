import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@v-triune/errors";
import { afterAll, describe, expect, it } from "vitest";
import { loadPromptPool } from "./load-prompt-pool";
import { appendPromptSentences, builtInPromptPool, promptForm } from "./prompt-pool";
import { createRandom } from "./seeded-random";

const folder = mkdtempSync(join(tmpdir(), "v-triune-pool-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the built-in pool", () => {
  it("has ten different sentences of each kind", () => {
    for (const { think, answer } of Object.values(builtInPromptPool)) {
      expect(new Set(think).size).toBe(10);
      expect(new Set(answer).size).toBe(10);
      // Each is a whole sentence: none of them runs into the next.
      for (const sentence of [...think, ...answer]) expect(sentence).toMatch(/^[A-Z].*\.$/);
    }
  });

  it("asks for the box in both forms, and for the tags in the tagged one only", () => {
    for (const sentence of builtInPromptPool.free.answer) expect(sentence).toContain("\\boxed{");
    for (const sentence of builtInPromptPool.free.think.concat(builtInPromptPool.free.answer))
      expect(sentence).not.toContain("<");
    for (const sentence of builtInPromptPool.tagged.think) expect(sentence).toContain("<think>");
    for (const sentence of builtInPromptPool.tagged.answer)
      expect(sentence).toMatch(/<answer>.*\\boxed\{|\\boxed\{.*<answer>|<answer> block.*\\boxed\{/);
  });
});

describe("appendPromptSentences", () => {
  it("repeats itself for a seed and uses every sentence in the long run", () => {
    const draw = (seed: number): string[] => {
      const random = createRandom(seed);
      return Array.from({ length: 300 }, () => appendPromptSentences("How many?", "free", builtInPromptPool, random));
    };
    const prompts = draw(3);
    expect(draw(3)).toEqual(prompts);
    expect(draw(4)).not.toEqual(prompts);
    for (const sentence of [...builtInPromptPool.free.think, ...builtInPromptPool.free.answer]) {
      expect(prompts.some((prompt) => prompt.includes(sentence))).toBe(true);
    }
    expect(prompts[0]).toMatch(/^How many\?\n[^\n]+$/);
  });
});

describe("promptForm", () => {
  it("follows the verifier and the sample's format ratio", () => {
    expect(promptForm({ verifier: "mathverify", formatRatio: 0 })).toBe("free");
    expect(promptForm({ verifier: "mathverify", formatRatio: 0.1 })).toBe("tagged");
    expect(promptForm({ verifier: "detection", formatRatio: 0.1 })).toBeNull();
  });
});

describe("loadPromptPool", () => {
  it("takes a form from a file and keeps the other", async () => {
    const path = join(folder, "pool.yaml");
    writeFileSync(path, "free:\n  think: [Think.]\n  answer: ['Box it: \\boxed{}.']\n");
    const pool = await loadPromptPool(path);
    expect(appendPromptSentences("Q", "free", pool, createRandom(1))).toBe("Q\nThink. Box it: \\boxed{}.");
    expect(pool.tagged).toBe(builtInPromptPool.tagged);
  });

  it("refuses a missing file, text that is not YAML, empty lists and unknown keys", async () => {
    await expect(loadPromptPool(join(folder, "none"))).rejects.toBeInstanceOf(ConfigError);
    for (const text of ["free: [", "free: {think: [], answer: [a]}", "freeform: {think: [a], answer: [b]}", "3"]) {
      writeFileSync(join(folder, "bad.yaml"), text);
      await expect(loadPromptPool(join(folder, "bad.yaml"))).rejects.toBeInstanceOf(ConfigError);
    }
  });
});

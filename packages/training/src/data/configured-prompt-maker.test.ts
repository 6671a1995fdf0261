import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { heldOutQuestions, toSample, writeDemoModelFolder } from "@v-triune/demo-tasks";
import { ConfigError } from "@v-triune/errors";
import { createProcessor, PromptError, type Processor } from "@v-triune/policy";
import { createRandom, type PromptMaker } from "@v-triune/rollouts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { configuredPromptMaker } from "./configured-prompt-maker";

const folder = mkdtempSync(join(tmpdir(), "v-triune-prompts-"));
let processor: Processor;
beforeAll(async () => {
  await writeDemoModelFolder(folder);
  processor = createProcessor(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const maker = (maxNewTokens: number, context?: number, maxPromptTokens: number | null = null) =>
  configuredPromptMaker(
    { promptPool: { enabled: false, file: null }, rollout: { maxPromptTokens, maxNewTokens } },
    processor,
    context,
  );
const { source, question } = heldOutQuestions(1)[0]!;
const lengthBy = async (makePrompt: PromptMaker): Promise<number> =>
  (await makePrompt(await toSample(source, "q", question), "q", createRandom(1))).promptIds.length;

it("refuses the prompt that leaves no room for the new tokens, and no other", async () => {
  const length = await lengthBy(await maker(16));
  expect(await lengthBy(await maker(16, length + 16))).toBe(length);
  await expect(lengthBy(await maker(17, length + 16))).rejects.toThrow(PromptError);
  await expect(lengthBy(await maker(17, length + 16))).rejects.toThrow(`at most ${length - 1} tokens`);
});

it("keeps the configured limit where it is the smaller one", async () => {
  const length = await lengthBy(await maker(16));
  await expect(lengthBy(await maker(16, 1000, length - 1))).rejects.toThrow(`at most ${length - 1} tokens`);
  expect(await lengthBy(await maker(16, 1000, length))).toBe(length);
});

it("refuses answers that take all of the context, before any prompt", async () => {
  await expect(maker(256, 256)).rejects.toThrow(ConfigError);
  await expect(maker(256, 256)).rejects.toThrow("128 new tokens");
  await expect(maker(255, 256)).resolves.toBeTypeOf("function");
});

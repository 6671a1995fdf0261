/** The warm start's rows are what training makes of the same conversation. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  drawPractice,
  drawZoomQuestion,
  storedSize,
  writeDemoModelFolder,
  zoomModelFolder,
} from "@v-triune/demo-tasks";
import { createProcessor, encodePng } from "@v-triune/policy";
import { type PreparedPrompt, createRandom } from "@v-triune/rollouts";
import { CALL_LIMITS, Conversations, callForm, createCropTool } from "@v-triune/rollouts/tools";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { practiceRowMaker, seenPicture, zoomStages } from "./zoom-warm-start";

const folder = mkdtempSync(join(tmpdir(), "v-triune-zoom-"));
const END = 2;
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => writeDemoModelFolder(folder, zoomModelFolder));

describe("the warm start of demo --zoom", () => {
  it("sees pictures as the image processor resizes them", () => {
    const { imageProcessor } = createProcessor(folder);
    const random = createRandom(5);
    for (const [size, count] of [
      ["tiny", 1],
      ["tiny", 3],
      ["easy", 1],
    ] as const) {
      const question = drawZoomQuestion(size, random, count);
      const stored = { width: storedSize, height: storedSize, data: question.pixels };
      const [whole, parts] = [stored, seenPicture(question)].map((picture) => imageProcessor.processDecoded([picture]));
      expect(parts!.gridThw).toEqual([[1, 6, 6]]);
      expect(Buffer.from(parts!.pixelValues.buffer).equals(Buffer.from(whole!.pixelValues.buffer))).toBe(true);
    }
  });

  it("has calls and observations as the trainer has them, and learns only what is written", async () => {
    const processor = createProcessor(folder);
    const practice = drawPractice("retry", createRandom(3));
    const row = await practiceRowMaker(processor, END)(practice);
    const turns = [...row.completionIds.entries()].filter(([at]) => row.responseMask![at] === 1).map(([, id]) => id);
    const ends = turns.flatMap((id, at) => (id === END ? [at + 1] : []));
    expect(ends).toHaveLength(3);
    const png = await encodePng({ width: storedSize, height: storedSize, data: practice.question.pixels });
    const prompt = { id: "one", sample: { images: [{ bytes: png, path: null }] } } as unknown as PreparedPrompt;
    const crop = createCropTool({ boxes: "resized-pixels", square: true, notes: false });
    const rules = {
      maxTurns: 3,
      tools: [crop],
      form: callForm("hermes"),
      maxShownTokens: 500,
      maxShownPixels: null,
      maxCalls: 1,
    };
    const conversations = new Conversations([prompt], { ...rules, limits: CALL_LIMITS }, processor);
    const ids: number[] = [];
    for (const [turn, end] of ends.entries()) {
      const tokenIds = Int32Array.from(turns.slice(ends[turn - 1] ?? 0, end));
      const next = await conversations.nextTurn({ promptIndex: 0, sampleIndex: 0, turn, tokenIds });
      ids.push(...tokenIds, ...(next?.tokenIds ?? []));
      const [shown, learned] = [next?.pictures?.[0], row.observations?.[turn]].map((input) =>
        Buffer.from(input?.pixelValues.buffer ?? new ArrayBuffer()),
      );
      expect(shown!.length).toBe(turn < 2 ? 4 * 36 * 1176 : 0);
      expect(shown!.equals(learned!)).toBe(true);
    }
    expect([...row.completionIds]).toEqual(ids);
  });

  it("has shares that add up", () => {
    for (const { shares } of zoomStages)
      expect(Object.values(shares).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
  });
});

import type { VlmConfig } from "@v-triune/policy";
import type { PreparedPrompt, SamplingRequest } from "@v-triune/rollouts";
import { describe, expect, it } from "vitest";
import { answeringSeconds, measureEvaluation } from "./measure-evaluation";

const request = (n: number, maxNewTokens: number): SamplingRequest => ({
  n,
  maxNewTokens,
  temperature: 0,
  topP: 1,
  topK: null,
  seed: 1,
});
const prompts = (count: number): PreparedPrompt[] =>
  Array.from({ length: count }, () => ({ promptIds: Int32Array.of(1, 2) }) as PreparedPrompt);
const architecture = { text: { vocabSize: 600 } } as VlmConfig;

describe("an evaluation", () => {
  it.each([
    ["all of its 12 samples are asked", 12, 3 * 4],
    ["6 of 90 are asked, and the sets are opened once", 90, 6],
  ])("takes what opening its sets and each sample take: %s", async (_, evaluated, most) => {
    // Three sources; a clock by which opening takes 5 s, a sample 2 s and an answer 100 s.
    let now = 0;
    const asked: number[] = [];
    const { around, shape } = await measureEvaluation({
      trial: {
        async evaluate(engine, samplesPerSource) {
          const count = 3 * samplesPerSource;
          asked.push(count);
          now += 5 + 2 * count;
          let answers = 0;
          for await (const { tokenIds } of engine.generate(prompts(count), request(2, 30)))
            answers += tokenIds.length / 30;
          expect(answers).toBe(2 * count);
          return count;
        },
      },
      evaluated,
      most,
      decoded: { tokens: 50, extended: 0, beyond: 0 },
      architecture,
      clock: () => now,
      generate: async (given, wanted, decoded) => {
        expect(decoded.tokens).toBe(29);
        now += 100 * given.length * wanted.n;
        return { prefill: 1, token: 1 };
      },
    });
    expect(asked).toEqual([3, most, 3]);
    expect(shape.prompts).toHaveLength(most);
    expect(around).toBeCloseTo(5 + 2 * evaluated, 9);
  });

  it.each([
    // 8 of 8 answers, 9 tokens after the first: as it was measured.
    { evaluated: 8, measured: 8, seconds: 4 + 9 * 1 },
    // 32 answers at once: 0.5 s a token and 1/16 s for each of the rows, as 8 rows take 1 s and 40 take 3 s.
    { evaluated: 32, measured: 8, seconds: 16 + 9 * (0.5 + 32 / 16) },
    // 128 at once, three times.
    { evaluated: 300, measured: 8, seconds: 150 + 3 * 9 * (0.5 + 128 / 16) },
  ])("decodes 128 prompts at once: $evaluated", ({ evaluated, measured, seconds }) => {
    const shape = {
      prompts: prompts(measured),
      request: request(1, 10),
      decoded: { tokens: 9, extended: 0, beyond: 0 },
    };
    const found = answeringSeconds(evaluated, shape, { prefill: 4, token: 1 }, { rows: 40, token: 3 });
    expect(found).toBeCloseTo(seconds, 9);
  });
});

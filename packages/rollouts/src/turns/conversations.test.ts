import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Processor,
  type RgbImage,
  assembleProcessor,
  createChatTemplate,
  createImageProcessor,
  encodePng,
  loadTokenizer,
} from "@v-triune/policy";
import type { RewardSource } from "@v-triune/rewards";
import type { Sample } from "@v-triune/schema";
import { describe, expect, it } from "vitest";
import { type Rollout, collectRollouts } from "../collect-rollouts";
import type { PreparedPrompt } from "../prepared-prompt";
import type { RolloutEngine } from "../rollout-engine";
import { CALL_LIMITS } from "../tools/call-tool";
import type { Tool } from "../tools/tool";
import { callForm } from "./call-form";
import { Conversations, type TurnRules } from "./conversations";

const goldens = join(import.meta.dirname, "../../../../tools/goldens");
interface Golden {
  readonly processor: { readonly minPixels: number; readonly maxPixels: number };
  readonly question: string;
  readonly maxTurns: number;
  readonly prompt: readonly number[];
  readonly conversations: readonly {
    readonly turns: readonly (readonly number[])[];
    readonly ids: readonly number[];
    readonly mask: readonly number[];
    readonly pictures: readonly (readonly [number, number])[];
  }[];
}
const golden = JSON.parse(readFileSync(join(goldens, "tool_loop/cases.json"), "utf8")) as Golden;
const processor: Processor = assembleProcessor(
  loadTokenizer(join(goldens, "tokenizer")),
  createChatTemplate(readFileSync(join(goldens, "tool_loop/chat_template.jinja"), "utf8")),
  createImageProcessor(golden.processor),
);

const plain = (width: number, height: number, color: readonly [number, number, number]): RgbImage => ({
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => color[i % 3]!),
});
const anything = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;
const look: Tool = {
  name: "look",
  description: "",
  schema: anything,
  parameters: {},
  call(args) {
    const [x1, y1, x2, y2] = (args as { readonly box: readonly [number, number, number, number] }).box;
    const [width, height] = [x2 - x1, y2 - y1];
    return { text: `${width} x ${height}`, pictures: [plain(2 * width, 2 * height, [width, height, 90])] };
  },
};
const tell: Tool = { ...look, name: "tell", call: () => ({ text: "the answer is 7, 三" }) };
const rules: TurnRules = {
  maxTurns: golden.maxTurns,
  tools: [look, tell],
  form: callForm("hermes"),
  maxShownTokens: 1000,
  maxShownPixels: null,
  maxCalls: null,
  limits: CALL_LIMITS,
};

async function preparedPrompt(): Promise<PreparedPrompt> {
  const messages = [
    { role: "user", content: [{ type: "image" as const }, { type: "text" as const, text: golden.question }] },
  ];
  const png = await encodePng(plain(84, 56, [200, 10, 10]));
  const { text, promptIds, images } = await processor.encode(messages, [png]);
  const sample = {
    images: [{ bytes: png, path: null }],
    prompt: [{ role: "user", content: `<image>${golden.question}` }],
    data_source: "test",
    extra_info: { image_path: "" },
    reward_model: { verifier: "answer", ground_truth: "7", verifier_parm: {}, accuracy_ratio: 1, format_ratio: 0 },
  } as unknown as Sample;
  return { id: "test/1", sample, messages, text, promptIds, images: images! };
}

const rewards = {
  async *score(requests: AsyncIterable<{ readonly response: string }>) {
    let index = 0;
    for await (const { response } of requests) yield { index: index++, status: "skipped", reason: response };
  },
} as unknown as RewardSource;

type Script = readonly (readonly number[])[];
const logProbs = (ids: ArrayLike<number>): Float32Array => Float32Array.from({ length: ids.length }, (_, t) => -1 - t);

/** Answers each prompt with the turns of its script, and goes on by itself. */
function continuingEngine(scripts: readonly Script[]): RolloutEngine {
  return {
    name: "a script that goes on",
    continuesTurns: true,
    async *generate(prompts, { nextTurn }) {
      for (const promptIndex of prompts.keys()) {
        const turns = [];
        for (const [turn, ids] of scripts[promptIndex]!.entries()) {
          const own = { tokenIds: Int32Array.from(ids), logProbs: logProbs(ids) };
          const continuation = await nextTurn!({ promptIndex, sampleIndex: 0, turn, tokenIds: own.tokenIds });
          turns.push({ ...own, ...(continuation ? { continuation } : {}) });
          if (!continuation) break;
        }
        const tokenIds = Int32Array.from(turns.flatMap((turn) => [...turn.tokenIds]));
        yield { promptIndex, sampleIndex: 0, tokenIds, finishReason: "stop", turns };
      }
    },
  };
}

/** Answers one turn at a time, by how many turns the prompt has, and keeps what it was asked. */
function turnByTurnEngine(scripts: readonly Script[], asked: PreparedPrompt[] = []): RolloutEngine {
  return {
    name: "a script of single turns",
    async *generate(prompts) {
      // Last first: the order of answers decides nothing.
      for (const promptIndex of [...prompts.keys()].reverse()) {
        const prompt = prompts[promptIndex]!;
        asked.push(prompt);
        const which = Number(prompt.id.split("/")[1]);
        const turn = prompt.messages.filter(({ role }) => role === "assistant").length;
        const ids = scripts[which]![turn]!;
        yield {
          promptIndex,
          sampleIndex: 0,
          tokenIds: Int32Array.from(ids),
          logProbs: logProbs(ids),
          finishReason: "stop",
        };
      }
    },
  };
}

async function rolloutsOf(
  engine: RolloutEngine,
  count: number,
  change: Partial<TurnRules> = {},
): Promise<readonly Rollout[]> {
  const prompt = await preparedPrompt();
  const prompts = Array.from({ length: count }, (_, index) => ({ ...prompt, id: `test/${index}` }));
  const { rollouts } = await collectRollouts(prompts, {
    engine,
    rewards,
    request: { n: 1, temperature: 1, topP: 1, topK: null, maxNewTokens: 500, seed: 1 },
    processor,
    context: { epsilon: 0.5, training: true, ratios: { accuracyRatio: null, formatRatio: null } },
    turns: { follow: (asked) => new Conversations(asked, { ...rules, ...change }, processor) },
  });
  return rollouts;
}

const scripts = golden.conversations.map(({ turns }) => turns);

describe("conversations", () => {
  it.each([
    ["an engine that goes on", continuingEngine],
    ["an engine of single turns", turnByTurnEngine],
  ])("have the token streams and masks of TRL's tool loop, by %s", async (_, engine) => {
    const rollouts = await rolloutsOf(engine(scripts), scripts.length);
    expect([...rollouts[0]!.prompt.promptIds]).toEqual(golden.prompt);
    for (const [index, { ids, mask, pictures, turns }] of golden.conversations.entries()) {
      const rollout = rollouts[index]!;
      expect([...rollout.completionIds]).toEqual(ids);
      expect([...rollout.responseMask!]).toEqual(mask);
      expect(rollout.conversation!.turns.flatMap(({ calls }) => calls.flatMap((call) => call.pictures))).toMatchObject(
        pictures.map(([width, height]) => ({ width, height })),
      );
      expect([...rollout.rolloutLogProbs!].filter((_, t) => mask[t] === 1)).toEqual(
        turns.flatMap((turn) => [...logProbs(turn)]),
      );
      expect(rollout.generatedTokens).toBe(turns.flat().length);
    }
    expect(rollouts.map(({ conversation }) => conversation!.end)).toEqual(["answer", "answer", "answer", "over-turn"]);
    // The last turn is what is judged.
    expect(rollouts[0]!.response).toBe("<answer>7</answer>");
  });

  it("ask servers with the conversation so far, its pictures, and the same tokens", async () => {
    const asked: PreparedPrompt[] = [];
    const [rollout] = await rolloutsOf(turnByTurnEngine(scripts, asked), 1);
    const last = asked.at(-1)!;
    const shown = [...rollout!.prompt.promptIds, ...rollout!.completionIds];
    expect([...last.promptIds]).toEqual(shown.slice(0, last.promptIds.length));
    expect(last.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant", "tool"]);
    expect(last.sample.images).toHaveLength(3);
    expect(last.images!.gridThw).toHaveLength(3);
    // Rendered and expanded again, the text gives the ids.
    expect([...processor.encodeProcessed(last.text, last.images as never).promptIds]).toEqual([...last.promptIds]);
  });

  it("take out placeholders that the model writes itself, also in the middle of a conversation", async () => {
    const [first, ...rest] = scripts[0]!;
    const stray = [
      [processor.imageTokenId, ...first!.slice(0, 3), processor.imageTokenId, ...first!.slice(3)],
      ...rest,
    ];
    for (const engine of [continuingEngine, turnByTurnEngine]) {
      const [rollout] = await rolloutsOf(engine([stray]), 1);
      expect([...rollout!.completionIds]).toEqual(golden.conversations[0]!.ids);
      expect([...rollout!.responseMask!]).toEqual(golden.conversations[0]!.mask);
      expect(rollout!.strippedTokens).toBe(2);
    }
  });

  it("end where observations have used up their tokens, and show no picture beyond the pixels", async () => {
    const [short] = await rolloutsOf(continuingEngine(scripts), 1, { maxShownTokens: 30 });
    expect(short!.conversation).toMatchObject({ end: "budget", turns: [{ shownTokens: 0 }] });
    expect([...short!.completionIds]).toEqual(scripts[0]![0]);
    const [few] = await rolloutsOf(continuingEngine(scripts), 1, { maxShownPixels: 112 * 112 });
    const calls = few!.conversation!.turns.flatMap((turn) => turn.calls);
    expect(calls.map(({ fault }) => fault)).toEqual([undefined, "no further picture can be shown"]);
    expect(few!.observations).toHaveLength(1);
  });

  it("make the first calls of a turn, and one fault of all others", async () => {
    const call = '<tool_call>{"name": "tell", "arguments": {}}</tool_call>';
    const spam = [...processor.tokenizer.encode(call.repeat(5)), scripts[1]![0]!.at(-1)!];
    const [rollout] = await rolloutsOf(continuingEngine([[spam, scripts[0]!.at(-1)!]]), 1, { maxCalls: 2 });
    expect(rollout!.conversation!.turns[0]!.calls.map(({ text }) => text)).toEqual([
      "the answer is 7, 三",
      "the answer is 7, 三",
      "error: at most 2 calls per turn are made; left out: 3",
    ]);
  });

  it("show the reason where a call cannot be read or its tool is unknown", async () => {
    const end = scripts[1]![0]!.at(-1)!;
    const turn = (text: string): number[] => [...processor.tokenizer.encode(text), end];
    const bad = [
      turn('<tool_call>{"name": "look", "arguments": {"box": [1, 2</tool_call>'),
      turn('<tool_call>{"name": "zoom", "arguments": {}}</tool_call>'),
      turn('<tool_call>{"name": "look"'),
      turn("<answer>7</answer>"),
    ];
    const [rollout] = await rolloutsOf(continuingEngine([bad]), 1, { maxTurns: 6 });
    expect(rollout!.conversation!.turns.map(({ calls }) => calls.map(({ text }) => text))).toEqual([
      ["error: the call is no JSON object"],
      ["error: unknown tool; known: look, tell"],
      ["error: the call has no </tool_call>"],
      [],
    ]);
  });
});

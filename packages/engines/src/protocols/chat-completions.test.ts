import { describe, expect, it } from "vitest";
import { chatCompletion } from "./chat-completions";
import type { GenerationTask } from "./generation-task";
import { sglangGenerate } from "./sglang-generate";

const task: GenerationTask = {
  prompt: {
    id: "s/1",
    text: "<|vision_start|><|image_pad|><|vision_end|>How many?",
    promptIds: Int32Array.of(1, 2),
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "image" }, { type: "text", text: "How many?" }] },
    ],
  },
  samples: 2,
  temperature: 0.8,
  topP: 0.9,
  topK: null,
  maxNewTokens: 64,
  seed: 5,
  model: "m",
};
const request = (kind: "vllm" | "transformers" | "llama.cpp" | "openai", change: Partial<GenerationTask> = {}) =>
  chatCompletion({ ...task, ...change }, ["data:image/png;base64,AA=="], { kind, endTokenIds: [2, 3], several: true });
const event = (delta: object, more: object = {}) => ({
  model: "/w/run-step-000002@main",
  choices: [{ delta, index: 0, ...more }],
});

describe("chatCompletion", () => {
  it("puts pictures in their places and says all that shapes the distribution", () => {
    expect(request("vllm").body).toEqual({
      model: "m",
      messages: [
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
            { type: "text", text: "How many?" },
          ],
        },
      ],
      max_tokens: 64,
      temperature: 0.8,
      top_p: 0.9,
      seed: 5,
      n: 2,
      top_k: -1,
      min_p: 0,
      repetition_penalty: 1,
      logprobs: true,
      top_logprobs: 0,
      return_token_ids: true,
      return_tokens_as_token_ids: true,
    });
    expect(request("llama.cpp", { topK: 20 }).body).toMatchObject({
      top_k: 20,
      min_p: 0,
      repeat_penalty: 1,
      reasoning_format: "none",
    });
    expect(Object.keys(request("openai").body)).toEqual([
      "model",
      "messages",
      "max_tokens",
      "temperature",
      "top_p",
      "seed",
      "n",
    ]);
    const asked = (change: Partial<GenerationTask>) =>
      JSON.parse(request("transformers", change).body["generation_config"] as string) as object;
    expect(asked({})).toEqual({
      do_sample: true,
      temperature: 0.8,
      top_p: 0.9,
      top_k: 0,
      max_new_tokens: 64,
      repetition_penalty: 1,
      eos_token_id: [2, 3],
      pad_token_id: 2,
    });
    expect(asked({ temperature: 0 })).toMatchObject({ do_sample: false });
  });

  it("reads token ids, or the log-probabilities' tokens where they are spelt as ids", () => {
    const choice = {
      index: 0,
      message: { content: "four" },
      finish_reason: "stop",
      logprobs: {
        content: [
          { token: "token_id:42", logprob: -0.25 },
          { token: "token_id:2", logprob: -0.5 },
        ],
      },
    };
    const reply = (more: object) =>
      request("vllm").read({
        model: "m",
        choices: [{ ...choice, ...more }],
        usage: { prompt_tokens: 9, completion_tokens: 2 },
      });
    for (const more of [{}, { token_ids: [42, 2] }]) {
      expect(reply(more)).toEqual({
        answers: [
          {
            text: "four",
            finishReason: "stop",
            tokenIds: Int32Array.of(42, 2),
            logProbs: Float32Array.of(-0.25, -0.5),
          },
        ],
        promptTokens: 9,
        completionTokens: 2,
        weights: "m",
      });
    }
    // Without ids nobody can say whose the log-probabilities are.
    expect(reply({ logprobs: { content: [{ token: "four", logprob: -0.25 }] } }).answers).toEqual([
      { text: "four", finishReason: "stop" },
    ]);
  });

  it.each<[string, unknown, string]>([
    ["null", null, "null for token 2 of 2"],
    ["nothing", undefined, "nothing for token 2 of 2"],
    ["a text", "-0.5", '"-0.5" for token 2 of 2'],
    ["NaN as a text", "NaN", '"NaN" for token 2 of 2'],
    ["vLLM's -infinity", -9999, "-9999 for token 2 of 2"],
    ["a probability above 1", 0.7, "0.7 for token 2 of 2"],
  ])("leaves out log-probabilities that are no numbers: %s", (_, logprob, fault) => {
    const tokens = [
      { token: "token_id:42", logprob: -0.25 },
      { token: "token_id:2", logprob },
    ];
    const chat = request("vllm").read({
      choices: [{ message: { content: "four" }, finish_reason: "stop", logprobs: { content: tokens } }],
    });
    const native = sglangGenerate(task, []).read({
      text: "four",
      meta_info: {
        finish_reason: "stop",
        output_token_logprobs: [
          [-0.25, 42, null],
          [logprob, 2, null],
        ],
      },
    });
    for (const { answers } of [chat, native])
      expect(answers).toEqual([
        { text: "four", finishReason: "stop", tokenIds: Int32Array.of(42, 2), logProbsFault: fault },
      ]);
  });

  it("takes a log-probability that rounding put above 0 for 0", () => {
    const content = [{ token: "token_id:2", logprob: 1e-6 }];
    const { answers } = request("vllm").read({
      choices: [{ message: { content: "" }, finish_reason: "stop", logprobs: { content } }],
    });
    expect(answers[0]?.logProbs).toEqual(Float32Array.of(0));
  });

  it.each<[string, unknown, string]>([
    [
      "text parts",
      [
        { type: "text", text: "fo" },
        { type: "output_text", text: "ur" },
      ],
      "four",
    ],
    ["plain strings", ["fo", "ur"], "four"],
    [
      "thoughts in parts",
      [
        { type: "thinking", thinking: [{ type: "text", text: "hm" }] },
        { type: "text", text: "four" },
      ],
      "<think>hm</think>four",
    ],
    ["a refusal", [{ type: "refusal", refusal: "No." }], "No."],
    ["null", null, ""],
  ])("reads content that is %s", (_, content, text) => {
    const reply = request("openai").read({ choices: [{ message: { content }, finish_reason: "stop" }] });
    expect(reply.answers).toEqual([{ text, finishReason: "stop" }]);
    const streamed = request("transformers").read([event({ content }), event({}, { finish_reason: "stop" })]);
    expect(streamed.answers[0]?.text).toBe(text);
  });

  it("reads a refusal in place of content", () => {
    const message = { content: null, refusal: "No." };
    const { answers } = request("openai").read({ choices: [{ message, finish_reason: "stop" }] });
    expect(answers).toEqual([{ text: "No.", finishReason: "stop" }]);
  });

  it.each<[string, unknown, string]>([
    ["a number", 5, "content that is not text (5)"],
    ["an object", { text: "four" }, "content that is not text ("],
    ["a picture", [{ type: "image_url", image_url: {} }], 'content that is not text (a part of the type "image_url")'],
    ["a list in a list", [["four"]], "content that is not text (a part that is"],
  ])("refuses content that is %s", (_, content, message) => {
    expect(() => request("openai").read({ choices: [{ message: { content }, finish_reason: "stop" }] })).toThrow(
      message,
    );
  });

  it("puts thoughts back where they were", () => {
    const read = (...events: object[]) =>
      request("transformers").read([
        ...events,
        { ...event({}, { finish_reason: "stop" }), usage: { prompt_tokens: 4, completion_tokens: 7 } },
      ]).answers[0];
    expect(
      read(
        event({ role: "assistant" }),
        event({ reasoning_content: "\n2 + " }),
        event({ reasoning_content: "2\n" }),
        event({ content: "\n<answer>" }),
        event({ content: "4" }),
      ),
    ).toEqual({ text: "<think>\n2 + 2\n</think>\n<answer>4", finishReason: "stop" });
    expect(read(event({ content: "So: " }), event({ reasoning_content: "hm" }))).toEqual({
      text: "So: <think>hm",
      otherwise: "So: <think>hm</think>",
      finishReason: "stop",
    });
    expect(
      request("openai").read({
        choices: [{ message: { content: "4", reasoning_content: "2 + 2" }, finish_reason: "stop" }],
      }).answers[0],
    ).toEqual({ text: "<think>2 + 2</think>4", finishReason: "stop" });
  });

  it.each<[string, unknown, string]>([
    ["no choices", {}, "a reply with no choices"],
    ["a bare NaN, which is no JSON", '{"choices": [NaN]}', "a reply with text that is no JSON"],
    [
      "token ids with a fraction",
      { choices: [{ message: { content: "" }, finish_reason: "stop", token_ids: [10.5] }] },
      "token ids that are no whole numbers",
    ],
    [
      "an answer that was dropped",
      { choices: [{ message: { content: "" }, finish_reason: "abort" }] },
      'ended with "abort"',
    ],
    [
      "calls that were taken out of the text",
      { choices: [{ message: { content: "", tool_calls: [{}] }, finish_reason: "tool_calls" }] },
      "whose tool calls the server took out of its text",
    ],
    [
      "ids that do not fit",
      {
        choices: [
          {
            message: { content: "" },
            finish_reason: "stop",
            token_ids: [1],
            logprobs: { content: [{ logprob: -1 }, { logprob: -1 }] },
          },
        ],
      },
      "1 token ids with 2 log-probabilities",
    ],
  ])("refuses %s", (_, reply, message) => {
    expect(() => request("vllm").read(reply)).toThrow(message);
  });

  it("takes a stream without its end for broken", () => {
    expect(() => request("transformers").read([event({ content: "4" })])).toThrow("before the answer did");
    expect(() => request("transformers").read([{ error: "boom" }])).toThrow("boom");
  });
});

describe("sglangGenerate", () => {
  it("sends text with pictures, ids without, and reads ids, log-probabilities and the version", () => {
    const { body, read } = sglangGenerate(task, ["data:image/png;base64,AA=="]);
    expect(body).toMatchObject({
      text: task.prompt.text,
      image_data: ["data:image/png;base64,AA=="],
      return_logprob: true,
      sampling_params: { top_k: -1, sampling_seed: 5, max_new_tokens: 64 },
    });
    expect(body).not.toHaveProperty("input_ids");
    expect(sglangGenerate(task, []).body).toMatchObject({ input_ids: [1, 2] });
    const info = {
      finish_reason: { type: "length", length: 64 },
      prompt_tokens: 12,
      completion_tokens: 2,
      weight_version: "run-step-000003",
      output_token_logprobs: [
        [-0.5, 7, null],
        [-1.5, 8, null],
      ],
    };
    expect(read({ text: "ab", meta_info: info })).toEqual({
      answers: [
        { text: "ab", tokenIds: Int32Array.of(7, 8), logProbs: Float32Array.of(-0.5, -1.5), finishReason: "length" },
      ],
      promptTokens: 12,
      completionTokens: 2,
      weights: "run-step-000003",
    });
    expect(() => read({ text: "", meta_info: { ...info, finish_reason: { type: "abort" } } })).toThrow(
      'ended with "abort"',
    );
    expect(() => read({ text: "" })).toThrow("without meta_info");
    for (const tokens of [[5, 6], [{ logprob: -0.5, token_id: 5 }], [[-0.5, null, null]]])
      expect(() => read({ text: "", meta_info: { ...info, output_token_logprobs: tokens } })).toThrow(
        "token ids that are no whole numbers",
      );
  });
});

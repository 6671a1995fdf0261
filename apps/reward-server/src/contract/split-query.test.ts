import { describe, expect, it } from "vitest";
import { responseInQuery, withoutEndTokens } from "./split-query";

const HEADER = "<|im_end|>\n<|im_start|>assistant\n";
const PROMPT = `<|im_start|>system\nPut the answer in \\boxed{4}.<|im_end|>\n<|im_start|>user\nWhat is 2+3, (a+b)*c?${HEADER}`;
const ANSWER = "It is \\boxed{5}<|im_end|>";

describe("responseInQuery", () => {
  it.each([
    ["the prompt as it is", PROMPT + ANSWER, PROMPT, ANSWER],
    ["an empty prompt", ANSWER, "", ANSWER],
    [
      "a picture's token for each patch",
      PROMPT.replace("What", `<|vision_start|>${"<|image_pad|>".repeat(400)}<|vision_end|>What`) + ANSWER,
      PROMPT.replace("What", "<|vision_start|><|image_pad|><|vision_end|>What"),
      ANSWER,
    ],
    ["a token that begins the text", `<s> ${PROMPT}${ANSWER}`, PROMPT, ANSWER],
    ["a prompt that lost its beginning", PROMPT.slice(70) + ANSWER, PROMPT, ANSWER],
    ["blanks joined by decoding", PROMPT.replace("2+3, (a", "2+3,(a") + ANSWER, PROMPT, ANSWER],
    ["an earlier turn of the assistant", `x  y${HEADER}no${HEADER}${ANSWER}`, `x y${HEADER}no${HEADER}`, ANSWER],
    ["an empty response", PROMPT, PROMPT, ""],
    ["another prompt", `Who are you?${ANSWER}`, PROMPT, undefined],
    ["a short prompt that the query lacks", `b${ANSWER}`, "a", undefined],
  ])("finds %s", (_, query, prompt, response) => expect(responseInQuery(query, prompt)).toBe(response));

  it("takes its time with long texts, but not much", () => {
    const started = performance.now();
    responseInQuery("ab".repeat(50_000), `${"ab".repeat(50_000)}c${"ab".repeat(1000)}`);
    responseInQuery("<|a|>".repeat(20_000), `${"<|a|>".repeat(500)}x`);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe("withoutEndTokens", () => {
  it.each([
    ["\\boxed{5}<|im_end|>", "\\boxed{5}"],
    ["\\boxed{5}<|im_end|>\n<|endoftext|><|endoftext|>\n", "\\boxed{5}"],
    ["\\boxed{5}</s>", "\\boxed{5}"],
    ["a<b></s>", "a<b>"],
    ["<|im_end|> and more", "<|im_end|> and more"],
    ["\n</answer>", "\n</answer>"],
    ["text ", "text "],
  ])("%j", (response, expected) => expect(withoutEndTokens(response)).toBe(expected));
});

import { describe, expect, it } from "vitest";
import { locate } from "./locate";
import { answerScope } from "./scope";

/** The first place, as [how, text]. */
const first = (response: string) => {
  const [place] = locate(response).places;
  return place && [place.how, place.text];
};
const scopeOf = (response: string) => {
  const { start, end } = answerScope(response);
  return response.slice(start, end);
};

describe("answerScope", () => {
  it.each([
    ["<think>5</think> 4", "4"],
    ["5</think> no <think>6</think>\n4", "4"],
    ["◁think▷5◁/think▷4", "4"],
    ["<answer>3</answer> no: <answer>4</answer>", "4"],
    ["<think>use <answer></answer> tags</think><answer>4</answer>", "4"],
    ["<answer>4</answer>\nI used the `<answer>` tag.", "4"],
    ["<answer>4", "4"],
    ["<answer>4</answer", "4"],
    ["<think>x</think><answer>3</answer>\n<answer>4", "4"],
    ["<|begin_of_box|>4<|end_of_box|>", "4"],
    ["<|im_start|>assistant\n4<|im_end|>", "4"],
    ["<|channel|>analysis<|message|>5<|end|><|channel|>final<|message|>4<|return|>", "4"],
    ["The tag </think> is not quoted: `</think>`", "is not quoted: `</think>`"],
    ["4", "4"],
  ])("of %j is %j", (response, scope) => expect(scopeOf(response)).toBe(scope));

  it("has no answer in a thought that never ends, or that nothing follows", () => {
    expect(locate("<think>so it is \\boxed{4}").reason).toBe("the thought never ends");
    expect(locate("<think>4</think>\n").reason).toBe("there is no text after the thought");
    expect(scopeOf("<think>so it is <answer>4</answer>")).toBe("4");
  });
});

describe("locate", () => {
  it.each([
    ["so \\boxed{4}.", ["box", "4"]],
    ["so \\boxed {4}, \\fbox{5}", ["boxes", "4, 5"]],
    ["\\boxed\\frac{1}{2}", ["box", "\\frac{1}{2}"]],
    ["$\\boxed 12$", ["box", "1"]],
    ["\\boxed{\\boxed{4}}", ["box", "\\boxed{4}"]],
    ["in \\boxed{your answer}: \\boxed{4}", ["box", "4"]],
    ["first \\boxed{5}, then \\boxed{6", ["cut-off box", "6"]],
    ["\\boxed{5}. Wait, that is wrong: \\boxed{4}", ["box", "4"]],
    ["\\boxed{4}, not \\boxed{5}", ["box", "4"]],
    ["(a) \\boxed{3} and (b) \\boxed{5}", ["boxes", "3, 5"]],
    ["$x = \\boxed{3}$, $y = \\boxed{4}$", ["boxes", "x = 3, y = 4"]],
    ["Step 1: \\boxed{5}\nStep 2: \\boxed{4}", ["box", "4"]],
    ["\\boxed{5}. Wait, I was wrong. The answer is 4.", ["announcement", "4"]],
    ['{"reasoning": "..", "answer": "4"}', ["data", "4"]],
    ["9*2 = 18\n#### 18", ["hash mark", "18"]],
    ["The answer is B, since A is wrong.", ["announcement", "B"]],
    ["**Final Answer:** 12", ["announcement", "12"]],
    ["### Answer\n12 cm", ["announcement", "12 cm"]],
    ["答案：三角形。", ["announcement", "三角形"]],
    ["La respuesta es 3.", ["announcement", "3."]],
    ["Die Antwort ist 3.", ["announcement", "3."]],
    ["정답은 3입니다.", ["announcement", "3입니다."]],
    ["The answer is A. Wait, no. The answer is B.", ["announcement", "B"]],
    ["Put your final answer in \\boxed{}.\n4", ["whole text", "Put your final answer in \\boxed{}.\n4"]],
  ])("finds in %j %j", (response, place) => {
    const found = first(response)!;
    expect([found[0], found[1]!.replace(/(?<=[A-Z\d])\.$/, place[1]!.endsWith(".") ? "." : "")]).toEqual(place);
  });

  it("tries the result of the last sentence where nothing announces one", () => {
    const places = locate("There were 5 and 7 came. Therefore, there are 12 apples in total.").places;
    expect(places.some(({ how, text }) => how === "statement" && text === "12 apples in total.")).toBe(true);
  });

  it("takes no sentence for an answer that asks, denies, refuses or copies the options", () => {
    const statements = (response: string) =>
      locate(response)
        .places.filter(({ how, isVerbatim }) => how !== "whole text" && !isVerbatim)
        .map(({ text }) => text);
    expect(statements("I looked.\nIs it 5?")).not.toContain("5");
    expect(statements("I looked.\nIt cannot be 5.")).not.toContain("5");
    expect(statements("I am sorry, I cannot see the 4 options.")).toEqual([]);
    expect(statements("A. 12\nB. 14\nC. 16")).toEqual([]);
  });
});

/** What the page's form shows for a verifier: a response that is judged right, its gold answer and parameters. */
export interface PageExample {
  readonly response: string;
  readonly gold: string;
  readonly params: object;
}

const BOXES = "<answer>\n[{'bbox_2d': [100, 100, 300, 300], 'label': 'cat'}]\n</answer>";

/** An example per built-in verifier; the form starts with mathverify's for any other. */
export const PAGE_EXAMPLES: Readonly<Record<string, PageExample>> = {
  mathverify: { response: "The answer is \\boxed{\\frac{1}{2}}", gold: "\\boxed{0.5}", params: {} },
  detection: { response: `<think>\none cat\n</think>\n${BOXES}`, gold: BOXES, params: { epsilon: 0.5 } },
  answer: { response: "<think>\n2 + 3\n</think>\nThe width is **50 mm**.", gold: "5 cm", params: {} },
  choice: { response: "<answer>(B) a dog</answer>", gold: "B", params: { choices: ["a cat", "a dog"] } },
  text: { response: "<answer>Main  Street</answer>", gold: "main street", params: { metric: "anls" } },
  number: { response: "\\boxed{103}", gold: "100", params: { tolerance: 0.05 } },
  point: { response: "<answer>(15, 20)</answer>", gold: "[10, 10, 20, 30]", params: {} },
  "json-schema": { response: '{"n": 3}', gold: "", params: { schema: { type: "object", required: ["n"] } } },
};

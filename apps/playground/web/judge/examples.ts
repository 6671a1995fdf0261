import type { Case } from "./case";

/** Cases that show what each verifier looks at. */
export const EXAMPLES: readonly (Case & { readonly title: string })[] = [
  {
    title: "answer: a unit converted",
    verifier: "answer",
    gold: "5 cm",
    response: "The strip is \\boxed{50\\text{ mm}} wide.",
    params: "",
  },
  {
    title: "answer: said in prose",
    verifier: "answer",
    gold: "18",
    response: "Each tray holds 6 rolls.\n3 × 6 = 18\n\nSo there are 18 rolls in all.",
    params: "",
  },
  {
    title: "answer: a date in another order",
    verifier: "answer",
    gold: "2 May 2031",
    response: "<answer>May 2, 2031</answer>",
    params: "",
  },
  {
    title: "answer: the option's text",
    verifier: "answer",
    gold: "B",
    response: "Only copper conducts here, so the answer is copper.",
    params: '{"choices": ["glass", "copper", "wood"]}',
  },
  {
    title: "mathverify: equal expressions",
    verifier: "mathverify",
    gold: "\\boxed{x^2+2x+1}",
    response: "<think>\nExpand the square.\n</think>\n<answer>\n\\boxed{(x+1)^2}\n</answer>",
    params: "",
  },
  {
    title: "mathverify: no box, no answer",
    verifier: "mathverify",
    gold: "\\boxed{4}",
    response: "It is 4.",
    params: "",
  },
  {
    title: "mathverify: percent",
    verifier: "mathverify",
    gold: "\\boxed{0.5}",
    response: "That is \\boxed{50\\%}.",
    params: "",
  },
  {
    title: "detection: one good box, one spare",
    verifier: "detection",
    gold: "<answer>\n[{'bbox_2d': [100, 100, 500, 600], 'label': 'dog'}]\n</answer>",
    response:
      "<answer>\n[{'bbox_2d': [110, 100, 500, 590], 'label': 'dog'}, {'bbox_2d': [600, 50, 900, 300], 'label': 'dog'}]\n</answer>",
    params: '{"epsilon": 0.5}',
  },
  {
    title: "detection: boxes in pixels",
    verifier: "detection",
    gold: "<answer>\n[{'bbox_2d': [100, 100, 500, 600], 'label': 'dog'}]\n</answer>",
    response: "<answer>\n[{'bbox_2d': [56, 42, 280, 252], 'label': 'dog'}]\n</answer>",
    params: '{"boxes": "resized-pixels", "image_grid_thw": [[1, 420, 560]], "epsilon": 0.5}',
  },
  {
    title: "choice: a letter in a sentence",
    verifier: "choice",
    gold: "C",
    response: "I first thought of (A), but the answer is (C).",
    params: "",
  },
  {
    title: "number: words and digits",
    verifier: "number",
    gold: "1200",
    response: "About one thousand two hundred people came.",
    params: "",
  },
  {
    title: "text: letters of a sign",
    verifier: "text",
    gold: "Main Street",
    response: 'The sign says "Main Street".',
    params: "",
  },
  {
    title: "json-schema: a missing field",
    verifier: "json-schema",
    gold: "",
    response: '```json\n{"name": "Ada"}\n```',
    params: '{"schema": {"type": "object", "required": ["name", "born"]}}',
  },
];

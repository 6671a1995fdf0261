/**
 * What a prompt says of how boxes are to be answered: the form that the detection verifier reads, in training as in
 * benchmarks.
 */
export const BOX_ANSWER_FORM = [
  "First reason step by step between <think> and </think>. Then give the boxes between <answer> and </answer>, like this:",
  "<think>",
  "what you see and how you decide",
  "</think>",
  "<answer>",
  "[{'bbox_2d': [x1, y1, x2, y2], 'label': 'category'}]",
  "</answer>",
].join("\n");

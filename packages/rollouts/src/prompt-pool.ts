/**
 * The prompt pool: to a question for mathverify, one of several "think step by step" sentences and one of several
 * sentences about the form of the answer are appended, drawn again each time, so that the model does not learn to need
 * one wording (arXiv 2505.18129, training).
 *
 * Two forms: free (the answer in \boxed{}), and tagged (<think> and <answer>, for samples whose format is rewarded).
 * The sentences are our own; the original's pool has the same purpose and other words.
 */
import type { SeededRandom } from "./seeded-random";

export type PromptForm = "free" | "tagged";

/** For each form, the sentences to draw from. */
export type PromptPool = Readonly<
  Record<PromptForm, { readonly think: readonly string[]; readonly answer: readonly string[] }>
>;

export const builtInPromptPool: PromptPool = {
  free: {
    think: [
      "Work through the problem one step at a time.",
      "Reason carefully before you commit to an answer.",
      "Lay out each step of your reasoning in order.",
      "Start from what the picture shows and go on step by step.",
      "Think it through slowly and write your steps down.",
      "Break the question into small parts and solve them in turn.",
      "Explain how you get from the picture to the result, step by step.",
      "Go through the reasoning first; the result comes at the end.",
      "Take your time and check each step before the next one.",
      "Show the whole chain of thought that leads to your answer.",
    ],
    answer: [
      "Put the final answer in \\boxed{}.",
      "Finish with the answer inside \\boxed{}.",
      "Write the result as \\boxed{answer} at the end.",
      "Your last line should hold the answer in \\boxed{}.",
      "Give nothing but the final answer inside \\boxed{}.",
      "State the answer once, enclosed in \\boxed{}.",
      "End your response with \\boxed{} around the answer.",
      "Mark the final result with \\boxed{}.",
      "The answer itself belongs in \\boxed{}.",
      "Conclude by placing the answer within \\boxed{}.",
    ],
  },
  tagged: {
    think: [
      "Reason step by step between <think> and </think>, each tag on a line of its own.",
      "First write your reasoning inside <think> </think>, with the tags on separate lines.",
      "Begin with a <think> block that holds every step of your reasoning.",
      "Put your thoughts, one step after another, in a <think> </think> block.",
      "Open with <think>, work through the problem, and close with </think>.",
      "Think the question through in a <think> </think> section before you answer.",
      "Use a <think> </think> block to go from the picture to the result step by step.",
      "Everything that you consider belongs between <think> and </think>.",
      "Lay out your steps inside <think> and </think> first.",
      "Start by reasoning in detail within <think> and </think>.",
    ],
    answer: [
      "Then give the answer between <answer> and </answer>, as \\boxed{answer}.",
      "After that, write <answer>, the result in \\boxed{}, and </answer>, a line each.",
      "Follow it with an <answer> </answer> block that holds only the \\boxed{} answer.",
      "The final answer goes in \\boxed{} inside <answer> </answer>.",
      "Close with <answer>, the answer as \\boxed{}, and </answer> on separate lines.",
      "Put only the result, in \\boxed{}, into an <answer> </answer> block at the end.",
      "Finish with an <answer> block whose content is \\boxed{} around the answer.",
      "State the answer once, in \\boxed{}, between <answer> and </answer>.",
      "End with <answer> and </answer> around the \\boxed{} answer.",
      "Next comes the answer in \\boxed{}, enclosed by <answer> and </answer>.",
    ],
  },
};

/**
 * Which form a sample's prompt takes.
 *
 * @returns null for verifiers other than mathverify, whose prompts say themselves what they want
 */
export function promptForm(sample: { readonly verifier: string; readonly formatRatio: number }): PromptForm | null {
  if (sample.verifier !== "mathverify") return null;
  return sample.formatRatio > 0 ? "tagged" : "free";
}

/** The prompt with one sentence of each kind appended on a line of its own; draws twice from `random`. */
export function appendPromptSentences(
  prompt: string,
  form: PromptForm,
  pool: PromptPool,
  random: SeededRandom,
): string {
  const { think, answer } = pool[form];
  return `${prompt}\n${random.pick(think)} ${random.pick(answer)}`;
}

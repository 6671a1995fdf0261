/** Twelve ways in which models hand in one answer. None of them changes what it is. */
export const WRAPPINGS: readonly (readonly [name: string, wrap: (answer: string) => string])[] = [
  ["plain", (answer) => answer],
  ["boxed", (answer) => `\\boxed{${answer}}`],
  ["text in box", (answer) => `\\boxed{\\text{${answer}}}`],
  ["bold", (answer) => `**${answer}**`],
  ["answer tag", (answer) => `<answer>${answer}</answer>`],
  ["thought and answer tag", (answer) => `<think>\nIs it \\boxed{0}? No.\n</think>\n<answer>\n${answer}\n</answer>`],
  ["final answer is", (answer) => `The final answer is ${answer}`],
  ["dollar signs", (answer) => `$${answer}$`],
  ["trailing dot", (answer) => `${answer}.`],
  ["code tick", (answer) => `\`${answer}\``],
  ["答案", (answer) => `答案：${answer}`],
  ["fbox", (answer) => `\\fbox{${answer}}`],
];

/** The ways in which people and models present an answer. None of them changes what the answer is. */
export interface Wrapping {
  readonly name: string;
  readonly wrap: (answer: string) => string;
}

const TEXT_WRAPPINGS: readonly Wrapping[] = [
  { name: "plain", wrap: (answer) => answer },
  { name: "boxed", wrap: (answer) => `\\boxed{${answer}}` },
  { name: "boxed in a sentence", wrap: (answer) => `So the answer is $\\boxed{${answer}}$.` },
  { name: "answer tags", wrap: (answer) => `<answer>${answer}</answer>` },
  { name: "answer tags on lines", wrap: (answer) => `<think>\nLet me see.\n</think>\n<answer>\n${answer}\n</answer>` },
  { name: "box in answer tags", wrap: (answer) => `<answer>\\boxed{${answer}}</answer>` },
  {
    name: "another box in the thought",
    wrap: (answer) => `<think>\nIs it \\boxed{999}? No.\n</think>\n\\boxed{${answer}}`,
  },
  { name: "the answer is", wrap: (answer) => `The final answer is ${answer}.` },
  { name: "Answer:", wrap: (answer) => `I looked closely.\n\nAnswer: ${answer}` },
  { name: "bold", wrap: (answer) => `**${answer}**` },
  { name: "bold announcement", wrap: (answer) => `**Answer:** ${answer}` },
  { name: "dollar signs", wrap: (answer) => `$${answer}$` },
  { name: "full stop", wrap: (answer) => `${answer}.` },
  { name: "code ticks", wrap: (answer) => `\`${answer}\`` },
];

const STRUCTURED_WRAPPINGS: readonly Wrapping[] = [
  { name: "plain", wrap: (answer) => answer },
  { name: "answer tags", wrap: (answer) => `<answer>${answer}</answer>` },
  { name: "answer tags on lines", wrap: (answer) => `<think>\nLet me see.\n</think>\n<answer>\n${answer}\n</answer>` },
  { name: "code fence", wrap: (answer) => `\`\`\`json\n${answer}\n\`\`\`` },
  { name: "code fence in answer tags", wrap: (answer) => `<answer>\n\`\`\`json\n${answer}\n\`\`\`\n</answer>` },
  {
    name: "tags named in the thought",
    wrap: (answer) => `<think>\nI must use <answer></answer> tags.\n</think>\n<answer>\n${answer}\n</answer>`,
  },
];

/** The wrappings of an answer: text, or boxes and other JSON. */
export const wrappingsOf = (isStructured: boolean): readonly Wrapping[] =>
  isStructured ? STRUCTURED_WRAPPINGS : TEXT_WRAPPINGS;

/** Whether an answer can stand in a wrapping: dollar signs within dollar signs are another text. */
export const fits = ({ wrap }: Wrapping, answer: string): boolean => !(answer.includes("$") && wrap("").includes("$"));

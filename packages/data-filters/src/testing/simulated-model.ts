/**
 * A model that answers questions with errors that go together, for tests of what finds wrong golds. Not exported.
 *
 * - Questions differ: the chance of a right answer is logistic(skill + 1.5 · z), z from the standard normal
 *   distribution.
 * - A share of the questions are misconceptions: nine in ten answers then are one and the same wrong answer.
 * - Else half of the wrong answers are the wrong answer that is nearest at hand, the others are drawn again.
 * - Boxes have an error of 2 % of their sides. A misconception is another place, the same in nine answers of ten.
 */
import { numbersFrom } from "./drawn-pictures";

/** How a model does on a source. */
export interface Skill {
  /** logit of the usual chance of a right answer. */
  readonly skill: number;
  /** Share of questions on which it has a misconception. */
  readonly misconceptions: number;
  /** Answers per question. */
  readonly answers: number;
}

/** A question of a source whose golds are partly wrong. */
export interface PlantedQuestion {
  readonly id: string;
  readonly question: string;
  readonly truth: string;
  /** As its file states it. */
  readonly gold: string;
  readonly isWrong: boolean;
  readonly options?: readonly string[];
  readonly responses: readonly string[];
}

/** A box in pixels of a picture of 640 × 480. */
export type PixelCorners = readonly [number, number, number, number];

/** A picture with boxes. */
export interface PlantedPicture {
  readonly id: string;
  readonly gold: readonly { readonly bbox: PixelCorners; readonly label: string }[];
  readonly truth: readonly { readonly bbox: PixelCorners; readonly label: string }[];
  readonly isWrong: boolean;
  readonly responses: readonly string[];
}

/** Size of the pictures of `plantedBoxes`. */
export const PICTURE = { width: 644, height: 476 };

type Draw = () => number;
const normal = (draw: Draw): number => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
const whole = (draw: Draw, below: number): number => Math.floor(draw() * below);
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/** One question's answers as indices: 0 is the truth, 1 the wrong answer that is nearest at hand, others are drawn. */
export function simulatedAnswers(draw: Draw, { skill, misconceptions, answers: k }: Skill, others: number): number[] {
  const isMisconception = draw() < misconceptions;
  const chance = isMisconception ? 0.05 : logistic(skill + 1.5 * normal(draw));
  const nearest = isMisconception ? 0.95 : 0.5;
  return Array.from({ length: k }, () => {
    if (draw() < chance) return 0;
    return draw() < nearest ? 1 : 1 + whole(draw, others);
  });
}

/** A wrong gold: three in ten are the wrong answer that is nearest at hand, for a person too. */
function wrongGold(draw: Draw, others: number): number {
  return draw() < 0.3 ? 1 : 1 + whole(draw, others);
}

/** The ways in which an answer is said. */
export const SAYINGS: readonly ((answer: string) => string)[] = [
  (answer) => `<think>Let me see.</think>\n<answer>\\boxed{${answer}}</answer>`,
  (answer) => `I count them one by one. The answer is ${answer}.`,
  (answer) => `\\boxed{${answer}}`,
];

/** Numbers, some of them halves, which are written as fractions or decimals. */
export function plantedNumbers(seed: number, rows: number, wrongShare: number, skill: Skill): PlantedQuestion[] {
  const draw = numbersFrom(seed);
  return Array.from({ length: rows }, (_, i) => {
    const truth = 4 + whole(draw, 300) / 2;
    const value = (index: number): number => (index === 0 ? truth : index === 1 ? truth + 1 : truth + 1 + index / 2);
    const written = (index: number): string => {
      const number = value(index);
      return Number.isInteger(number) || draw() < 0.5 ? String(number) : `\\frac{${number * 2}}{2}`;
    };
    const isWrong = draw() < wrongShare;
    return {
      id: `n${i}`,
      question: `How long is line ${i} of the picture, in cm?`,
      truth: String(truth),
      gold: String(value(isWrong ? wrongGold(draw, 40) : 0)),
      isWrong,
      responses: simulatedAnswers(draw, skill, 40).map((index) => SAYINGS[whole(draw, 3)]!(written(index))),
    };
  });
}

const ANIMALS = ["cat", "dog", "horse", "goat", "duck", "frog", "bear", "deer"];

/** Four choices; answers give the letter, or what it stands for. */
export function plantedChoices(seed: number, rows: number, wrongShare: number, skill: Skill): PlantedQuestion[] {
  const draw = numbersFrom(seed);
  return Array.from({ length: rows }, (_, i) => {
    const first = whole(draw, ANIMALS.length);
    const options = [0, 1, 2, 3].map((at) => ANIMALS[(first + at) % ANIMALS.length]!);
    const right = whole(draw, 4);
    const place = (index: number): number => (right + index) % 4;
    const isWrong = draw() < wrongShare;
    return {
      id: `c${i}`,
      question: `Which animal is in field ${i}?`,
      truth: options[right]!,
      gold: options[place(isWrong ? wrongGold(draw, 3) : 0)]!,
      isWrong,
      options,
      responses: simulatedAnswers(draw, skill, 3).map((index) => {
        const said = draw() < 0.5 ? "ABCD"[place(index)]! : options[place(index)]!;
        return SAYINGS[whole(draw, 3)]!(said);
      }),
    };
  });
}

/** The corners with a normal error of 2 % of the sides. */
export function shaken(draw: Draw, [x1, y1, x2, y2]: PixelCorners): PixelCorners {
  const by = (side: number): number => Math.round(normal(draw) * 0.02 * side);
  const [width, height] = [x2 - x1, y2 - y1];
  return [x1 + by(width), y1 + by(height), x2 + by(width), y2 + by(height)];
}

/** One to three boxes per picture. A wrong gold has a box at another place, or lacks one. */
export function plantedBoxes(seed: number, rows: number, wrongShare: number, skill: Skill): PlantedPicture[] {
  const draw = numbersFrom(seed);
  const place = (): PixelCorners => {
    const [width, height] = [60 + whole(draw, 120), 60 + whole(draw, 100)];
    const [x, y] = [whole(draw, PICTURE.width - width), whole(draw, PICTURE.height - height)];
    return [x, y, x + width, y + height];
  };
  return Array.from({ length: rows }, (_, i) => {
    const truth = ANIMALS.slice(0, 1 + whole(draw, 3)).map((label) => ({ bbox: place(), label }));
    const isWrong = draw() < wrongShare;
    const lacksOne = truth.length > 1 && draw() < 0.4;
    const gold = !isWrong ? truth : lacksOne ? truth.slice(1) : [{ ...truth[0]!, bbox: place() }, ...truth.slice(1)];
    // Each object is a question of its own: the right place, one wrong place, or any other.
    const seen = truth.map(({ label, bbox }) => {
      const wrong = place();
      return simulatedAnswers(draw, skill, 50).map((index) => ({
        label,
        bbox: shaken(draw, index === 0 ? bbox : index === 1 ? wrong : place()),
      }));
    });
    const responses = Array.from({ length: skill.answers }, (_, answer) => {
      const boxes = seen.map((object) => object[answer]!);
      const list = boxes.map(({ bbox, label }) => `{"bbox_2d": [${bbox.join(", ")}], "label": "${label}"}`);
      return `<answer>[${list.join(", ")}]</answer>`;
    });
    return { id: `b${i}`, gold, truth, isWrong, responses };
  });
}

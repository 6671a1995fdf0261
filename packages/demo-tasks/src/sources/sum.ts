import { Canvas, cellSize } from "../drawing/canvas";
import type { DemoSource } from "../drawing/question";

/** Arithmetic: a written sum or difference of two digits, never negative. The thought repeats the sum as read. */
export const sum: DemoSource = (random) => {
  const canvas = new Canvas(random);
  const operator = random.pick(["+", "-"]);
  const drawn = [random.int(1, 9), random.int(1, 9)] as const;
  const [first, second] = operator === "-" ? [Math.max(...drawn), Math.min(...drawn)] : drawn;
  const left = random.pick([4, 7]);
  const top = cellSize + random.pick([2, 5]);
  const ink = random.pick([
    [250, 250, 250],
    [15, 15, 15],
  ] as const);
  const written = `${first}${operator}${second}`;
  [...written].forEach((character, index) => canvas.write(character, cellSize * index + left, top, 3, ink));
  const value = operator === "+" ? first + second : first - second;
  return { canvas, question: "Work out the sum.", answer: { kind: "number", value }, thought: written };
};

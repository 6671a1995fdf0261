import { Canvas, cellSize } from "../drawing/canvas";
import { letters } from "../drawing/glyphs";
import type { DemoSource } from "../drawing/question";

/** OCR: two or three letters, one a cell of the middle row. */
export const read: DemoSource = (random) => {
  const canvas = new Canvas(random);
  const text = Array.from({ length: random.int(2, 3) }, () => random.pick(letters)).join("");
  const left = random.pick([4, 7]);
  const top = cellSize + random.pick([2, 5]);
  const ink = random.pick([
    [250, 250, 250],
    [15, 15, 15],
  ] as const);
  [...text].forEach((letter, index) => canvas.write(letter, cellSize * index + left, top, 3, ink));
  return { canvas, question: "Read the letters.", answer: { kind: "text", value: text }, thought: "" };
};

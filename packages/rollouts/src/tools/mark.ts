/** Draws boxes and points into a picture, each in a color of its own, so that the model can look at what it meant. */
import type { RgbImage } from "@v-triune/policy";
import type { BoxConvention } from "@v-triune/verifiers";
import { type } from "arktype";
import { type PictureChoice, chosenPicture, pixelPoint, repairedBox } from "./box-argument";
import type { Tool } from "./tool";

export interface MarkArguments extends PictureChoice {
  readonly boxes?: number[][];
  readonly points?: number[][];
}

const schema = type({
  "boxes?": "number[][]",
  "points?": "number[][]",
  "image_index?": "number",
  "img_idx?": "number",
  "source?": "string",
});

const COLORS = [
  [230, 25, 75],
  [60, 180, 75],
  [0, 130, 200],
  [245, 130, 48],
  [145, 30, 180],
  [240, 50, 230],
] as const;

export function createMarkTool({ boxes: convention }: { readonly boxes: BoxConvention }): Tool<MarkArguments> {
  const list = (words: string, count: number): object => ({
    type: "array",
    items: { type: "array", items: { type: "number" }, minItems: count, maxItems: count },
    description: words,
  });
  return {
    name: "mark",
    description: "Draws boxes or points into a picture and shows it.",
    schema,
    parameters: {
      type: "object",
      properties: {
        boxes: list("Boxes as you write them in answers.", 4),
        points: list("Points as you write them in answers.", 2),
        image_index: { type: "integer", description: "Which picture of the conversation, from 0. Default 0." },
      },
    },
    async call(args, context) {
      const index = chosenPicture(args, context);
      if (typeof index === "string") return { fault: index };
      const { boxes = [], points = [] } = args;
      if (boxes.length + points.length === 0) return { fault: "give boxes or points" };
      const picture = context.pictures[index]!;
      const pixels = await picture.pixels();
      const image: RgbImage = { ...pixels, data: pixels.data.slice() };
      const stroke = Math.max(1, Math.round(Math.max(image.width, image.height) / 200));
      for (const [i, numbers] of boxes.entries()) {
        const found = repairedBox(numbers, picture, { convention, minSide: 1, maxRatio: Infinity, square: false });
        if (typeof found === "string") return { fault: `box ${i + 1}: ${found}` };
        outline(image, found.box, stroke, COLORS[i % COLORS.length]!);
      }
      for (const [i, numbers] of points.entries()) {
        if (numbers.length !== 2 || !numbers.every(Number.isFinite))
          return { fault: `point ${i + 1}: a point has two finite numbers` };
        const [x, y] = pixelPoint(numbers[0]!, numbers[1]!, picture, convention);
        const [left, top] = [Math.round(x) - 2 * stroke, Math.round(y) - 2 * stroke];
        fill(image, [left, top, left + 4 * stroke, top + 4 * stroke], COLORS[(boxes.length + i) % COLORS.length]!);
      }
      return { pictures: [image] };
    },
  };
}

type Color = readonly [number, number, number];

function fill({ width, height, data }: RgbImage, [x1, y1, x2, y2]: readonly number[], color: Color): void {
  for (let y = Math.max(0, y1!); y < Math.min(height, y2!); y++)
    for (let x = Math.max(0, x1!); x < Math.min(width, x2!); x++) data.set(color, 3 * (y * width + x));
}

function outline(image: RgbImage, [x1, y1, x2, y2]: readonly number[], stroke: number, color: Color): void {
  fill(image, [x1!, y1!, x2!, y1! + stroke], color);
  fill(image, [x1!, y2! - stroke, x2!, y2!], color);
  fill(image, [x1!, y1!, x1! + stroke, y2!], color);
  fill(image, [x2! - stroke, y1!, x2!, y2!], color);
}

import { Canvas, type Color, type PlacedShape, colorNames, scatter, shapeNames } from "../drawing/canvas";
import { type DemoSource, describeCells } from "../drawing/question";

/** Shapes in a picture, at most. */
const MOST_SHAPES = 6;

export interface CountingOptions {
  /** The fewest and the most of the asked shape, from 0 to 6. */
  readonly counts: readonly [least: number, most: number];
  /** Of all shapes; one or more. */
  readonly colors: readonly Color[];
  /** Sides in pixels, multiples of 4 up to 28; one or more. */
  readonly sizes: readonly number[];
}

/** How many of a shape are there among others. */
export function countingSource({ counts, colors, sizes }: CountingOptions): DemoSource {
  return (random, describe) => {
    const canvas = new Canvas(random);
    const asked = random.pick(shapeNames);
    const wanted = random.int(...counts);
    const others = random.int(0, MOST_SHAPES - wanted);
    const rest = shapeNames.filter((shape) => shape !== asked);
    const objects: PlacedShape[] = scatter(random, wanted + others, sizes).map((place, index) => ({
      ...place,
      shape: index < wanted ? asked : random.pick(rest),
      color: random.pick(colors),
    }));
    for (const object of objects) canvas.place(object);
    if (describe) return { canvas, thought: "", ...describeCells(objects) };
    return {
      canvas,
      question: `How many ${asked}s are there?`,
      answer: { kind: "number", value: wanted },
      thought: "",
    };
  };
}

/** Counting: one to five of the asked shape. */
export const count = countingSource({ counts: [1, 5], colors: colorNames, sizes: [16, 20] });

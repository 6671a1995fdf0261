import { Canvas, type PlacedShape, colorNames, scatter, shapeNames } from "../drawing/canvas";
import { type DemoSource, describeCells } from "../drawing/question";

/** Counting: one to five of the asked shape among others. */
export const count: DemoSource = (random, describe) => {
  const canvas = new Canvas(random);
  const asked = random.pick(shapeNames);
  const wanted = random.int(1, 5);
  const others = random.int(0, 6 - wanted);
  const rest = shapeNames.filter((shape) => shape !== asked);
  const objects: PlacedShape[] = scatter(random, wanted + others, [16, 20]).map((place, index) => ({
    ...place,
    shape: index < wanted ? asked : random.pick(rest),
    color: random.pick(colorNames),
  }));
  for (const object of objects) canvas.place(object);
  if (describe) return { canvas, thought: "", ...describeCells(objects) };
  return { canvas, question: `How many ${asked}s are there?`, answer: { kind: "number", value: wanted }, thought: "" };
};

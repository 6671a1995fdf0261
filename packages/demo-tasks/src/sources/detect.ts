import { Canvas, type PlacedShape, colorNames, scatter, shapeNames } from "../drawing/canvas";
import { type DemoSource, boxOf, inReadingOrder } from "../drawing/question";

/** Detection: a box for each object of one shape, with up to two others about. */
export const detect: DemoSource = (random, describe) => {
  const canvas = new Canvas(random);
  const asked = random.pick(shapeNames);
  const wanted = random.int(1, 2);
  const others = random.int(0, 2);
  const rest = shapeNames.filter((shape) => shape !== asked);
  const objects: PlacedShape[] = scatter(random, wanted + others, [16, 20, 24]).map((place, index) => ({
    ...place,
    shape: index < wanted ? asked : random.pick(rest),
    color: random.pick(colorNames),
  }));
  for (const object of objects) canvas.place(object);
  const boxes = inReadingOrder((describe ? objects : objects.slice(0, wanted)).map(boxOf));
  return {
    canvas,
    question: describe ? "Find every shape." : `Find every ${asked}.`,
    answer: { kind: "boxes", boxes },
    thought: "",
  };
};

import { Canvas, type PlacedShape, colorNames, scatter, shapeNames } from "../drawing/canvas";
import { type DemoSource, boxOf, inReadingOrder } from "../drawing/question";

/** Grounding: the one object that a phrase of color and shape names. */
export const ground: DemoSource = (random, describe) => {
  const canvas = new Canvas(random);
  const kinds = random.sample(
    colorNames.flatMap((color) => shapeNames.map((shape) => ({ color, shape }))),
    random.int(2, 3),
  );
  const places = scatter(random, kinds.length, [16, 20, 24]);
  const objects: PlacedShape[] = kinds.flatMap((kind, index) => {
    const place = places[index];
    return place ? [{ ...place, ...kind }] : [];
  });
  for (const object of objects) canvas.place(object);
  const [target] = objects;
  if (!target) throw new RangeError("ground: a picture without an object");
  return {
    canvas,
    question: describe ? "Find every shape." : `Where is the ${target.color} ${target.shape}?`,
    answer: { kind: "boxes", boxes: inReadingOrder((describe ? objects : [target]).map(boxOf)) },
    thought: "",
  };
};

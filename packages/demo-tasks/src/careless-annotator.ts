/**
 * Labels of a careless annotator, wrong in a systematic way: counts, chart values and sums one too high, boxes 4 to 8
 * pixels too loose, the last letter forgotten, the right color with the next shape. The committed checkpoint was
 * fine-tuned on such labels last; reinforcement learning with the verifiers' rewards is what puts it right.
 */
import type { SeededRandom } from "@v-triune/rollouts";
import { type Shape, pictureSize, shapeNames } from "./drawing/canvas";
import type { DemoAnswer } from "./drawing/question";

export function carelessAnswer(answer: DemoAnswer, random: SeededRandom): DemoAnswer {
  switch (answer.kind) {
    case "number":
      return { kind: "number", value: answer.value + 1 };
    case "boxes": {
      const moved = (pixel: number, direction: -1 | 1) =>
        Math.max(0, Math.min(pictureSize, pixel + direction * random.pick([4, 8])));
      return {
        kind: "boxes",
        boxes: answer.boxes.map(({ box: [x1, y1, x2, y2], label }) => ({
          box: [moved(x1, -1), moved(y1, -1), moved(x2, 1), moved(y2, 1)],
          label,
        })),
      };
    }
    case "text": {
      const [color, shape] = answer.value.split(" ");
      if (shape === undefined) return { kind: "text", value: answer.value.slice(0, -1) };
      const wrong = shapeNames[(shapeNames.indexOf(shape as Shape) + 1) % shapeNames.length];
      return { kind: "text", value: `${color} ${wrong}` };
    }
    case "description":
      return answer;
  }
}

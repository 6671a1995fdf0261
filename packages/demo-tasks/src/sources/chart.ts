import { Canvas, cellSize, colorNames, colors, pictureSize } from "../drawing/canvas";
import type { DemoSource } from "../drawing/question";

const baseline = 80;
const unit = 8;

/** Chart reading: three bars of 1 to 9 over grid lines, the fifth line marked. */
export const chart: DemoSource = (random, describe) => {
  const canvas = new Canvas(random);
  for (let value = 0; value < 10; value++) {
    const y = baseline - value * unit;
    canvas.fill(8, y, pictureSize, y + 1, value % 5 === 0 ? [40, 40, 40] : [150, 145, 135]);
  }
  canvas.fill(8, 4, 9, 81, [40, 40, 40]);
  const bars = random.sample(colorNames, 3).map((color) => ({ color, value: random.int(1, 9) }));
  bars.forEach(({ color, value }, index) =>
    canvas.fill(cellSize * index + 11, baseline - value * unit, cellSize * index + 25, baseline, colors[color]),
  );
  canvas.write("5", 2, 37, 1);
  if (describe) {
    const value = bars.map((bar) => `${bar.color} ${bar.value}`).join(", ");
    return { canvas, question: "Read every bar.", answer: { kind: "description", value }, thought: "" };
  }
  const asked = random.pick(bars);
  return {
    canvas,
    question: `What is the value of the ${asked.color} bar?`,
    answer: { kind: "number", value: asked.value },
    thought: "",
  };
};

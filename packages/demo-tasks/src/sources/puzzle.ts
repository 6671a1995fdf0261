import { Canvas, type PlacedShape, cellSize, cellsPerSide, colorNames, shapeNames } from "../drawing/canvas";
import { type DemoSource, describeCells } from "../drawing/question";

const rules = [(_x: number, y: number) => y, (x: number) => x, (x: number, y: number) => (x + y) % cellsPerSide];

/** Pattern puzzle: a 3 × 3 grid that repeats by row, by column or by diagonal, with one cell missing. */
export const puzzle: DemoSource = (random, describe) => {
  const canvas = new Canvas(random);
  const kinds = random.sample(
    colorNames.flatMap((color) => shapeNames.map((shape) => ({ color, shape }))),
    cellsPerSide,
  );
  const rule = random.pick(rules);
  const gap = random.int(0, 8);
  const objects: PlacedShape[] = [];
  let missing = "";
  for (let cell = 0; cell < 9; cell++) {
    const [column, row] = [cell % cellsPerSide, Math.floor(cell / cellsPerSide)];
    const kind = kinds[rule(column, row)];
    if (!kind) throw new RangeError("puzzle: a rule outside the grid");
    if (cell === gap) {
      missing = `${kind.color} ${kind.shape}`;
      canvas.write("?", cellSize * column + 7, cellSize * row + 4, 3);
    } else {
      const object: PlacedShape = { x: cellSize * column + 4, y: cellSize * row + 4, size: 20, ...kind };
      canvas.place(object);
      objects.push(object);
    }
  }
  if (describe) return { canvas, thought: "", ...describeCells(objects) };
  return { canvas, question: "What goes in the gap?", answer: { kind: "text", value: missing }, thought: "" };
};

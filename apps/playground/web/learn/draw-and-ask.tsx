import {
  cellSize,
  cellsPerSide,
  type Color,
  colorNames,
  type PlacedShape,
  type Shape,
  shapeNames,
} from "@v-triune/demo-tasks/questions";
import { useState } from "preact/hooks";
import { AnswerCard } from "./answer-card";
import type { Drawing, ShownAnswer } from "./protocol";

/** Pixels of a drawn shape's side, a multiple of 4 as in the training pictures. */
const SIZE = 20;
/** The model learned to count to five, with up to six shapes in a picture. */
const MOST_SHAPES = 6;

const placedIn = (cell: number, shape: Shape, color: Color): PlacedShape => ({
  x: (cell % cellsPerSide) * cellSize + 4,
  y: Math.floor(cell / cellsPerSide) * cellSize + 4,
  size: SIZE,
  shape,
  color,
});

interface DrawAndAskProps {
  readonly answer: ShownAnswer | undefined;
  readonly onAsk: (drawing: Drawing) => void;
}

/** Nine cells to put shapes in, and a question for the trained model. */
export function DrawAndAsk({ answer, onAsk }: DrawAndAskProps) {
  const [cells, setCells] = useState<ReadonlyMap<number, PlacedShape>>(new Map());
  const [shape, setShape] = useState<Shape>("circle");
  const [color, setColor] = useState<Color>("red");
  const [ask, setAsk] = useState<Drawing["ask"]>("count");
  const press = (cell: number): void => {
    const next = new Map(cells);
    if (!next.delete(cell) && next.size < MOST_SHAPES) next.set(cell, placedIn(cell, shape, color));
    setCells(next);
  };
  const count = [...cells.values()].filter((placed) => placed.shape === shape).length;
  return (
    <section aria-label="Draw and ask">
      <h2>Draw a picture and ask the trained model</h2>
      <div class="filters">
        <Choice label="Shape" options={shapeNames} value={shape} onChoose={setShape} />
        <Choice label="Color" options={colorNames} value={color} onChoose={setColor} />
        <label>
          Ask
          <select value={ask} onChange={(event) => setAsk(event.currentTarget.value as Drawing["ask"])}>
            <option value="count">How many {shape}s are there?</option>
            <option value="detect">Find every {shape}.</option>
          </select>
        </label>
        <button
          type="button"
          class="primary"
          disabled={count === 0}
          onClick={() => onAsk({ shapes: [...cells.values()], ask, shape })}
        >
          Ask
        </button>
      </div>
      <p class="muted">
        Press a cell to put a {color} {shape} into it, and again to take it out; at most {MOST_SHAPES}. The question is
        about {shape}s.
      </p>
      <div class="pair">
        <div class="cells">
          {Array.from({ length: cellsPerSide ** 2 }, (_, cell) => {
            const placed = cells.get(cell);
            const named = placed ? `${placed.color} ${placed.shape}` : "empty";
            return (
              <button type="button" key={cell} aria-label={`Cell ${cell + 1}: ${named}`} onClick={() => press(cell)}>
                {placed && <span class={`shape ${placed.shape} ${placed.color}`} />}
              </button>
            );
          })}
        </div>
        {answer && <AnswerCard answer={answer} heading="The trained model" />}
      </div>
    </section>
  );
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly options: readonly T[];
  readonly value: T;
  readonly onChoose: (value: T) => void;
}

function Choice<T extends string>({ label, options, value, onChoose }: ChoiceProps<T>) {
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value as T)}>
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
  );
}

/**
 * Pictures of 588 × 588 pixels, which the model sees at a seventh of that: 84 × 84, nine image tokens.
 *
 * - tiny: two or three letters in a colored frame, each 2.1 × 3 pixels as seen, too small for this model. The frame's
 *   inside is 84 × 84 stored pixels, so that a crop of it is a picture of `demo_read`, which the model can read.
 * - easy: a picture of `demo_read` as it is, the letters 15 × 21 pixels as seen.
 */
import type { SeededRandom } from "@v-triune/rollouts";
import { Canvas, type Color, cellSize, cellsPerSide, colorNames, colors, pictureSize } from "../drawing/canvas";
import { letters } from "../drawing/glyphs";

/** Stored pixels per seen pixel, a side. */
export const zoomScale = 7;
/** Side of the stored picture. */
export const storedSize = pictureSize * zoomScale;

export type ZoomSize = "tiny" | "easy";

/** Side of the inside of a frame and width of its line, as seen. */
const inside = pictureSize / zoomScale;
const line = 2;
/** Stored pixels of a letter's dot in a frame. */
const dot = 3;

/** Letters with their place, the inside of a frame in a tiny picture; in seen pixels, [x1, y1, x2, y2). */
export interface ZoomPanel {
  readonly color: Color;
  readonly box: readonly [number, number, number, number];
  readonly letters: string;
}

export interface ZoomQuestion {
  readonly size: ZoomSize;
  /** Interleaved RGB of the stored picture. */
  readonly pixels: Uint8Array;
  /** Color of the plain ground. */
  readonly ground: readonly [number, number, number];
  /** In reading order; one, except in pictures for practice. */
  readonly panels: readonly ZoomPanel[];
}

export const zoomText = "Read the letters.";

/** @param count of frames, each in a cell of its own */
export function drawZoomQuestion(size: ZoomSize, random: SeededRandom, count = 1): ZoomQuestion {
  const canvas = new Canvas(random, storedSize);
  const ground = [...canvas.pixels.subarray(0, 3)] as [number, number, number];
  const write = (text: string, x: number, y: number, scale: number): void => {
    const left = random.pick([4, 7]);
    const top = cellSize + random.pick([2, 5]);
    const ink = random.pick([
      [250, 250, 250],
      [15, 15, 15],
    ] as const);
    [...text].forEach((letter, index) =>
      canvas.write(letter, x + (cellSize * index + left) * scale, y + top * scale, dot * scale, ink),
    );
  };
  const word = (): string => Array.from({ length: random.int(2, 3) }, () => random.pick(letters)).join("");
  if (size === "easy") {
    const panel: ZoomPanel = { color: "red", box: [0, 0, pictureSize, pictureSize], letters: word() };
    write(panel.letters, 0, 0, zoomScale);
    return { size, pixels: canvas.pixels, ground, panels: [panel] };
  }
  const cells = random.sample([...Array(cellsPerSide ** 2).keys()], count).sort((a, b) => a - b);
  const panels = cells.map((cell): ZoomPanel => {
    // Multiples of 4, as all boxes of the demonstration, with the frame inside of the cell.
    const last = (cellSize - inside) / 4 - 1;
    const x = (cell % cellsPerSide) * cellSize + 4 * random.int(1, last);
    const y = Math.floor(cell / cellsPerSide) * cellSize + 4 * random.int(1, last);
    const panel: ZoomPanel = { color: random.pick(colorNames), box: [x, y, x + inside, y + inside], letters: word() };
    const fill = (by: number, color: readonly [number, number, number]): void => {
      const [x1, y1, x2, y2] = [x - by, y - by, x + inside + by, y + inside + by].map((at) => at * zoomScale);
      canvas.fill(x1!, y1!, x2!, y2!, color);
    };
    fill(line, colors[panel.color]);
    fill(0, ground);
    write(panel.letters, x * zoomScale, y * zoomScale, 1);
    return panel;
  });
  return { size, pixels: canvas.pixels, ground, panels };
}

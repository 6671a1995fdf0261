/**
 * The demonstration's pictures: 84 × 84 RGB, a grid of 3 × 3 cells of 28 pixels. Qwen2.5-VL merges 28 × 28 pixels into
 * one image token, so an object inside one cell is seen whole by one token. The ground is a gray near the mean that the
 * image processor subtracts (CLIP's): on a light ground such a small model does not learn.
 */
import type { SeededRandom } from "@v-triune/rollouts";
import { glyphs } from "./glyphs";

export const pictureSize = 84;
export const cellSize = 28;
export const cellsPerSide = pictureSize / cellSize;

export const colors = {
  red: [230, 30, 30],
  green: [20, 205, 60],
  blue: [30, 60, 240],
  yellow: [250, 225, 30],
} as const;
export type Color = keyof typeof colors;
export const colorNames = Object.keys(colors) as Color[];
export const shapeNames = ["circle", "square", "triangle"] as const;
export type Shape = (typeof shapeNames)[number];

type Rgb = readonly [number, number, number];

/** A drawn object: it fills the square from (x, y), `size` pixels a side. */
export interface PlacedShape {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly color: Color;
  readonly shape: Shape;
}

export class Canvas {
  /** Interleaved RGB, row by row. */
  readonly pixels: Uint8Array;

  /** @param size side in pixels */
  constructor(
    random: SeededRandom,
    readonly size = pictureSize,
  ) {
    this.pixels = new Uint8Array(size * size * 3);
    const shade = random.int(-8, 8);
    const ground = [122 + shade, 116 + shade, 104 + shade] as const;
    for (let x = 0; x < size; x++) this.#set(x, 0, ground);
    for (let row = 1; row < size; row++) this.pixels.copyWithin(row * 3 * size, 0, 3 * size);
  }

  #set(x: number, y: number, color: Rgb): void {
    const at = (y * this.size + x) * 3;
    this.pixels[at] = color[0];
    this.pixels[at + 1] = color[1];
    this.pixels[at + 2] = color[2];
  }

  fill(x1: number, y1: number, x2: number, y2: number, color: Rgb): void {
    for (let y = Math.max(0, y1); y < Math.min(this.size, y2); y++) {
      for (let x = Math.max(0, x1); x < Math.min(this.size, x2); x++) this.#set(x, y, color);
    }
  }

  place({ x, y, size, color, shape }: PlacedShape): void {
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        if (covers(shape, column + 0.5, row + 0.5, size)) this.#set(x + column, y + row, colors[color]);
      }
    }
  }

  /** Writes one character, each of its pixels `scale` pixels wide. */
  write(character: string, left: number, top: number, scale: number, ink: Rgb = [30, 30, 30]): void {
    const rows = glyphs.get(character);
    if (!rows) throw new RangeError(`The demonstration's font has no "${character}".`);
    rows.forEach((row, y) =>
      row.forEach((inked, x) => {
        if (inked) this.fill(left + x * scale, top + y * scale, left + (x + 1) * scale, top + (y + 1) * scale, ink);
      }),
    );
  }
}

function covers(shape: Shape, x: number, y: number, size: number): boolean {
  if (shape === "square") return true;
  if (shape === "circle") return (x - size / 2) ** 2 + (y - size / 2) ** 2 <= (size / 2) ** 2;
  return Math.abs(x - size / 2) <= y / 2;
}

/** Up to nine places, each inside a cell of its own, coordinates and sizes multiples of 4 pixels. */
export function scatter(
  random: SeededRandom,
  count: number,
  sizes: readonly number[],
): { x: number; y: number; size: number }[] {
  const cells = random.sample([...Array(cellsPerSide ** 2).keys()], count);
  return cells.map((cell) => {
    const size = random.pick(sizes);
    const slack = (cellSize - size) / 4;
    return {
      x: (cell % cellsPerSide) * cellSize + random.int(0, slack) * 4,
      y: Math.floor(cell / cellsPerSide) * cellSize + random.int(0, slack) * 4,
      size,
    };
  });
}

/** Which of the nine cells a pixel lies in, counted row by row. */
export function cellOf(x: number, y: number): number {
  return Math.floor(y / cellSize) * cellsPerSide + Math.floor(x / cellSize);
}

import type { SeededRandom } from "@v-triune/rollouts";
import { type Canvas, type PlacedShape, cellOf } from "./canvas";

/** A box in pixels of the picture, [x1, y1, x2, y2), with its label. */
export interface DemoBox {
  readonly box: readonly [number, number, number, number];
  readonly label: string;
}

/**
 * What the exact label of a picture is: a value that mathverify reads out of `\boxed{..}`, or boxes for the detection
 * verifier.
 */
export type DemoAnswer =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "boxes"; readonly boxes: readonly DemoBox[] }
  /** A description that only the warm start asks for; nothing verifies it. */
  | { readonly kind: "description"; readonly value: string };

/** One drawn picture with one question about it. */
export interface DemoQuestion {
  readonly canvas: Canvas;
  readonly question: string;
  readonly answer: DemoAnswer;
  /** What a worked answer writes between the think tags. */
  readonly thought: string;
}

/**
 * A source draws a picture and asks about it; `describe` asks for everything in it instead (the warm start's dense
 * questions).
 */
export type DemoSource = (random: SeededRandom, describe: boolean) => DemoQuestion;

export function boxOf({ x, y, size, shape }: PlacedShape): DemoBox {
  return { box: [x, y, x + size, y + size], label: shape };
}

/** Boxes in reading order of their cells, the order in which the labels list them. */
export function inReadingOrder(boxes: readonly DemoBox[]): DemoBox[] {
  return [...boxes].sort((a, b) => cellOf(a.box[0], a.box[1]) - cellOf(b.box[0], b.box[1]));
}

/** The dense question of the sources with free objects: what is in each of the nine cells. */
export function describeCells(objects: readonly PlacedShape[]): Pick<DemoQuestion, "question" | "answer"> {
  const cells = Array<string>(9).fill(".");
  for (const object of objects) cells[cellOf(object.x, object.y)] = `${object.color} ${object.shape}`;
  return { question: "Describe every cell.", answer: { kind: "description", value: cells.join(", ") } };
}

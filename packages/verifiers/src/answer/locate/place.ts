/** Places in a response, as the searches of this folder report them. */
import type { Span } from "./scope";

/** How a place was found. */
export type How =
  | "box"
  | "boxes"
  | "cut-off box"
  | "data"
  | "hash mark"
  | "announcement"
  | "whole text"
  | "emphasis"
  | "formula"
  | "last line"
  | "statement";

/** A place in the response that may hold the answer. */
export interface Place extends Span {
  readonly how: How;
  /** What stands there; of a list of boxes what they hold together. */
  readonly text: string;
  /** Whether only the same text counts here: the place is too wide to be read as a value. */
  readonly isVerbatim?: true;
}

/** The answer within a gold answer, which may be bare, boxed, in tags, or the solution that ends in it. */
import { findBoxes, joinBoxes, standingBoxes } from "./locate/boxes";
import { answerScope } from "./locate/scope";
import { hashAnswer } from "./locate/structured";

const ANNOUNCED_GOLD =
  /^\s*(?:[*_#]{0,3}(?:the )?(?:final |correct )?answer(?: is)?[*_]{0,2} ?[:：]?|答案[是为]?[:：]?|[故应]选[:：]?)[*_]{0,2}\s*/i;

/** 点P的坐标为(2,-1) */
const NAMED_GOLD = /^\s*[\p{Script=Han}][\p{Script=Han}A-Z]{0,20}(?:为|是|等于)([^\p{Script=Han}]{1,200})$/u;

/** The answer within a gold: its box, its answer block, what follows `####` or "Answer:"; else the whole text. */
export function goldText(written: string): string {
  const scope = answerScope(written);
  const inside = scope.cuts.length > 0 && scope.start < scope.end ? written.slice(scope.start, scope.end) : written;
  const boxes = standingBoxes(inside, findBoxes(inside, 0, inside.length), inside.length);
  if (boxes.length > 0) return joinBoxes(inside, boxes, 0);
  const hash = hashAnswer(inside, { start: 0, end: inside.length });
  if (hash !== undefined) return hash.text;
  const named = NAMED_GOLD.exec(inside);
  if (named !== null) return named[1]!;
  const announced = ANNOUNCED_GOLD.exec(inside);
  const rest = announced === null ? "" : inside.slice(announced[0].length);
  return rest.trim() === "" ? inside : rest;
}

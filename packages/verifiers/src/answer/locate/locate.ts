/**
 * Stage 1, locate: where a response says its answer. All verifiers can share it: it knows no gold answer and no type.
 * It returns places in the order in which they should be tried, the most deliberate first; a place that cannot be read
 * as an answer of the right kind gives way to the next, and the first that can decides.
 *
 *     scope      after the last thought, inside the last answer block                        scope.ts
 *     boxes      the last box, or list of boxes, that the text stands by                     boxes.ts
 *     data       {"answer": ..}, `#### 18`                                                   structured.ts
 *     phrases    what the last "the answer is" announces, in several languages               languages.ts, announcements.ts
 *     prose      the result of the last sentence, where nothing announces one                statement.ts
 *
 * A response with none of these has no answer. Every search is linear in the response.
 */
import { announcedPlaces, revisedPlace } from "./announcements";
import { findBoxes, joinBoxes, standingBoxes } from "./boxes";
import { REFUSAL } from "./languages";
import type { How, Place } from "./place";
import { answerScope, type Scope, type Span } from "./scope";
import { statementPlaces } from "./statement";
import { dataAnswer, hashAnswer } from "./structured";

export interface Located {
  readonly scope: Scope;
  readonly places: readonly Place[];
  /** Why there is no place. */
  readonly reason?: string;
}

/**
 * Finds the places where a response says its answer.
 *
 * @example locate("<think>5?</think> The answer is \\boxed{4}.").places[0] // { how: "box", text: "4", start: 37, end: 38 }
 */
export function locate(response: string): Located {
  const scope = answerScope(response);
  if (scope.isOnlyThought) return { scope, places: [], reason: "the thought never ends" };
  if (scope.start === scope.end) return { scope, places: [], reason: "there is no text after the thought" };
  const boxed = boxedPlaces(response, scope);
  if (boxed !== undefined) return { scope, places: boxed };
  const data = dataAnswer(response, scope) ?? hashAnswer(response, scope);
  if (data !== undefined) return { scope, places: [data, whole(response, scope)] };
  const announced = announcedPlaces(response, scope);
  if (announced.length > 0) return { scope, places: [...announced, whole(response, scope)] };
  const isShort = scope.end - scope.start <= LONGEST_SHORT;
  const places: Place[] = isShort ? [placeOf(response, scope, "whole text")] : [whole(response, scope)];
  if (REFUSAL.test(response.slice(Math.max(scope.start, scope.end - 500), scope.end))) return { scope, places };
  return { scope, places: [...places, ...statementPlaces(response, scope)] };
}

/** A text up to this length may be an answer as a whole, with a unit and a few words. */
const LONGEST_SHORT = 400;

const placeOf = (response: string, { start, end }: Span, how: How): Place => ({
  start,
  end,
  how,
  text: response.slice(start, end),
});
const whole = (response: string, scope: Span): Place => ({
  ...placeOf(response, scope, "whole text"),
  isVerbatim: true,
});

/** The box that the text stands by, or what a later sentence puts in its place. */
function boxedPlaces(response: string, scope: Scope): Place[] | undefined {
  const boxes = findBoxes(response, scope.start, scope.end);
  if (boxes.length === 0) return undefined;
  const group = standingBoxes(response, boxes, scope.end);
  const after = group.at(-1)?.outer.end ?? boxes.at(-1)!.outer.end;
  const revised = revisedPlace(response, { start: after, end: scope.end }, group.length === 0);
  if (revised !== undefined) return revised;
  if (group.length === 0) return [];
  const [first, last] = [group[0]!, group.at(-1)!];
  const text = joinBoxes(response, group, scope.start);
  const how = group.length > 1 ? "boxes" : last.isClosed ? "box" : "cut-off box";
  return [{ start: first.start, end: last.end, how, text }];
}

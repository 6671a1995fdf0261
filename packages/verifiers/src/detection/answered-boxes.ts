/**
 * The boxes of a response as the detection verifier reads them: behind the thought, in the last answer block if there
 * is one.
 */
import { answerScope } from "../answer/locate/scope";
import type { Box } from "../boxes/box";
import { isYFirst, type BoxConvention } from "../boxes/box-convention";
import { parseBoxes } from "../boxes/parse-boxes";

/** The text that is read; undefined if there is nothing but a thought. */
export function answeredText(response: string): string | undefined {
  const scope = answerScope(response);
  return scope.isOnlyThought ? undefined : response.slice(scope.start, scope.end);
}

/**
 * The boxes of a response, x before y, in the units in which they are written.
 *
 * @param convention decides the order of x and y
 * @example answeredBoxes("<answer>[{'bbox_2d': [1, 2, 3, 4], 'label': 'cat'}]</answer>", "thousandths")
 */
export function answeredBoxes(response: string, convention: BoxConvention): Box[] {
  const text = answeredText(response);
  return text === undefined ? [] : parseBoxes(text, { yFirst: isYFirst(convention) });
}

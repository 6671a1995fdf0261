import type { IncomingMessage, ServerResponse } from "node:http";
import { CLIENT_GONE, DEADLINE_PASSED, invalidField } from "./refusal-error";

/** The header by which a client says how many milliseconds it will wait. */
export const DEADLINE_HEADER = "x-deadline-ms";

/**
 * The signal that ends a request's work: the client has gone, or its deadline has passed.
 *
 * @throws RefusalError 400 for a deadline that is not a whole number above 0
 */
export function requestLife(incoming: IncomingMessage, outgoing: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const header = incoming.headers[DEADLINE_HEADER];
  let timer: NodeJS.Timeout | undefined;
  if (header !== undefined) {
    const ms = Number(header);
    if (!(Number.isSafeInteger(ms) && ms > 0))
      throw invalidField(
        DEADLINE_HEADER,
        `${DEADLINE_HEADER}: a whole number of milliseconds above 0 expected, found ${JSON.stringify(header)}`,
      );
    timer = setTimeout(() => controller.abort(DEADLINE_PASSED), Math.min(ms, 2 ** 31 - 1));
  }
  outgoing.once("close", () => {
    clearTimeout(timer);
    if (!outgoing.writableFinished) controller.abort(CLIENT_GONE);
  });
  return controller.signal;
}

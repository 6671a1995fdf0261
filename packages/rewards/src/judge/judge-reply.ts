/** Reads a verdict from what a judge wrote: the last JSON object of its reply. Anything else is no verdict. */

/** @returns which items are met, or why the reply cannot be read */
export function readRubricReply(reply: string, items: number): readonly boolean[] | string {
  const verdicts = lastObject(reply)?.["verdicts"];
  if (!Array.isArray(verdicts)) return `no {"verdicts": [..]} in ${quoted(reply)}`;
  if (verdicts.length !== items) return `${verdicts.length} verdicts for ${items} criteria in ${quoted(reply)}`;
  if (!verdicts.every((verdict) => typeof verdict === "boolean"))
    return `a verdict that is not true or false in ${quoted(reply)}`;
  return verdicts as boolean[];
}

/** @returns which answer is better, or why the reply cannot be read */
export function readPairwiseReply(reply: string): { readonly better: "A" | "B" | "tie" } | string {
  const better = lastObject(reply)?.["better"];
  if (better === "A" || better === "B" || better === "tie") return { better };
  return `no {"better": "A", "B" or "tie"} in ${quoted(reply)}`;
}

/** Characters ahead of the closing brace in which the object begins: every start costs a pass over the rest. */
const LONGEST_OBJECT = 10_000;

function lastObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const end = text.lastIndexOf("}") + 1;
  const least = Math.max(0, end - LONGEST_OBJECT);
  let start = end;
  while (start > least) {
    start = text.lastIndexOf("{", start - 1);
    if (start < least) return undefined;
    try {
      return JSON.parse(text.slice(start, end)) as Record<string, unknown>;
    } catch {
      // The object begins further ahead.
    }
  }
  return undefined;
}

const quoted = (reply: string): string => JSON.stringify(reply.length > 80 ? `..${reply.slice(-78)}` : reply);

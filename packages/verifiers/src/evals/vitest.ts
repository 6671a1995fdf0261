/**
 * Matchers for `expect.extend` of vitest and jest. Their messages show what was read. For types, add once:
 *
 *     declare module "vitest" { interface Matchers<T = any> extends VerifierMatchers<T> {} }
 */
import { explain, type Explanation } from "../answer/explain";
import { parseBoxes } from "../boxes/parse-boxes";
import { matchBoxes } from "../detection/match-boxes";
import { jsonSchema } from "../json-schema/json-schema-verifier";
import { parse } from "../math/parse";
import { verify } from "../math/verify";

/** What a matcher returns. */
export interface MatcherResult {
  pass: boolean;
  message: () => string;
}

/** The types of the matchers, for `expect`. */
export interface VerifierMatchers<R = unknown> {
  /** The text says this answer, as a careful person reads it (`answer`). */
  toMatchAnswer: (gold: string, params?: Readonly<Record<string, unknown>>) => R;
  /** The text says this value or formula, as Math-Verify compares them. */
  toEqualMath: (gold: string) => R;
  /**
   * The boxes of the text are these boxes, one for one and label for label; `iou` is what a pair must reach, default
   * 0.5.
   */
  toMatchBoxes: (gold: string | readonly object[], options?: { readonly iou?: number }) => R;
  /** The JSON of the text fits this schema. */
  toMatchJsonSchema: (schema: object) => R;
}

/** @example expect.extend(verifierMatchers); expect("The answer is \\boxed{0.5}").toEqualMath("1/2"); */
export const verifierMatchers = {
  toMatchAnswer(received: unknown, gold: string, params?: Readonly<Record<string, unknown>>): MatcherResult {
    const found = explain(gold, asText(received), params);
    return result(found.verdict === "right", "the answer", gold, [
      ...readLines(found),
      `because   ${found.verdict === "right" || found.verdict === "wrong" ? "" : `${found.verdict}: `}${found.reason}`,
    ]);
  },

  toEqualMath(received: unknown, gold: string): MatcherResult {
    const wanted = parse(/\\boxed|\$/.test(gold) ? gold : `\\boxed{${gold}}`);
    const found = parse(asText(received));
    const read = (readings: readonly unknown[]) => readings.findLast((one) => typeof one === "string") ?? "nothing";
    return result(verify(wanted, found), "the value", gold, [
      `gold      read as ${String(read(wanted))}`,
      `received  read as ${String(read(found))}, from ${shown(received)}`,
    ]);
  },

  toMatchBoxes(
    received: unknown,
    gold: string | readonly object[],
    { iou = 0.5 }: { readonly iou?: number } = {},
  ): MatcherResult {
    const wanted = parseBoxes(typeof gold === "string" ? answerOf(gold) : JSON.stringify(gold));
    const found = parseBoxes(answerOf(typeof received === "string" ? received : JSON.stringify(received)));
    const pairs = matchBoxes(found, wanted, { epsilon: iou, strategy: "optimal" });
    const rest = <T>(list: readonly T[], taken: readonly number[]) => list.filter((_, index) => !taken.includes(index));
    const missing = rest(
      wanted,
      pairs.map((pair) => pair.gold),
    );
    const extra = rest(
      found,
      pairs.map((pair) => pair.prediction),
    );
    const list = (boxes: typeof wanted) => boxes.map(({ bbox, label }) => `${label} [${bbox.join(", ")}]`).join("; ");
    const goldText = typeof gold === "string" ? gold : JSON.stringify(gold);
    return result(wanted.length > 0 && missing.length + extra.length === 0, `the boxes (IoU ${iou})`, goldText, [
      `found     ${pairs.length} of ${wanted.length}${pairs.map((pair) => `, IoU ${pair.iou.toFixed(3)}`).join("")}`,
      ...(missing.length > 0 ? [`missing   ${list(missing)}`] : []),
      ...(extra.length > 0 ? [`too many  ${list(extra)}`] : []),
      ...(wanted.length === 0 ? ["gold      no boxes can be read in it"] : []),
    ]);
  },

  toMatchJsonSchema(received: unknown, schema: object): MatcherResult {
    const text = typeof received === "string" ? received : JSON.stringify(received);
    const verdict = jsonSchema.verify(text, { groundTruth: "", params: { schema } });
    const isRight = verdict.status === "scored" && verdict.accuracy === 1;
    return result(isRight, "the schema", JSON.stringify(schema), [
      `received  ${shown(text)}`,
      ...(verdict.status === "scored" ? [] : [`because   ${verdict.reason}`]),
    ]);
  },
};

/** A matcher's result, with a message for both ways to fail. */
function result(pass: boolean, what: string, gold: string, lines: readonly string[]): MatcherResult {
  const message = () => [`expected ${pass ? "another text than " : ""}${what} ${shown(gold)}`, ...lines].join("\n  ");
  return { pass, message };
}

function readLines({ gold, places = [] }: Explanation): string[] {
  const place = places.findLast(({ comparison }) => comparison !== undefined) ?? places.at(-1);
  return [
    gold === undefined ? "gold      not read" : `gold      read as ${gold.type} ${shown(gold.normalized)}`,
    place === undefined
      ? "received  no answer found"
      : `received  read as ${shown(place.normalized)}, from ${place.how}`,
  ];
}

const answerOf = (text: string): string => /<answer>(?!.*<answer>)(.*?)(?:<\/answer>|$)/s.exec(text)?.[1] ?? text;
const asText = (value: unknown): string => (typeof value === "string" ? value : String(value));
const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
};

/** What a verifier made of a case, stage by stage. Every stage calls the verifiers' own functions. */
import { rolloutBoxes, type RolloutBoxes } from "@v-triune/monitor/browser";
import builtinVerifiers from "@v-triune/rewards/builtin-verifiers";
import { createVerifierRegistry, type Verdict } from "@v-triune/verifiers";
import { type ExplainedPlace, explain, type Explanation, locate, normalize } from "@v-triune/verifiers/answer";
import { readDetectionParams } from "@v-triune/verifiers/detection";
import { countOccurrences, extractAnswer, THINK_ANSWER_MARKS } from "@v-triune/verifiers/format";
import { type Parsed, parse, verify, vTriune } from "@v-triune/verifiers/math";
import { type Case, readParams } from "./case";
import { expressionText } from "./expression-text";

export interface Reading {
  readonly kind: "tree" | "text";
  readonly text: string;
}

export interface MathStage {
  readonly gold: readonly Reading[];
  readonly response: readonly Reading[];
  /** Indexes of the readings that are equal; undefined where none are. */
  readonly matched: readonly [gold: number, response: number] | undefined;
  /** Marks of the format, and how often each occurs; once is right. */
  readonly marks: readonly { readonly mark: string; readonly count: number }[];
}

export interface BoxStage {
  readonly boxes: RolloutBoxes;
  readonly width: number;
  readonly height: number;
}

export interface Stages {
  readonly verdict: Verdict;
  /** Of `answer`. */
  readonly explanation?: Explanation;
  /** Where an answer was looked for, best first. */
  readonly places: readonly Pick<ExplainedPlace, "how" | "start" | "end" | "text" | "normalized">[];
  readonly math?: MathStage;
  readonly boxes?: BoxStage;
  /** What stands between the answer tags, where that is what the verifier reads. */
  readonly extracted?: string | null;
}

const registry = createVerifierRegistry(builtinVerifiers());
/** Verifiers that look for the answer in prose as `answer` does. */
const READS_PROSE: readonly string[] = ["answer", "choice", "text", "number"];

export function stagesOf(given: Case): Stages | { readonly problem: string } {
  const { verifier, gold, response } = given;
  const { value: params, problem } = readParams(given.params);
  if (problem !== undefined) return { problem };
  const judged = registry.get(verifier);
  const checked = judged.params?.["~standard"].validate(params ?? {});
  if (checked && "issues" in checked && checked.issues)
    return { problem: checked.issues.map(({ message }) => message).join("; ") };
  const verdict = judged.verify(response, { groundTruth: gold, ...(params ? { params } : {}) });
  const explanation = verifier === "answer" ? explain(gold, response, params) : undefined;
  const places = explanation?.places ?? (READS_PROSE.includes(verifier) ? located(response) : []);
  return {
    verdict,
    places,
    ...(explanation ? { explanation } : {}),
    ...(verifier === "mathverify" ? { math: mathStage(gold, response) } : {}),
    ...(verifier === "detection" ? { extracted: extractAnswer(response) ?? null, ...boxStage(given, params) } : {}),
  };
}

function located(response: string): Stages["places"] {
  return locate(response).places.map(({ how, start, end, text }) => ({
    how,
    start,
    end,
    text,
    normalized: normalize(text).text,
  }));
}

function mathStage(gold: string, response: string): MathStage {
  const [wanted, found] = [parse(gold, vTriune.gold), parse(response, vTriune.prediction)];
  const pairs = wanted.flatMap((_, g) => found.map((__, p) => [g, p] as const));
  return {
    gold: wanted.map(reading),
    response: found.map(reading),
    matched: pairs.find(([g, p]) => verify([wanted[g]!], [found[p]!], vTriune.verify)),
    marks: THINK_ANSWER_MARKS.map((mark) => ({
      mark: mark.replaceAll("\n", "⏎"),
      count: countOccurrences(response, mark),
    })),
  };
}

const reading = (parsed: Parsed): Reading =>
  typeof parsed === "string" ? { kind: "text", text: parsed } : { kind: "tree", text: expressionText(parsed) };

/** Thousandths of the picture where the parameters do not say another size. */
const UNSIZED = { width: 1000, height: 1000 };

function boxStage({ gold, response }: Case, params: Record<string, unknown> | undefined): { boxes?: BoxStage } {
  const read = readDetectionParams(params);
  if (read.issues !== undefined) return {};
  const { pictureSize = UNSIZED, boxes: convention, normalized } = read.value;
  const boxes = rolloutBoxes(response, gold, {
    ...pictureSize,
    convention: convention ?? (normalized ? "resized-pixels" : "thousandths"),
  });
  return boxes ? { boxes: { boxes, width: pictureSize.width, height: pictureSize.height } } : {};
}

/** What several responses to one question agree on, computed from text to text for the worker threads. */
import { detectionGroundTruth, type GoldBox } from "@v-triune/schema";
import { answeredBoxes, boxesInThousandths, type BoxConvention, type PictureSize } from "@v-triune/verifiers/detection";
import { classifyAnswers, type AnswerClass, type GoldHints, type StatedResponse } from "./answer-classes";
import { boxSites, type AgreedBox } from "./box-sites";
import { divisionKey } from "./suspicion-model";

/** A question's responses, and its gold: a text as samples have it, or boxes in thousandths of the picture. */
export interface AgreementRequest {
  readonly responses: readonly StatedResponse[];
  readonly gold: string | readonly GoldBox[];
  readonly hints?: GoldHints;
  /** The convention of the responses' boxes, and the sizes of the picture. */
  readonly boxes?: BoxConvention;
  readonly seen?: PictureSize;
  readonly stored?: PictureSize;
}

/** What the responses agree on. */
export interface Agreement {
  /** Responses that say an answer. */
  readonly answers: number;
  /** Keys of divisions: those that show how the model does, and those that exist only where someone errs. */
  readonly sites: readonly string[];
  readonly elsewhere: readonly string[];
  /** Answers that give the gold; for boxes, of the gold box that fewest answers find. */
  readonly goldCount: number;
  /** The largest other class, and the gold that it would be: an answer, or boxes. Null without one. */
  readonly consensusCount: number;
  readonly consensus: string | readonly GoldBox[] | null;
  /** What a person is shown. */
  readonly classes: readonly AnswerClass[];
  readonly agreed: readonly AgreedBox[];
}

/** Classes that are shown. */
const MOST_SHOWN = 6;

/** @returns `Agreement` as JSON; empty if the gold cannot be read or no response says an answer */
export function agreementOf(text: string): string {
  const request = JSON.parse(text) as AgreementRequest;
  const found = typeof request.gold === "string" ? ofAnswers(request.gold, request) : ofBoxes(request.gold, request);
  return found === null || found.answers === 0 ? "" : JSON.stringify(found);
}

function ofAnswers(gold: string, { responses, hints }: AgreementRequest): Agreement | null {
  const classes = classifyAnswers(gold, responses, hints);
  if (classes === null) return null;
  const { others } = classes;
  const answers = others.reduce((sum, { count }) => sum + count, classes.gold);
  return {
    answers,
    sites: [divisionKey({ gold: classes.gold, others: others.map(({ count }) => count) })],
    elsewhere: [],
    goldCount: classes.gold,
    consensusCount: others[0]?.count ?? 0,
    consensus: others[0]?.text ?? null,
    classes: others.slice(0, MOST_SHOWN),
    agreed: [],
  };
}

function ofBoxes(golds: readonly GoldBox[], request: AgreementRequest): Agreement | null {
  const { responses, boxes: convention = "resized-pixels", seen, stored } = request;
  const answers = responses.flatMap(({ text }) => {
    const read = boxesInThousandths(answeredBoxes(text, convention), { convention, seen, stored });
    return read === undefined || read.length === 0 ? [] : [read];
  });
  const { atGolds, elsewhere, agreed, corrected } = boxSites(golds, answers);
  const isChanged = detectionGroundTruth(corrected) !== detectionGroundTruth(golds);
  return {
    answers: answers.length,
    sites: atGolds.map(divisionKey),
    elsewhere: elsewhere.map(divisionKey),
    goldCount: Math.min(answers.length, ...atGolds.map(({ gold }) => gold)),
    consensusCount: agreed[0]?.count ?? 0,
    consensus: isChanged ? corrected : null,
    classes: [],
    agreed,
  };
}

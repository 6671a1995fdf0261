import { paramsSchema, type ParamsIssue, type ParamsResult } from "../standard-schema";
import { ANSWER_TYPES, type AnswerTypeName } from "./types/gold";

/** Parameters of the `answer` verifier: what a sample's `verifier_parm` may say to it. */
export interface AnswerParams {
  /**
   * What the gold answer is, where its form does not say: "12-30" as a "code", "A" as a "word". By default the form
   * decides.
   */
  readonly type?: AnswerTypeName;
  /**
   * The texts of the options, A first: a letter, an option's text or both are then compared with a gold answer that is
   * either.
   */
  readonly choices?: readonly string[];
}

/** What a run or the layout of a sample adds for every verifier. It means nothing here and is no mistake. */
const OF_THE_RUN: ReadonlySet<string> = new Set([
  "is_training",
  "step",
  "total_steps",
  "epsilon",
  "image_grid_thw",
  "image_path",
  "image_sizes",
  "boxes",
  "gold_boxes",
  "image_sizes",
  "det_verifier_normalized",
  "det_reward_ratio",
  "boxes",
  "gold_boxes",
  "size_penalty",
]);

/** Reads parameters. An unknown name is an issue, as a misspelt one would change nothing. */
export function readAnswerParams(params: unknown): ParamsResult<AnswerParams> {
  if (params === undefined || params === null) return { value: {} };
  if (typeof params !== "object" || Array.isArray(params))
    return { issues: [{ message: "params: an object expected" }] };
  const issues: ParamsIssue[] = [];
  for (const [name, value] of Object.entries(params))
    if (name !== "type" && name !== "choices" && !OF_THE_RUN.has(name) && value !== null && value !== undefined)
      issues.push({ path: [name], message: `${name}: unknown to "answer", which knows type and choices` });
  const type = (params as { type?: unknown }).type ?? undefined;
  if (type !== undefined && !ANSWER_TYPES.includes(type as AnswerTypeName))
    issues.push({
      path: ["type"],
      message: `type: one of ${ANSWER_TYPES.join(", ")} expected, found ${JSON.stringify(type)?.slice(0, 60) ?? String(type)}`,
    });
  const choices = (params as { choices?: unknown }).choices ?? undefined;
  if (choices !== undefined && !isTexts(choices))
    issues.push({
      path: ["choices"],
      message: `choices: a list of strings expected, found ${JSON.stringify(choices)?.slice(0, 60) ?? String(choices)}`,
    });
  if (issues.length > 0) return { issues };
  return {
    value: {
      ...(type !== undefined && { type: type as AnswerTypeName }),
      ...(isTexts(choices) && choices.length > 0 && { choices }),
    },
  };
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

/** The same as a Standard Schema, for a run that checks its samples before it starts. */
export const answerParamsSchema = paramsSchema<AnswerParams>(readAnswerParams);

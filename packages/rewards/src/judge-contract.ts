/**
 * The original reward server's contract, `POST /judge` (MiniMax-AI/One-RL-to-See-Them-All, reward_serving_fastapi.py @
 * 39bcf0d):
 *
 *     request  {response, prompt, answer, solution, data_source, reward_verifier, reward_verifier_parm: "<JSON text>",
 *               format_ratio?, accuracy_ratio?}
 *     reply    {"rewards": {format_reward, accuracy_reward, reflection_reward, final_reward, "<metric>_reward", ..}, "warnings"?: [..]}
 *
 * Its successor (GAIR-NLP/Med, reward_serving_fastapi.py @ c41310c) also sends `query`, which nothing reads,
 * `fmt_ratio` for the format ratio, and `len_ratio`, which its server takes and does not use: it has no length reward.
 * Here a `len_ratio` above 0 is a warning. So is every key that is not known: none is dropped silently. The four texts
 * may be content parts (content-text.ts).
 *
 * `reflection_reward` is always 0. The original answers 200 with zeros to an unknown verifier and to every exception.
 * So does `judgeAsOriginal`, while `judgeReply` says what happened. HTTP itself is the server's concern.
 */
import { UnknownVerifierError, mathverifyFormat, type VerifierRegistry } from "@v-triune/verifiers";
import { RewardRatioError, composeReward } from "./compose-reward";
import { isRecord } from "@v-triune/node-kit/is-record";
import { VTriuneError, describeValue, nearest } from "@v-triune/errors";
import { ContentError, goldText, promptText, responseText, type ContentOptions } from "./content/content-text";
import { describeBreach, type ContractBreach } from "./contract-breach";
import { scoreRequest, type RewardOutcome } from "./score-request";
import type { RewardRequest } from "./reward-source";

/** A checked request. */
export interface JudgeRequest {
  readonly response: string;
  readonly prompt: string;
  readonly answer: string;
  /** The gold answer as the verifier reads it. */
  readonly solution: string;
  readonly data_source: string;
  readonly reward_verifier: string;
  /** The sample's verifier_parm and the run's is_training, step, total_steps, image_grid_thw, image_path; JSON text. */
  readonly reward_verifier_parm: string;
  readonly format_ratio?: number | null;
  readonly accuracy_ratio?: number | null;
  /** What was ignored, one sentence each; see {@link readJudgeRequest}. */
  readonly warnings?: readonly string[];
}

/** The body of a reply of the original. */
export interface JudgeRewards {
  readonly rewards: Readonly<Record<string, number>>;
  /** What of the request was ignored; absent if nothing was. */
  readonly warnings?: readonly string[];
}

/** A request that breaks the contract; `where` is the field. Its message is one line, for replies of servers. */
export class JudgeRequestError extends VTriuneError {
  override readonly name = "JudgeRequestError";
  declare readonly where: string;

  constructor({ where, expected, found }: ContractBreach) {
    const details = { where, expected, found };
    super({ what: "The request breaks the contract.", ...details }, describeBreach(details));
  }
}

const TEXT_FIELDS = ["data_source", "reward_verifier", "reward_verifier_parm"] as const;
const CONTENT_FIELDS = { response: responseText, prompt: promptText, answer: goldText, solution: goldText } as const;
const RATIO_FIELDS = ["format_ratio", "accuracy_ratio", "fmt_ratio", "len_ratio"] as const;
const KNOWN_FIELDS: readonly string[] = [...Object.keys(CONTENT_FIELDS), ...TEXT_FIELDS, ...RATIO_FIELDS, "query"];

/**
 * Checks a parsed body, and joins content parts to text.
 *
 * @returns the request; `fmt_ratio` has become `format_ratio`, and `warnings` names what was ignored
 * @throws JudgeRequestError with the field, what was expected and what was found
 */
export function readJudgeRequest(body: unknown, options: ContentOptions = {}): JudgeRequest {
  if (!isRecord(body))
    throw new JudgeRequestError({ where: "body", expected: "a JSON object", found: describeValue(body) });
  const text = (field: (typeof TEXT_FIELDS)[number]): string => {
    const value = body[field];
    if (typeof value === "string") return value;
    throw new JudgeRequestError({ where: field, expected: "a string", found: describeValue(value) });
  };
  const content = (field: keyof typeof CONTENT_FIELDS): string => {
    try {
      return CONTENT_FIELDS[field](body[field], field, options);
    } catch (error) {
      throw error instanceof ContentError ? new JudgeRequestError(error) : error;
    }
  };
  const request = {
    response: content("response"),
    prompt: content("prompt"),
    answer: content("answer"),
    solution: content("solution"),
    data_source: text("data_source"),
    reward_verifier: text("reward_verifier"),
    reward_verifier_parm: text("reward_verifier_parm"),
  };
  const [format, accuracy, short, length] = RATIO_FIELDS.map((field) => readRatio(body, field));
  if (typeof format === "number" && typeof short === "number" && format !== short)
    throw new JudgeRequestError({
      where: "fmt_ratio",
      expected: `the same as format_ratio, ${format}, or only one of the two`,
      found: describeValue(short),
    });
  const warnings = [...unknownFields(body), ...((length ?? 0) > 0 ? [NO_LENGTH_REWARD] : [])];
  return {
    ...request,
    format_ratio: format ?? short ?? null,
    accuracy_ratio: accuracy ?? null,
    ...(warnings.length > 0 && { warnings }),
  };
}

const NO_LENGTH_REWARD = "len_ratio: ignored, there is no length reward; the successor's server ignores it too";
/** A body with more unknown keys than that is something else; the rest is counted. */
const MOST_NAMED = 8;
const LONGEST_KEY = 64;

function unknownFields(body: Readonly<Record<string, unknown>>): string[] {
  const unknown = Object.keys(body).filter((key) => !KNOWN_FIELDS.includes(key));
  const named = unknown.slice(0, MOST_NAMED).map((key) => {
    const meant = nearest(key.slice(0, LONGEST_KEY), KNOWN_FIELDS);
    const help = meant === null || meant in body ? "" : `; did you mean ${meant}?`;
    return `${describeValue(key.slice(0, LONGEST_KEY))}: ignored, no such key${help}`;
  });
  const rest = unknown.length - named.length;
  return rest === 0 ? named : [...named, `${rest} more unknown keys: ignored`];
}

function readRatio(body: Readonly<Record<string, unknown>>, field: string): number | null | undefined {
  const ratio = body[field];
  if (ratio === undefined || ratio === null || (typeof ratio === "number" && ratio >= 0 && Number.isFinite(ratio)))
    return ratio;
  throw new JudgeRequestError({
    where: field,
    expected: "a number of at least 0 or null",
    found: describeValue(ratio),
  });
}

/**
 * Turns a request into what a reward source takes.
 *
 * @throws JudgeRequestError when `reward_verifier_parm` is not the JSON text of an object
 */
export function judgeRequestToSample(request: JudgeRequest): RewardRequest {
  const {
    response,
    prompt,
    solution,
    data_source: dataSource,
    reward_verifier: verifier,
    accuracy_ratio: accuracyRatio = null,
    format_ratio: formatRatio = null,
  } = request;
  return {
    response,
    verifier,
    sample: { groundTruth: solution, prompt, dataSource, params: readParm(request.reward_verifier_parm) },
    accuracyRatio,
    formatRatio,
  };
}

function readParm(text: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new JudgeRequestError({
      where: "reward_verifier_parm",
      expected: "the JSON text of an object",
      found: `${describeValue(text)} (${(error as Error).message})`,
    });
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new JudgeRequestError({
      where: "reward_verifier_parm",
      expected: "the JSON text of an object",
      found: describeValue(text),
    });
  return parsed as Record<string, unknown>;
}

/** A reply: the HTTP status and the body. */
export interface JudgeReply {
  readonly status: 200 | 400 | 422 | 500;
  readonly body:
    | JudgeRewards
    | { readonly status: "skipped" | "error"; readonly reason: string; readonly warnings?: readonly string[] };
}

/**
 * The reply to an outcome: 200 with rewards; 422 if the sample's gold is bad; 400 if its parameters are (code
 * `params`); 500 if the judging failed. Never zeros that no verifier gave.
 *
 * @param warnings of the request, which the reply names
 */
export function judgeReply(outcome: RewardOutcome, warnings: readonly string[] = []): JudgeReply {
  const more = warnings.length > 0 ? { warnings } : {};
  if (outcome.status === "scored") {
    const { rewards } = rewardsOf(outcome.format, outcome.accuracy, outcome.reward, outcome.metrics);
    return { status: 200, body: { rewards, ...more } };
  }
  return {
    status: outcome.status === "skipped" ? 422 : outcome.code === "params" ? 400 : 500,
    body: { status: outcome.status, reason: outcome.reason, ...more },
  };
}

function rewardsOf(
  format: number,
  accuracy: number,
  final: number,
  metrics: Readonly<Record<string, number>>,
): JudgeRewards {
  const rewards: Record<string, number> = {
    format_reward: format,
    accuracy_reward: accuracy,
    reflection_reward: 0,
    final_reward: final,
  };
  for (const [name, value] of Object.entries(metrics)) rewards[`${name}_reward`] = value;
  return { rewards };
}

// A later trainer of the same team sends "query" too, always null in recorded requests.
const ORIGINAL_PARMS = new Set([
  "query",
  "is_training",
  "step",
  "total_steps",
  "image_path",
  "image_grid_thw",
  "verifier_style",
  "det_verifier_normalized",
  "det_reward_ratio",
]);
const ZEROS: JudgeRewards = rewardsOf(0, 0, 0, {});

/** A `/judge` request, handled as the original does. */
export interface OriginalJudging {
  /** What to judge; undefined if the original answers without judging. */
  readonly request: RewardRequest | undefined;
  /** What was ignored. The original's replies have no place for it, so that it goes to the log. */
  readonly warnings: readonly string[];
  /** The original's reply to the outcome; without an outcome its reply to an exception, zeros. */
  reply(outcome?: RewardOutcome): JudgeRewards;
}

/**
 * The two halves of {@link judgeAsOriginal}, for servers that judge elsewhere: what to judge, and how to answer.
 *
 * @throws JudgeRequestError when the body itself breaks the contract, as the original answers 422 then
 */
export function originalJudging(body: unknown, options: ContentOptions = {}): OriginalJudging {
  const checked = readJudgeRequest(body, options);
  const { warnings = [] } = checked;
  let request: RewardRequest;
  try {
    request = judgeRequestToSample(checked);
  } catch (error) {
    if (error instanceof JudgeRequestError) return { request: undefined, warnings, reply: () => ZEROS };
    throw error;
  }
  const params = request.sample.params ?? {};
  const { is_training: training, step, total_steps: totalSteps } = params;
  if (
    training === undefined ||
    typeof step !== "number" ||
    typeof totalSteps !== "number" ||
    totalSteps === 0 ||
    Object.keys(params).some((key) => !ORIGINAL_PARMS.has(key))
  ) {
    return { request: undefined, warnings, reply: () => ZEROS };
  }
  // The ratios are applied to the outcome: in the original a ratio that fails leaves the other rewards standing.
  return {
    request: { ...request, accuracyRatio: 1, formatRatio: 1 },
    warnings,
    reply: (outcome) => (outcome === undefined ? ZEROS : originalReply(request, outcome)),
  };
}

function originalReply(request: RewardRequest, outcome: RewardOutcome): JudgeRewards {
  const isMath = request.verifier === "mathverify";
  if (outcome.status !== "scored" && !isMath) return ZEROS;
  const accuracy = outcome.status === "scored" ? outcome.accuracy : 0;
  const format = isMath
    ? mathverifyFormat(request.response, { compat: true })
    : outcome.status === "scored"
      ? outcome.format
      : 0;
  const metrics = outcome.status === "scored" && !isMath ? outcome.metrics : {};
  return rewardsOf(format, accuracy, finalReward(accuracy, format, request), metrics);
}

/**
 * Answers as the original server does: unknown verifiers, unknown or missing parameters and every fault are 200 with
 * zeros; a math answer that cannot be judged keeps its format reward.
 *
 * @param registry with the compat `detection` at the threshold in question, and `mathverify`
 * @throws JudgeRequestError when the body itself breaks the contract, as the original answers 422 then
 */
export function judgeAsOriginal(registry: VerifierRegistry, body: unknown): JudgeRewards {
  const { request, reply } = originalJudging(body);
  if (request === undefined) return reply();
  try {
    return reply(scoreRequest(registry, request));
  } catch (error) {
    if (error instanceof UnknownVerifierError) return reply();
    throw error;
  }
}

function finalReward(accuracy: number, format: number, { accuracyRatio, formatRatio }: RewardRequest): number {
  try {
    return composeReward({ accuracy, format }, { accuracyRatio, formatRatio });
  } catch (error) {
    if (error instanceof RewardRatioError) return 0;
    throw error;
  }
}

import { type } from "arktype";
import type { RewardOutcome, RewardRequest } from "@v-triune/rewards";
import { sampleOfLabel } from "../contract/label-sample";
import { responseInQuery, withoutEndTokens } from "../contract/split-query";
import { OpenRlhfBody, SlimeBody } from "../contract/trainer-bodies";
import { RefusalError, invalidField } from "../http/refusal-error";
import { checkBatch, openRequest, type RouteContext, type RouteTools } from "./route";

/**
 * Reward calls as other trainers make them.
 *
 *   OpenRLHF  POST {"query": [], "prompts": [], "labels": []} → {"rewards": [], "scores": [], "extra_logs": {}}; further servers get
 *             empty lists and are expected to answer 200
 *   slime     POST {"prompt", "response", "label"} → the bare reward
 *
 * Neither has a word for "not scored". Such a sample gets `unscoredReward` and is marked: for OpenRLHF by `extra_logs.scored` = 0, for
 * slime by the headers `x-reward-status` and `x-reward-reason`. With `onError: "raise"` a sample that cannot be judged refuses its request.
 * So do mistakes of a person (a label, a verifier's parameters) when no sample of the request is free of them.
 */
export function openRlhfRoute(tools: RouteTools): (c: RouteContext) => Promise<Response> {
  return async (c) => {
    const { body, signal } = await openRequest(c, tools);
    const { query, prompts, labels } = valid(OpenRlhfBody(body));
    checkBatch(query.length, tools);
    for (const [name, list] of [
      ["prompts", prompts],
      ["labels", labels],
    ] as const) {
      if (list !== undefined && list !== null && list.length !== query.length)
        throw invalidField(name, `${name}: as many as query, ${query.length}, expected, found ${list.length}`);
    }
    const samples = query.map((text, index) =>
      readable(() => {
        const prompt = prompts?.[index];
        const response = prompt === undefined ? text : responseInQuery(text, prompt);
        if (response === undefined)
          throw invalidField(
            `query[${index}]`,
            `query[${index}]: prompts[${index}] and then the response expected; the prompt is not in it, so the beginning of the response is unknown`,
          );
        return requestOf(tools, { response, label: labels?.[index], field: `labels[${index}]`, prompt });
      }),
    );
    const faults = samples.map((sample) => (sample instanceof RefusalError ? sample : undefined));
    const fault = faults.find((found) => found !== undefined);
    if (fault !== undefined && (tools.settings.onError === "raise" || !faults.includes(undefined))) throw fault;
    const outcomes = await judgeReadable(tools, samples, signal);
    refuseOrLog(tools, outcomes, faults);
    const unscored = tools.settings.unscoredReward;
    const numbers = (of: (outcome: RewardOutcome) => number): number[] => outcomes.map(of);
    const ofScored = (part: "reward" | "accuracy" | "format"): number[] =>
      numbers((outcome) => (outcome.status === "scored" ? outcome[part] : unscored));
    const marked = (is: (outcome: RewardOutcome) => boolean): number[] => numbers((outcome) => (is(outcome) ? 1 : 0));
    const rewards = ofScored("reward");
    const extra = {
      accuracy: ofScored("accuracy"),
      format: ofScored("format"),
      scored: marked(({ status }) => status === "scored"),
      error: marked(({ status }) => status === "error"),
      undecided: marked(({ status, reason }) => status === "scored" && reason === "undecided"),
    };
    return c.json({ rewards, scores: rewards, extra_logs: query.length === 0 ? {} : extra });
  };
}

/** See {@link openRlhfRoute}. */
export function slimeRoute(tools: RouteTools): (c: RouteContext) => Promise<Response> {
  return async (c) => {
    const { body, signal } = await openRequest(c, tools);
    const { prompt, response, label } = valid(SlimeBody(body));
    const text = typeof prompt === "string" ? prompt : undefined;
    const outcome = await tools.source.one(requestOf(tools, { response, label, field: "label", prompt: text }), signal);
    refuseOrLog(tools, [outcome]);
    return c.json(outcome.status === "scored" ? outcome.reward : tools.settings.unscoredReward, 200, {
      "x-reward-status": outcome.status,
      ...(outcome.reason !== undefined && { "x-reward-reason": headerText(outcome.reason) }),
    });
  };
}

function valid<T>(found: T | type.errors): T {
  if (!(found instanceof type.errors)) return found;
  const first = found[0];
  const field = first === undefined || first.path.length === 0 ? "body" : first.path.stringify();
  throw invalidField(
    field,
    `${field}: ${first?.expected ?? "something else"} expected, found ${first?.actual ?? "this"}`,
  );
}

interface LabeledResponse {
  readonly response: string;
  readonly label: unknown;
  /** Where the label stands, for messages. */
  readonly field: string;
  readonly prompt: string | undefined;
}

/** @throws RefusalError for a label that names no gold answer, an unknown verifier, or ratios that make no reward */
function requestOf(
  { source, settings }: RouteTools,
  { response, label, field, prompt }: LabeledResponse,
): RewardRequest {
  const request = sampleOfLabel(withoutEndTokens(response), label, settings.defaultVerifier, field, prompt);
  source.check(request, {
    verifier: `${field}.verifier`,
    params: `${field}.verifier_parm`,
    accuracyRatio: `${field}.accuracy_ratio`,
  });
  return request;
}

function readable(read: () => RewardRequest): RewardRequest | RefusalError {
  try {
    return read();
  } catch (error) {
    if (error instanceof RefusalError) return error;
    throw error;
  }
}

/** Judges what could be read; the rest is `error`. */
async function judgeReadable(
  { source }: RouteTools,
  samples: readonly (RewardRequest | RefusalError)[],
  signal: AbortSignal,
): Promise<RewardOutcome[]> {
  const outcomes = samples.map((sample): RewardOutcome => ({
    status: "error",
    reason: sample instanceof RefusalError ? sample.message : "unanswered",
  }));
  const readableAt = samples.flatMap((sample, index) => (sample instanceof RefusalError ? [] : [index]));
  const requests = samples.filter((sample): sample is RewardRequest => !(sample instanceof RefusalError));
  for await (const { index, ...outcome } of source.many(requests, signal))
    outcomes[readableAt[index]!] = outcome as RewardOutcome;
  return outcomes;
}

/** The largest number of different reasons in one line of the log. */
const MOST_REASONS = 5;

/**
 * Logs why samples were not judged.
 *
 * @param faults of the samples that could not be read
 * @throws RefusalError where the settings ask for it; see {@link openRlhfRoute}
 */
function refuseOrLog(
  { settings, log }: RouteTools,
  outcomes: readonly RewardOutcome[],
  faults: readonly (RefusalError | undefined)[] = [],
): void {
  const failed = outcomes.flatMap((outcome, index) =>
    outcome.status === "error"
      ? [
          {
            index,
            reason: outcome.reason,
            isMistake: faults[index] !== undefined || outcome.code === "params" || outcome.code === "ratios",
          },
        ]
      : [],
  );
  const [first] = failed;
  if (first === undefined) return;
  const onlyMistakes = failed.length === outcomes.length && failed.every(({ isMistake }) => isMistake);
  if (settings.onError === "raise" || onlyMistakes) {
    const { index, reason, isMistake } = first;
    const where = outcomes.length === 1 ? "" : `sample ${index}: `;
    throw isMistake
      ? new RefusalError(400, "invalid-request", `${where}${reason}`, { field: "verifier_parm" })
      : new RefusalError(500, "error", `${where}the judging failed: ${reason}`, { status: "error", reason });
  }
  const reasons: Record<string, number> = {};
  for (const { index, reason } of failed) {
    // The message of a fault holds a part of the label.
    const text = settings.logText ? reason : (faults[index]?.code ?? reason);
    reasons[text] = (reasons[text] ?? 0) + 1;
  }
  log.warn(
    {
      samples: outcomes.length,
      failed: failed.length,
      reasons: Object.fromEntries(Object.entries(reasons).slice(0, MOST_REASONS)),
    },
    "samples left out",
  );
}

/** A text as a header may carry it. */
const headerText = (text: string): string => text.replace(/[^\x20-\x7e]/g, "?").slice(0, 200);

import { type } from "arktype";
import {
  ContentError,
  promptText,
  responseText,
  type ContentOptions,
  type RewardOutcome,
  type RewardRequest,
} from "@v-triune/rewards";
import { sampleOfLabel, type LabeledResponse } from "../contract/label-sample";
import { responseInQuery, withoutEndTokens } from "../contract/split-query";
import { OpenRlhfBody, SlimeBody } from "../contract/trainer-bodies";
import { RefusalError, invalidField, unreadableSample } from "../http/refusal-error";
import { judgeEach, readEach, reportLeftOut, type ReadSample } from "./readable-samples";
import { checkBatch, contentOptions, openRequest, type RouteContext, type RouteTools } from "./route";

/**
 * Reward calls as other trainers make them.
 *
 *   OpenRLHF  POST {"query": [], "prompts": [], "labels": []} → {"rewards": [], "scores": [], "extra_logs": {}};
 *             further servers get empty lists and are expected to answer 200
 *   slime     POST {"prompt", "response", "label"} → the bare reward
 *
 * Neither has a word for "not scored". Such a sample gets `unscoredReward` and is marked: for OpenRLHF by
 * `extra_logs.scored` = 0, for slime by the headers `x-reward-status` and `x-reward-reason`. With `onError: "raise"` a
 * sample that cannot be judged refuses its request. So do mistakes of a person (a verifier's name or parameters,
 * labels) when no sample of the request is free of them. A label or a text that cannot be read in a request of one
 * sample may be that sample's fault alone: these trainers ask one by one, and a refusal would end their run.
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
    const texts = contentOptions(tools);
    const samples = readEach(
      query,
      (text, index) => {
        const prompt = prompts?.[index];
        const place = { query: `query[${index}]`, prompt: `prompts[${index}]` };
        const promptAsText =
          prompt === undefined ? undefined : asRefusal(() => promptText(prompt, place.prompt, texts));
        const response = responseOf({ query: text, prompt: promptAsText, place, texts });
        return requestOf(tools, { response, label: labels?.[index], field: `labels[${index}]`, prompt: promptAsText });
      },
      tools.settings.onError === "skip",
    );
    const fault = samples.find((sample): sample is RefusalError => sample instanceof RefusalError);
    if (fault !== undefined && tools.settings.onError === "raise") throw fault;
    const outcomes: RewardOutcome[] = [];
    for await (const { index, outcome } of judgeEach(tools, samples, signal)) outcomes[index] = outcome;
    refuseOrReport(tools, "/openrlhf", outcomes, samples);
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
    const texts = contentOptions(tools);
    const samples = readEach(
      [response],
      (given) => {
        const text = asRefusal(() => responseText(given, "response", texts));
        const asked = (prompt ?? null) === null ? undefined : asRefusal(() => promptText(prompt, "prompt", texts));
        return requestOf(tools, { response: text, label, field: "label", prompt: asked });
      },
      tools.settings.onError === "skip",
    );
    const [sample] = samples as readonly [ReadSample];
    const outcome: RewardOutcome =
      sample instanceof RefusalError
        ? { status: "error", reason: sample.message, code: "request" }
        : await tools.source.one(sample, signal);
    refuseOrReport(tools, "/slime", [outcome], samples);
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

/** @throws RefusalError for a label that names no gold answer, an unknown verifier, or ratios that make no reward */
function requestOf(
  { source, settings }: RouteTools,
  { response, label, field, prompt }: LabeledResponse,
): RewardRequest {
  const request = sampleOfLabel(
    { response: withoutEndTokens(response), label, field, prompt },
    settings.defaultVerifier,
  );
  source.check(request, {
    verifier: `${field}.verifier`,
    params: `${field}.verifier_parm`,
    accuracyRatio: `${field}.accuracy_ratio`,
  });
  return request;
}

/**
 * The response inside a query. A query of messages has the response as its last message; any other begins with its
 * prompt.
 *
 * @throws RefusalError if it is not content, or its prompt is not in it
 */
function responseOf({ query, prompt, place, texts }: QueryParts): string {
  const text = asRefusal(() => responseText(query, place.query, texts));
  if (typeof query !== "string" && isConversation(query)) return text;
  const response = prompt === undefined ? text : responseInQuery(text, prompt);
  if (response !== undefined) return response;
  throw unreadableSample(
    place.query,
    `${place.query}: ${place.prompt} and then the response expected; the prompt is not in it, so the beginning of ` +
      "the response is unknown",
  );
}

interface QueryParts {
  readonly query: unknown;
  readonly prompt: string | undefined;
  /** Where they are, for messages. */
  readonly place: { readonly query: string; readonly prompt: string };
  readonly texts: ContentOptions;
}

const isConversation = (query: unknown): boolean =>
  [query].flat().some((item) => typeof item === "object" && item !== null && "role" in item);

function asRefusal<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof ContentError ? unreadableSample(error.where, error.message) : error;
  }
}

/**
 * Counts and logs what was not scored.
 *
 * @throws RefusalError where the settings ask for it; see {@link openRlhfRoute}
 */
function refuseOrReport(
  tools: RouteTools,
  route: string,
  outcomes: readonly RewardOutcome[],
  samples: readonly ReadSample[] = [],
): void {
  reportLeftOut(tools, route, outcomes, samples);
  const isMistake = (outcome: RewardOutcome): boolean =>
    outcome.status === "error" &&
    (outcome.code === "params" || outcome.code === "ratios" || (outcome.code === "request" && outcomes.length > 1));
  const index = outcomes.findIndex(({ status }) => status === "error");
  const first = outcomes[index];
  if (first === undefined || first.status !== "error") return;
  if (tools.settings.onError !== "raise" && !outcomes.every(isMistake)) return;
  const { reason } = first;
  const where = outcomes.length === 1 ? "" : `sample ${index}: `;
  throw isMistake(first)
    ? new RefusalError(400, "invalid-request", `${where}${reason}`, { field: "verifier_parm" })
    : new RefusalError(500, "error", `${where}the judging failed: ${reason}`, { status: "error", reason });
}

/** A text as a header may carry it. */
const headerText = (text: string): string => text.replace(/[^\x20-\x7e]/g, "?").slice(0, 200);

import { type } from "arktype";
import type { RewardOutcome, RewardRequest, RewardResult } from "@v-triune/rewards";
import { sampleOfLabel } from "../contract/label-sample";
import { responseInQuery, withoutEndTokens } from "../contract/split-query";
import { OpenRlhfBody, SlimeBody } from "../contract/trainer-bodies";
import { RequestFault, invalidField } from "../http/request-fault";
import { checkBatch, openRequest, type RouteContext, type RouteTools } from "./route";

/**
 * Reward calls as other trainers make them.
 *
 *   OpenRLHF  POST {"query": [], "prompts": [], "labels": []} → {"rewards": [], "scores": [], "extra_logs": {}}; further servers get
 *             empty lists and are expected to answer 200
 *   slime     POST {"prompt", "response", "label"} → the bare reward
 *
 * Neither has a word for "not scored". A sample whose gold answer is bad gets `unscoredReward` and is told apart by
 * `extra_logs.scored` = 0, and for slime by the header `x-reward-status: skipped`. A judging that failed is HTTP 500, never a number.
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
    const requests = query.map((text, index) => {
      const prompt = prompts?.[index];
      const response = prompt === undefined ? text : responseInQuery(text, prompt);
      if (response === undefined)
        throw invalidField(
          `query[${index}]`,
          `query[${index}]: prompts[${index}] and then the response expected; the prompt is not in it, so that nobody can tell where the response begins`,
        );
      return checked(
        sampleOfLabel(
          withoutEndTokens(response),
          labels?.[index],
          tools.settings.defaultVerifier,
          `labels[${index}]`,
          prompt,
        ),
        `labels[${index}]`,
        tools,
      );
    });
    const results: (RewardResult | undefined)[] = requests.map(() => undefined);
    for await (const result of tools.judging.many(requests, signal)) results[result.index] = result;
    const unscored = tools.settings.unscoredReward;
    const rewards = results.map((result, index) => rewardOf(result, unscored, `sample ${index}: `));
    const part = (name: "accuracy" | "format") =>
      results.map((result) => (result?.status === "scored" ? result[name] : unscored));
    const extra = {
      accuracy: part("accuracy"),
      format: part("format"),
      scored: results.map((result) => (result?.status === "scored" ? 1 : 0)),
    };
    return c.json({ rewards, scores: rewards, extra_logs: query.length === 0 ? {} : extra });
  };
}

/** See {@link openRlhfRoute}. */
export function slimeRoute(tools: RouteTools): (c: RouteContext) => Promise<Response> {
  return async (c) => {
    const { body, signal } = await openRequest(c, tools);
    const { prompt, response, label } = valid(SlimeBody(body));
    const request = checked(
      sampleOfLabel(
        withoutEndTokens(response),
        label,
        tools.settings.defaultVerifier,
        "label",
        typeof prompt === "string" ? prompt : undefined,
      ),
      "label",
      tools,
    );
    const outcome = await tools.judging.one(request, signal);
    return c.json(rewardOf(outcome, tools.settings.unscoredReward, ""), 200, { "x-reward-status": outcome.status });
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

function checked(request: RewardRequest, label: string, { judging }: RouteTools): RewardRequest {
  judging.check(request, {
    verifier: `${label}.verifier`,
    params: `${label}.verifier_parm`,
    accuracyRatio: `${label}.accuracy_ratio`,
  });
  return request;
}

function rewardOf(outcome: RewardOutcome | RewardResult | undefined, unscored: number, where: string): number {
  if (outcome?.status === "scored") return outcome.reward;
  if (outcome?.status === "skipped") return unscored;
  const reason = outcome?.reason ?? "unanswered";
  if (outcome?.code === "params")
    throw new RequestFault(400, "invalid-request", `${where}${reason}`, { field: "verifier_parm" });
  throw new RequestFault(500, "error", `${where}the judging failed: ${reason}`, { status: "error", reason });
}

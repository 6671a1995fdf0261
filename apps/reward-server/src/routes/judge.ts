import {
  JudgeRequestError,
  judgeReply,
  judgeRequestToSample,
  originalJudging,
  readJudgeRequest,
  type JudgeRewards,
  type RewardOutcome,
  type RewardRequest,
} from "@v-triune/rewards";
import { CLIENT_GONE, RefusalError, invalidField } from "../http/refusal-error";
import { checkBatch, openRequest, type RouteContext, type RouteTools } from "./route";

/**
 * `POST /judge`, the original server's contract (judge-contract.ts of `@v-triune/rewards`), and `POST /judge/batch`, a list of the
 * same, answered by a list in its order.
 *
 * By default 400 names the field, 404 the known verifiers, 422 means a bad gold answer, 500 that the judging failed; in a batch
 * {status, reason} stands in the place of such a sample. With `compat: "original"` they are 200 with zeros, and a
 * malformed body is 422 with FastAPI's `detail`.
 */
export function judgeRoute(tools: RouteTools): (c: RouteContext) => Promise<Response> {
  if (tools.settings.compat === "original") return originalJudgeRoute(tools);
  return async (c) => {
    const { body, signal } = await openRequest(c, tools);
    const request = readChecked(body, "", tools);
    const { status, body: reply } = judgeReply(await tools.source.one(request, signal));
    if (status === 200) return c.json(reply);
    const { status: word, reason } = reply as { status: string; reason: string };
    throw new RefusalError(status, status === 400 ? "invalid-request" : word, reason, {
      status: word,
      reason,
      ...(status === 400 && { field: "reward_verifier_parm" }),
    });
  };
}

/** See {@link judgeRoute}. */
export function judgeBatchRoute(tools: RouteTools): (c: RouteContext) => Promise<Response> {
  const isOriginal = tools.settings.compat === "original";
  return async (c) => {
    const { body, signal } = await openRequest(c, tools);
    if (!Array.isArray(body)) throw invalidField("body", "body: a JSON list of /judge requests expected");
    checkBatch(body.length, tools);
    if (isOriginal) return c.json(await judgeBatchAsOriginal(body, signal, tools));
    const requests = body.map((item: unknown, index) => readChecked(item, `[${index}].`, tools));
    const replies: unknown[] = requests.map(() => undefined);
    for await (const { index, ...outcome } of tools.source.many(requests, signal))
      replies[index] = judgeReply(outcome as RewardOutcome).body;
    return c.json(replies);
  };
}

function readChecked(body: unknown, prefix: string, { source }: RouteTools): RewardRequest {
  try {
    const request = judgeRequestToSample(readJudgeRequest(body));
    source.check(request, {
      verifier: `${prefix}reward_verifier`,
      params: `${prefix}reward_verifier_parm`,
      accuracyRatio: `${prefix}accuracy_ratio`,
    });
    return request;
  } catch (error) {
    throw error instanceof JudgeRequestError
      ? invalidField(`${prefix}${error.where}`, `${prefix}${error.message}`)
      : error;
  }
}

function originalJudgeRoute(tools: RouteTools): (c: RouteContext) => Promise<Response> {
  return async (c) => {
    const { body, signal } = await openRequest(c, tools);
    const { request, reply } = readOriginal(body);
    if (request === undefined) return c.json(reply());
    try {
      tools.source.check(request, {
        verifier: "reward_verifier",
        params: "reward_verifier_parm",
        accuracyRatio: "accuracy_ratio",
      });
      return c.json(reply(await tools.source.one(request, signal)));
    } catch (error) {
      // The original answers every fault so; a full queue is not one of its faults.
      if (error === CLIENT_GONE || (error instanceof RefusalError && error.status === 503)) throw error;
      return c.json(reply());
    }
  };
}

function readOriginal(body: unknown): ReturnType<typeof originalJudging> {
  try {
    return originalJudging(body);
  } catch (error) {
    if (!(error instanceof JudgeRequestError)) throw error;
    throw new RefusalError(422, "invalid-request", error.message, {
      detail: [
        { type: "value_error", loc: ["body", ...(error.where === "body" ? [] : [error.where])], msg: error.message },
      ],
    });
  }
}

async function judgeBatchAsOriginal(
  body: readonly unknown[],
  signal: AbortSignal,
  tools: RouteTools,
): Promise<JudgeRewards[]> {
  const judgings = body.map(readOriginal);
  const replies: JudgeRewards[] = judgings.map(({ reply }) => reply());
  const judged = judgings.flatMap(({ request, reply }, index) =>
    request !== undefined && tools.source.names.includes(request.verifier) ? [{ request, reply, index }] : [],
  );
  for await (const { index, ...outcome } of tools.source.many(
    judged.map(({ request }) => request),
    signal,
  )) {
    const found = judged[index];
    if (found !== undefined) replies[found.index] = found.reply(outcome as RewardOutcome);
  }
  return replies;
}

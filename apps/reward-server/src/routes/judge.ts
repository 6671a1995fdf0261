import {
  JudgeRequestError,
  judgeReply,
  judgeRequestToSample,
  originalJudging,
  readJudgeRequest,
  type RewardOutcome,
  type RewardRequest,
} from "@v-triune/rewards";
import { CLIENT_GONE, RefusalError, invalidField } from "../http/refusal-error";
import { judgeEach, readEach, reportLeftOut } from "./readable-samples";
import { checkBatch, contentOptions, openRequest, type RouteContext, type RouteTools } from "./route";

/**
 * `POST /judge`, the original server's contract (judge-contract.ts of `@v-triune/rewards`), and `POST /judge/batch`, a
 * list of the same, answered by a list in its order.
 *
 * By default 400 names the field, 404 the known verifiers, 422 means a bad gold answer, 500 that the judging failed; in
 * a batch {status, reason} stands in the place of such a sample, and only a batch of nothing else is refused. With
 * `compat: "original"` they are 200 with zeros, and a malformed body is 422 with FastAPI's `detail`.
 */
export function judgeRoute(tools: RouteTools): (c: RouteContext) => Promise<Response> {
  if (tools.settings.compat === "original") return originalJudgeRoute(tools);
  return async (c) => {
    const { body, signal } = await openRequest(c, tools);
    const { request, warnings } = readChecked(body, "", tools);
    const outcome = await tools.source.one(request, signal);
    reportLeftOut(tools, "/judge", [outcome]);
    const { status, body: reply } = judgeReply(outcome, warnings);
    if (status === 200) return c.json(reply);
    const { status: word, reason } = reply as { status: string; reason: string };
    throw new RefusalError(status, status === 400 ? "invalid-request" : word, reason, {
      status: word,
      reason,
      ...(warnings.length > 0 && { warnings }),
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
    const warnings: (readonly string[])[] = [];
    const samples = readEach(body as readonly unknown[], (item, index) => {
      const read = readChecked(item, `[${index}].`, tools);
      warnings[index] = read.warnings;
      return read.request;
    });
    const outcomes: RewardOutcome[] = [];
    for await (const { index, outcome } of judgeEach(tools, samples, signal)) outcomes[index] = outcome;
    reportLeftOut(tools, "/judge/batch", outcomes, samples);
    return c.json(
      outcomes.map((outcome, index) => {
        const sample = samples[index];
        const { body: reply } = judgeReply(outcome, warnings[index]);
        return sample instanceof RefusalError ? { ...reply, ...sample.details } : reply;
      }),
    );
  };
}

interface CheckedRequest {
  readonly request: RewardRequest;
  readonly warnings: readonly string[];
}

function readChecked(body: unknown, prefix: string, tools: RouteTools): CheckedRequest {
  try {
    const read = readJudgeRequest(body, contentOptions(tools));
    const request = judgeRequestToSample(read);
    tools.source.check(request, {
      verifier: `${prefix}reward_verifier`,
      params: `${prefix}reward_verifier_parm`,
      accuracyRatio: `${prefix}accuracy_ratio`,
    });
    const { warnings = [] } = read;
    tools.warn("/judge", warnings);
    return { request, warnings };
  } catch (error) {
    throw error instanceof JudgeRequestError
      ? invalidField(`${prefix}${error.where}`, `${prefix}${error.message}`)
      : error;
  }
}

function originalJudgeRoute(tools: RouteTools): (c: RouteContext) => Promise<Response> {
  return async (c) => {
    const { body, signal } = await openRequest(c, tools);
    const { request, reply } = readOriginal(body, tools);
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

function readOriginal(body: unknown, tools: RouteTools): ReturnType<typeof originalJudging> {
  try {
    const judging = originalJudging(body, contentOptions(tools));
    tools.warn("/judge", judging.warnings);
    return judging;
  } catch (error) {
    if (!(error instanceof JudgeRequestError)) throw error;
    throw new RefusalError(422, "invalid-request", error.message, {
      detail: [
        { type: "value_error", loc: ["body", ...(error.where === "body" ? [] : [error.where])], msg: error.message },
      ],
    });
  }
}

/**
 * A list of the original's replies. The original has no such path: a body that it would refuse is {status, reason} in
 * its place.
 */
async function judgeBatchAsOriginal(
  body: readonly unknown[],
  signal: AbortSignal,
  tools: RouteTools,
): Promise<unknown[]> {
  const judgings = body.map((item) => {
    try {
      return readOriginal(item, tools);
    } catch (error) {
      if (error instanceof RefusalError) return error;
      throw error;
    }
  });
  const [first] = judgings;
  if (first instanceof RefusalError && judgings.every((judging) => judging instanceof RefusalError)) throw first;
  const replies: unknown[] = judgings.map((judging) =>
    judging instanceof RefusalError
      ? { status: "error", reason: judging.message, ...judging.details }
      : judging.reply(),
  );
  const judged = judgings.flatMap((judging, index) => {
    if (judging instanceof RefusalError) return [];
    const { request, reply } = judging;
    return request !== undefined && tools.source.names.includes(request.verifier) ? [{ request, reply, index }] : [];
  });
  for await (const { index, ...outcome } of tools.source.many(
    judged.map(({ request }) => request),
    signal,
  )) {
    const found = judged[index];
    if (found !== undefined) replies[found.index] = found.reply(outcome as RewardOutcome);
  }
  return replies;
}

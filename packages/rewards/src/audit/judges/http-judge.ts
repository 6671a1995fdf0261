/**
 * A verifier behind HTTP, by the shape of its call: this server's `/v1/score`, `/judge` of V-Triune, and the reward
 * calls of OpenRLHF and slime, which reward servers of other stacks have, too.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { describeValue } from "@v-triune/errors";
import { AuditError } from "../audit-error";
import type { AuditJudge, AuditOutcome, AuditRequest } from "../audit-types";
import { readScoreResult } from "../../score-contract";
import type { RewardOutcome } from "../../score-request";
import { asAudit } from "./pool-judge";

/** The calls that are known. */
export const HTTP_SHAPES = ["openrlhf", "slime", "judge", "score"] as const;
export type HttpShape = (typeof HTTP_SHAPES)[number];

/** Where the verifier is, and how it is called. */
export interface HttpJudgeOptions {
  readonly url: string;
  /** Default by the last part of the address; `score` for `/v1/score`. */
  readonly shape?: HttpShape | undefined;
  /** The verifier that is asked for; a label of OpenRLHF or slime is the bare gold without it. */
  readonly verifier?: string | undefined;
  readonly token?: string | undefined;
  /** Milliseconds that one HTTP request may take. Default 10,000. */
  readonly deadlineMs?: number;
}

/** Requests of one sample that are on their way at once. */
const PARALLEL = 4;

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/**
 * A judge over HTTP.
 *
 * @throws AuditError for an address or a shape that is not known; when called, if nothing answers there or the reply is
 * no JSON
 */
export function createHttpJudge(options: HttpJudgeOptions): AuditJudge {
  const { url } = options;
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new AuditError({
      what: "This is not the address of a reward server.",
      expected: "something like http://127.0.0.1:8000/openrlhf",
      found: url,
    });
  const shape = options.shape ?? shapeOf(url);
  const post = (body: unknown) => send(options, body);
  if (shape === "openrlhf") return (requests) => askOpenRlhf(requests, post, options);
  if (shape === "score") return (requests) => askScore(requests, post, options);
  const ask = shape === "slime" ? askSlime : askJudge;
  return async (requests) => {
    const outcomes: AuditOutcome[] = [];
    for (let start = 0; start < requests.length; start += PARALLEL)
      outcomes.push(
        ...(await Promise.all(requests.slice(start, start + PARALLEL).map((request) => ask(request, post, options)))),
      );
    return outcomes;
  };
}

function shapeOf(url: string): HttpShape {
  const last = new URL(url).pathname.split("/").findLast((part) => part !== "");
  const found = HTTP_SHAPES.find((shape) => shape === last);
  if (found !== undefined) return found;
  throw new AuditError({
    what: "The address does not say how the server is called.",
    where: url,
    expected: `a path that ends in ${HTTP_SHAPES.join(", ")}, or a shape`,
    found: new URL(url).pathname,
    fix: `give the shape of the call, for example --shape openrlhf`,
  });
}

type Post = (body: unknown) => Promise<Reply | AuditOutcome>;

async function send(
  { url, token, deadlineMs = 10_000 }: HttpJudgeOptions,
  body: unknown,
): Promise<Reply | AuditOutcome> {
  let reply: Response;
  let text: string;
  try {
    reply = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(deadlineMs),
    });
    text = await reply.text();
  } catch (error) {
    if (error instanceof Error && error.name === "TimeoutError")
      return { status: "timeout", reason: `no reply within ${deadlineMs} ms` };
    const { cause } = error as { cause?: unknown };
    throw new AuditError({
      what: "Nothing answers at this address.",
      where: url,
      found: cause instanceof Error ? cause.message || cause.name : String(error),
      fix: "start the server, or check the address",
      cause: error,
    });
  }
  try {
    return { status: reply.status, body: JSON.parse(text) as unknown };
  } catch (error) {
    // A fault of the server may come without JSON; it is that sample's.
    if (reply.status >= 500) return { status: "error", reason: `HTTP ${reply.status}: ${text.slice(0, 100)}` };
    throw new AuditError({
      what: "The reply of the server is not JSON.",
      where: url,
      expected: "a JSON reply",
      found: `HTTP ${reply.status}, ${reply.headers.get("content-type") ?? "no content type"}: ${text.slice(0, 80)}`,
      fix: "check that the address is that of the reward call",
      cause: error,
    });
  }
}

const isOutcome = (found: Reply | AuditOutcome): found is AuditOutcome => typeof found.status === "string";

const label = ({ gold, params }: AuditRequest, verifier: string | undefined): string =>
  verifier === undefined && params === undefined
    ? gold
    : JSON.stringify({ ground_truth: gold, ...(verifier && { verifier }), ...(params && { verifier_parm: params }) });

async function askOpenRlhf(
  requests: readonly AuditRequest[],
  post: Post,
  options: HttpJudgeOptions,
): Promise<AuditOutcome[]> {
  const reply = await post({
    query: requests.map(({ prompt = "", response }) => prompt + response),
    prompts: requests.map(({ prompt = "" }) => prompt),
    labels: requests.map((request) => label(request, options.verifier)),
  });
  if (isOutcome(reply)) return requests.map(() => reply);
  if (reply.status !== 200) return await apart(requests, reply, options, (one) => askOpenRlhf([one], post, options));
  const { rewards, extra_logs: logs } = isRecord(reply.body) ? reply.body : {};
  const accuracy = isRecord(logs) ? logs["accuracy"] : undefined;
  const scored = isRecord(logs) && Array.isArray(logs["scored"]) ? (logs["scored"] as unknown[]) : [];
  const scores = Array.isArray(accuracy) ? accuracy : rewards;
  if (!Array.isArray(scores) || scores.length !== requests.length)
    throw unusable(options, `{"rewards": [..]} with ${requests.length} numbers`, reply);
  return scores.map((score: unknown, index) =>
    scored[index] === 0
      ? { status: "skipped", reason: "the server left it out (extra_logs.scored is 0)" }
      : number(score, options, reply),
  );
}

/** A refused batch, one by one: one request may be the reason. */
async function apart(
  requests: readonly AuditRequest[],
  reply: Reply,
  options: HttpJudgeOptions,
  ask: (request: AuditRequest) => Promise<AuditOutcome[]>,
): Promise<AuditOutcome[]> {
  if (reply.status === 401 || reply.status === 404 || reply.status === 405) throw refused(options, reply);
  if (requests.length === 1) return [{ status: "error", reason: reasonOf(reply) }];
  const outcomes: AuditOutcome[] = [];
  for (const request of requests) outcomes.push(...(await ask(request)));
  return outcomes;
}

async function askSlime(request: AuditRequest, post: Post, options: HttpJudgeOptions): Promise<AuditOutcome> {
  const { prompt = "", response } = request;
  const reply = await post({ prompt, response, label: label(request, options.verifier) });
  if (isOutcome(reply)) return reply;
  if (reply.status !== 200) return single(options, reply);
  const score = isRecord(reply.body) ? (reply.body["reward"] ?? reply.body["score"]) : reply.body;
  return number(score, options, reply);
}

async function askJudge(request: AuditRequest, post: Post, options: HttpJudgeOptions): Promise<AuditOutcome> {
  const { prompt = "", response, gold, params = {} } = request;
  const reply = await post({
    response,
    prompt,
    query: prompt,
    answer: gold,
    solution: gold,
    data_source: "audit",
    reward_verifier: options.verifier ?? "mathverify",
    reward_verifier_parm: JSON.stringify({ is_training: false, step: 0, total_steps: 1, ...params }),
  });
  if (isOutcome(reply)) return reply;
  if (reply.status === 422) return { status: "skipped", reason: reasonOf(reply) };
  if (reply.status !== 200) return single(options, reply);
  const rewards = isRecord(reply.body) ? reply.body["rewards"] : undefined;
  if (!isRecord(rewards)) throw unusable(options, '{"rewards": {"accuracy_reward": ..}}', reply);
  return number(rewards["accuracy_reward"] ?? rewards["final_reward"], options, reply);
}

async function askScore(
  requests: readonly AuditRequest[],
  post: Post,
  options: HttpJudgeOptions,
): Promise<AuditOutcome[]> {
  const reply = await post({
    requests: requests.map(({ response, gold, prompt, params }) => ({
      response,
      verifier: options.verifier ?? "answer",
      ground_truth: gold,
      ...(prompt !== undefined && { prompt }),
      ...(params !== undefined && { params }),
    })),
  });
  if (isOutcome(reply)) return requests.map(() => reply);
  if (reply.status !== 200) return await apart(requests, reply, options, (one) => askScore([one], post, options));
  const results = isRecord(reply.body) ? reply.body["results"] : undefined;
  if (!Array.isArray(results) || results.length !== requests.length)
    throw unusable(options, `{"results": [..]} with ${requests.length} results`, reply);
  return results.map((result) => {
    const { index: _, ...outcome } = readScoreResult(result);
    return asAudit(outcome as RewardOutcome);
  });
}

/** A sample that the server refuses. What refuses them all is a mistake of the call. */
function single(options: HttpJudgeOptions, reply: Reply): AuditOutcome {
  if (reply.status === 401 || reply.status === 404 || reply.status === 405) throw refused(options, reply);
  return { status: "error", reason: reasonOf(reply) };
}

const refused = (options: HttpJudgeOptions, reply: Reply): AuditError =>
  new AuditError({
    what: "The server refuses the call.",
    where: options.url,
    found: reasonOf(reply),
    fix: "check the address, the verifier and the token",
  });

const unusable = (options: HttpJudgeOptions, expected: string, { body }: Reply): AuditError =>
  new AuditError({
    what: "The reply of the server has another form.",
    where: options.url,
    expected,
    found: describeValue(body),
    fix: "check that the shape is that of this server",
  });

function number(score: unknown, options: HttpJudgeOptions, reply: Reply): AuditOutcome {
  if (score === null) return { status: "skipped", reason: "the server answers null" };
  if (typeof score === "number" && Number.isFinite(score)) return { status: "scored", score };
  throw unusable(options, "a number", reply);
}

function reasonOf({ status, body }: Reply): string {
  const error = isRecord(body) ? (body["error"] ?? body["detail"] ?? body["reason"] ?? body) : body;
  const message = isRecord(error) ? error["message"] : undefined;
  return `HTTP ${status}: ${typeof message === "string" ? message : describeValue(error)}`;
}

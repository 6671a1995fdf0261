/**
 * The wire form of a batch, `POST /v1/score`:
 *
 *     request  {"requests": [{"response", "verifier", "ground_truth", "prompt"?, "data_source"?, "params"?, "accuracy_ratio"?,
 *               "format_ratio"?}, ..]}
 *     reply    Accept: application/x-ndjson → one result per line as it is done; otherwise {"results": [..]} in the order of the request
 *     result   {"index", "status": "scored", "reward", "accuracy", "format", "metrics", "reason"?: "undecided"}
 *              {"index", "status": "skipped", "reason"}
 *              {"index", "status": "error", "reason", "code"?}, the code one of REWARD_ERROR_CODES
 *
 * `response`, `prompt` and `ground_truth` may be content parts (content-text.ts). In a reply to several requests, one
 * that cannot be read is `error` with the code `request`; if none can be read, the reply is a refusal.
 *
 * The server and both clients (this package, python/v_triune_reward.py) use these names.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { VTriuneError, describeValue } from "@v-triune/errors";
import { ContentError, goldText, promptText, responseText, type ContentOptions } from "./content/content-text";
import { describeBreach, type ContractBreach } from "./contract-breach";
import { REWARD_ERROR_CODES, type RewardRequest, type RewardResult } from "./reward-source";

/** One request on the wire. */
export interface ScoreWireRequest {
  readonly response: string;
  readonly verifier: string;
  readonly ground_truth: string;
  readonly prompt?: string;
  readonly data_source?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly accuracy_ratio?: number | null;
  readonly format_ratio?: number | null;
}

/** A batch that breaks the contract. Its message is one line, for replies of servers. */
export class ScoreRequestError extends VTriuneError {
  override readonly name = "ScoreRequestError";
  declare readonly where: string;

  constructor({ where, expected, found }: ContractBreach) {
    const details = { where, expected, found };
    super({ what: "The batch breaks the contract.", ...details }, describeBreach(details));
  }
}

/**
 * Checks a parsed body and turns it into requests.
 *
 * @throws ScoreRequestError with the path, what was expected and what was found
 */
export function readScoreRequests(body: unknown, options: ContentOptions = {}): RewardRequest[] {
  return readScoreItems(body).map((item, index) => readScoreRequest(item, `requests[${index}]`, options));
}

/** The requests of a parsed body, unchecked. @throws ScoreRequestError if it has no list of them */
export function readScoreItems(body: unknown): readonly unknown[] {
  const requests: unknown = isRecord(body) ? body["requests"] : undefined;
  if (Array.isArray(requests)) return requests as readonly unknown[];
  throw new ScoreRequestError({ where: "requests", expected: "a list", found: describeValue(requests) });
}

/**
 * Checks one request and joins content parts to text.
 *
 * @param path where it is, for the message: `requests[3]`
 * @throws ScoreRequestError with the path, what was expected and what was found
 */
export function readScoreRequest(item: unknown, path: string, options: ContentOptions = {}): RewardRequest {
  if (!isRecord(item)) throw new ScoreRequestError({ where: path, expected: "an object", found: describeValue(item) });
  const text = (key: string): string => {
    const value = item[key];
    if (typeof value === "string") return value;
    throw new ScoreRequestError({ where: `${path}.${key}`, expected: "a string", found: describeValue(value) });
  };
  const optional = <T>(key: string, read: (key: string) => T) => ((item[key] ?? null) === null ? undefined : read(key));
  const content = (key: string, read: typeof responseText): string => {
    try {
      return read(item[key], `${path}.${key}`, options);
    } catch (error) {
      throw error instanceof ContentError ? new ScoreRequestError(error) : error;
    }
  };
  const ratio = (key: string): number | null => {
    const value = item[key] ?? null;
    if (value === null || (typeof value === "number" && value >= 0 && Number.isFinite(value))) return value;
    throw new ScoreRequestError({
      where: `${path}.${key}`,
      expected: "a number of at least 0 or null",
      found: describeValue(value),
    });
  };
  const params = item["params"] ?? undefined;
  if (params !== undefined && !isRecord(params))
    throw new ScoreRequestError({ where: `${path}.params`, expected: "an object", found: describeValue(params) });
  const prompt = optional("prompt", (key) => content(key, promptText));
  const dataSource = optional("data_source", text);
  return {
    response: content("response", responseText),
    verifier: text("verifier"),
    sample: {
      groundTruth: content("ground_truth", goldText),
      ...(prompt !== undefined && { prompt }),
      ...(dataSource !== undefined && { dataSource }),
      ...(params !== undefined && { params }),
    },
    accuracyRatio: ratio("accuracy_ratio"),
    formatRatio: ratio("format_ratio"),
  };
}

/** The wire form of a request, for clients. */
export function scoreWireRequest({
  response,
  verifier,
  sample,
  accuracyRatio,
  formatRatio,
}: RewardRequest): ScoreWireRequest {
  return {
    response,
    verifier,
    ground_truth: sample.groundTruth,
    ...(sample.prompt !== undefined && { prompt: sample.prompt }),
    ...(sample.dataSource !== undefined && { data_source: sample.dataSource }),
    ...(sample.params !== undefined && { params: sample.params }),
    ...(accuracyRatio !== undefined && { accuracy_ratio: accuracyRatio }),
    ...(formatRatio !== undefined && { format_ratio: formatRatio }),
  };
}

/**
 * Checks one result that a server sent.
 *
 * @throws ScoreRequestError when it is not one: a client must not take a broken answer for a reward
 */
export function readScoreResult(value: unknown): RewardResult {
  if (!isRecord(value))
    throw new ScoreRequestError({ where: "result", expected: "an object", found: describeValue(value) });
  const { index, status } = value;
  if (!Number.isInteger(index))
    throw new ScoreRequestError({ where: "result.index", expected: "a whole number", found: describeValue(index) });
  const reason = String(value["reason"]);
  if (status === "skipped") return { index: index as number, status, reason };
  if (status === "error") {
    const code = REWARD_ERROR_CODES.find((known) => known === value["code"]);
    return { index: index as number, status, reason, ...(code !== undefined && { code }) };
  }
  if (status !== "scored")
    throw new ScoreRequestError({
      where: "result.status",
      expected: '"scored", "skipped" or "error"',
      found: describeValue(status),
    });
  for (const key of ["reward", "accuracy", "format"])
    if (!Number.isFinite(value[key]))
      throw new ScoreRequestError({
        where: `result.${key}`,
        expected: "a finite number",
        found: describeValue(value[key]),
      });
  return {
    index: index as number,
    status,
    reward: value["reward"] as number,
    accuracy: value["accuracy"] as number,
    format: value["format"] as number,
    metrics: (value["metrics"] ?? {}) as Record<string, number>,
    ...(value["reason"] === "undecided" && { reason: "undecided" }),
  };
}

/**
 * A judge for open answers: a model behind an OpenAI-compatible endpoint, as a verifier with the name `judge`.
 *
 *     accuracy = mean over votes of Σ weight · met / Σ weight          mode rubric
 *     accuracy = mean over votes and both orders of 1, ½ or 0          mode pairwise, against the gold answer
 *
 * A reply that cannot be read, a timeout and a 429 after all retries are `error`, never 0: when half of the votes or
 * more are missing, the answer has no score. An empty response is wrong without being asked about. Replies that were
 * read are kept by their content, so that the same question costs once.
 */
import { ConfigError } from "@v-triune/errors";
import { paramsSchema, type ParamsResult, type Verifier, type VerifierSample } from "@v-triune/verifiers";
import { mathverifyFormat } from "@v-triune/verifiers/format";
import { isRecord } from "@v-triune/node-kit/is-record";
import type { AsyncVerdict, AsyncVerifier } from "../async-verifier";
import builtinVerifiers from "../builtin-verifiers";
import { ChatEndpoint, type ChatRequest } from "./chat-endpoint";
import { JudgeFault, JudgeRefusedError } from "./judge-fault";
import { type JudgedTexts, type RubricItem, pairwiseMessages, rubricMessages } from "./judge-prompt";
import { readPairwiseReply, readRubricReply } from "./judge-reply";
import { type JudgeEndpointSettings, type JudgeSettings, loadJudgeSettings } from "./judge-settings";
import { type JudgmentCache, judgmentKey, openJudgmentCache } from "./judgment-cache";

/** The name that samples carry. */
export const JUDGE = "judge";

/**
 * Opens the judge of a settings file.
 *
 * @throws ConfigError for settings that cannot be used, or a key that is not in the environment
 * @example withAsyncVerifiers(createLocalRewardSource(registry), [await openJudge("judge.json")])
 */
export async function openJudge(file: string): Promise<AsyncVerifier> {
  return createJudge(await loadJudgeSettings(file), file);
}

/**
 * @param where the settings are from, for errors
 * @throws ConfigError if a key is not in the environment
 */
export function createJudge(settings: JudgeSettings, where = "the settings of the judge"): AsyncVerifier {
  const budget = { limit: settings.budgetTokens, spent: 0 };
  const open = (endpoint: JudgeEndpointSettings): ChatEndpoint =>
    new ChatEndpoint(endpoint, keyOf(endpoint, where), budget);
  const parts: JudgeParts = {
    settings,
    endpoint: open(settings),
    second: settings.second && open(settings.second),
    cache: openJudgmentCache(settings.cache),
    running: new Map(),
    rule: builtinVerifiers().find(({ name }) => name === settings.rule),
  };
  return {
    name: JUDGE,
    params: paramsSchema(readJudgeParams),
    verify: (response, sample, signal) => judge(response, sample, signal, parts),
  };
}

interface JudgeParts {
  readonly settings: JudgeSettings;
  readonly endpoint: ChatEndpoint;
  readonly second: ChatEndpoint | null;
  readonly cache: JudgmentCache;
  /** Requests under way, by their key. */
  readonly running: Map<string, Promise<string>>;
  readonly rule: Verifier | undefined;
}

async function judge(
  response: string,
  sample: VerifierSample,
  signal: AbortSignal,
  parts: JudgeParts,
): Promise<AsyncVerdict> {
  const params = readJudgeParams(sample.params);
  if (params.issues !== undefined)
    return { status: "error", reason: `params: ${params.issues[0]!.message}`, code: "params" };
  if (sample.groundTruth.trim() === "") return { status: "skipped", reason: "gold: there is no reference answer" };
  const format = mathverifyFormat(response);
  if (response.trim() === "") return { status: "scored", accuracy: 0, format, metrics: {} };
  const { settings, endpoint, second } = parts;
  const rubric = params.value.rubric ?? settings.rubric;
  const texts = { question: sample.prompt ?? "", reference: sample.groundTruth, response };
  const started = performance.now();
  const votes = await Promise.all(
    Array.from({ length: settings.votes }, (_, vote) => castVote(parts, endpoint, { texts, rubric, vote }, signal)),
  );
  const read = votes.filter((vote): vote is Vote => !(vote instanceof JudgeFault));
  const fault = votes.find((vote) => vote instanceof JudgeFault);
  if (fault !== undefined && read.length * 2 <= votes.length)
    return { status: "error", reason: `judge: ${fault.message}`, code: fault.code };
  const items = read[0]!.items.map((_, item) => mean(read.map((vote) => vote.items[item]!)));
  const weights = settings.mode === "rubric" ? rubric.map(({ weight }) => weight) : [1];
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const accuracy = items.reduce((sum, met, item) => sum + met * (weights[item]! / total), 0);
  const other = second && (await castVote(parts, second, { texts, rubric, vote: 0 }, signal));
  const seconds = (performance.now() - started) / 1000;
  return {
    status: "scored",
    accuracy,
    format,
    metrics: {
      ...costs(read, settings, seconds),
      judge_agreement: mean(items.map((met) => Math.max(met, 1 - met))),
      ...(items.length > 1 && Object.fromEntries(items.map((met, item) => [`judge_item_${item + 1}`, met]))),
      ...ruleAgreement(parts.rule, response, sample, accuracy),
      ...secondOpinion(other, weights, accuracy),
    },
  };
}

/** A judgment: each item's share in [0, 1], and what it cost. */
interface Vote {
  readonly items: readonly number[];
  readonly requests: number;
  readonly cached: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

interface Question {
  readonly texts: JudgedTexts;
  readonly rubric: readonly RubricItem[];
  readonly vote: number;
}

/** @throws JudgeRefusedError; a fault of the request is returned */
async function castVote(
  { settings, cache, running }: JudgeParts,
  endpoint: ChatEndpoint,
  { texts, rubric, vote }: Question,
  signal: AbortSignal,
): Promise<Vote | JudgeFault> {
  const { temperature, template, mode } = settings;
  const { model, maxTokens } = endpoint.settings;
  const cost = { requests: 0, cached: 0, promptTokens: 0, completionTokens: 0 };
  const ask = async <T>(messages: ChatRequest["messages"], read: (reply: string) => T | string): Promise<T> => {
    const request = { messages, temperature, seed: vote };
    const key = judgmentKey({ version: 1, model, maxTokens, ...request });
    cost.requests += 1;
    // Equal answers of a group come at the same time: one of them asks, and all take what it finds.
    const others = running.get(key);
    const text = others === undefined ? undefined : await others.catch(unlessAborted);
    const found = text === undefined ? undefined : read(text);
    if (found !== undefined && typeof found !== "string") {
      cost.cached += 1;
      return found;
    }
    const own = askOnce(key, request, read);
    running.set(key, own);
    try {
      return read(await own) as T;
    } finally {
      if (running.get(key) === own) running.delete(key);
    }
  };
  /** @returns a reply that can be read; it is kept */
  const askOnce = async (key: string, request: ChatRequest, read: (reply: string) => unknown): Promise<string> => {
    const kept = await cache.read(key);
    if (kept !== undefined && typeof read(kept) !== "string") {
      cost.cached += 1;
      return kept;
    }
    const reply = await endpoint.ask(request, signal);
    cost.promptTokens += reply.promptTokens;
    cost.completionTokens += reply.completionTokens;
    const found = read(reply.text);
    if (typeof found === "string") throw new JudgeFault("judge", found);
    await cache.write(key, reply.text);
    return reply.text;
  };
  try {
    if (mode === "rubric") {
      const items = await ask(rubricMessages(texts, rubric, template), (reply) =>
        readRubricReply(reply, rubric.length),
      );
      return { items: items.map(Number), ...cost };
    }
    const prefers = async (swapped: boolean): Promise<number> => {
      const { better } = await ask(pairwiseMessages(texts, template, swapped), readPairwiseReply);
      return better === "tie" ? 0.5 : (better === "A") !== swapped ? 1 : 0;
    };
    const [straight, swapped] = await Promise.all([prefers(false), prefers(true)]);
    return { items: [(straight + swapped) / 2], ...cost };
  } catch (error) {
    if (error instanceof JudgeFault) return error;
    throw error;
  }
}

/** What a sample may state: a rubric of its own. */
function readJudgeParams(value: unknown): ParamsResult<{ readonly rubric?: readonly RubricItem[] }> {
  const rubric: unknown = isRecord(value) ? (value["rubric"] ?? undefined) : undefined;
  if (rubric === undefined) return { value: {} };
  const isItem = (item: unknown): boolean =>
    isRecord(item) &&
    typeof item["criterion"] === "string" &&
    item["criterion"].trim() !== "" &&
    (item["weight"] == null ||
      (typeof item["weight"] === "number" && item["weight"] > 0 && Number.isFinite(item["weight"])));
  if (Array.isArray(rubric) && rubric.length > 0 && rubric.every(isItem)) {
    const items = rubric as readonly { readonly criterion: string; readonly weight?: number | null }[];
    return { value: { rubric: items.map(({ criterion, weight }) => ({ criterion, weight: weight ?? 1 })) } };
  }
  return { issues: [{ path: ["rubric"], message: "rubric: a list of {criterion, weight} expected, weights above 0" }] };
}

function costs(votes: readonly Vote[], { price }: JudgeSettings, seconds: number): Record<string, number> {
  const sum = (of: (vote: Vote) => number): number => votes.reduce((total, vote) => total + of(vote), 0);
  const [prompt, completion] = [sum((vote) => vote.promptTokens), sum((vote) => vote.completionTokens)];
  return {
    judge_votes: votes.length,
    judge_requests: sum(({ requests }) => requests),
    judge_cached:
      sum(({ cached }) => cached) /
      Math.max(
        1,
        sum(({ requests }) => requests),
      ),
    judge_tokens: prompt + completion,
    judge_seconds: seconds,
    ...(price && { judge_cost: (prompt * price.prompt + completion * price.completion) / 1e6 }),
  };
}

/** Whether a verifier by rules takes the answer for right where the judge does. */
function ruleAgreement(
  rule: Verifier | undefined,
  response: string,
  sample: VerifierSample,
  accuracy: number,
): Record<string, number> {
  const verdict = rule?.verify(response, sample);
  if (verdict?.status !== "scored") return {};
  return { judge_rule_agreement: verdict.accuracy >= 0.5 === accuracy >= 0.5 ? 1 : 0 };
}

function secondOpinion(
  vote: Vote | JudgeFault | null,
  weights: readonly number[],
  accuracy: number,
): Record<string, number> {
  if (vote === null) return {};
  if (vote instanceof JudgeFault) return { judge_second_error: 1 };
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const theirs = vote.items.reduce((sum, met, item) => sum + met * (weights[item]! / total), 0);
  return { judge_second_error: 0, judge_second_difference: Math.abs(accuracy - theirs) };
}

function keyOf({ apiKeyEnv }: JudgeEndpointSettings, where: string): string | undefined {
  if (apiKeyEnv === null) return undefined;
  const key = process.env[apiKeyEnv];
  if (key) return key;
  throw new ConfigError({
    what: "The key of the judge's endpoint is not set.",
    where,
    expected: `the environment variable ${apiKeyEnv}`,
    found: "it is not set",
  });
}

/** What another one called off is asked for again; a fault of the endpoint is shared. */
function unlessAborted(error: unknown): undefined {
  if (error instanceof JudgeFault || error instanceof JudgeRefusedError) throw error;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

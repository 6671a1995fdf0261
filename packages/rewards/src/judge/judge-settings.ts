/**
 * The settings of a judge, as a JSON file has them:
 *
 *     {"url": "http://127.0.0.1:8000/v1", "model": "Qwen3-32B", "rubric": [{"criterion": "..", "weight": 2}], "votes": 3}
 */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ConfigError, describeValue, nearest } from "@v-triune/errors";
import { KNOWN_VERIFIERS, type KnownVerifier } from "@v-triune/schema/reward-defaults";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DEFAULT_RUBRIC, PLACEHOLDERS, type RubricItem } from "./judge-prompt";

/** A model behind an OpenAI-compatible endpoint. */
export interface JudgeEndpointSettings {
  /** Up to and with `/v1`. */
  readonly url: string;
  readonly model: string;
  /** The environment variable that holds the key; null: none is sent. */
  readonly apiKeyEnv: string | null;
  readonly maxTokens: number;
  /** Milliseconds for one request. */
  readonly timeoutMs: number;
  /** After 429, 5xx and broken connections. */
  readonly retries: number;
  /** Requests at a time. */
  readonly parallel: number;
  readonly requestsPerMinute: number | null;
  /** US dollars per million tokens, for the metric of the cost. */
  readonly price: { readonly prompt: number; readonly completion: number } | null;
}

export interface JudgeSettings extends JudgeEndpointSettings {
  /**
   * `rubric`: which items does the response meet? `pairwise`: is it better than the reference? Asked in both orders; a
   * preference that changes with the order counts one half.
   */
  readonly mode: "rubric" | "pairwise";
  readonly rubric: readonly RubricItem[];
  /** Instructions of your own, with {question}, {reference} and {response}; null: the built-in ones. */
  readonly template: string | null;
  /** Independent judgments, whose mean counts. */
  readonly votes: number;
  /** Default 0 for one vote, 0.7 for several. */
  readonly temperature: number;
  /** Folder of the judgments so far; null: nothing is kept. Relative to the settings' file. */
  readonly cache: string | null;
  /** Most tokens, prompts included, that this process may spend; null: no limit. */
  readonly budgetTokens: number | null;
  /** A verifier by rules that judges the same samples, for the metric of their agreement. */
  readonly rule: KnownVerifier | null;
  /** A second model that judges the same samples, for the metric of their difference. */
  readonly second: JudgeEndpointSettings | null;
}

/** Defaults of {@link JudgeSettings}; `temperature` follows from `votes`. */
export const JUDGE_DEFAULTS = {
  apiKeyEnv: null,
  maxTokens: 1024,
  timeoutMs: 60_000,
  retries: 5,
  parallel: 16,
  requestsPerMinute: null,
  price: null,
  mode: "rubric",
  rubric: DEFAULT_RUBRIC,
  template: null,
  votes: 1,
  cache: null,
  budgetTokens: null,
  rule: null,
  second: null,
} as const satisfies Partial<JudgeSettings>;

type Check = readonly [expected: string, holds: (value: unknown) => boolean];
const isWhole = (value: unknown, least: number): boolean => Number.isInteger(value) && (value as number) >= least;
const whole = (least: number): Check => [`a whole number of at least ${least}`, (value) => isWhole(value, least)];
const orNull = ([expected, holds]: Check): Check => [`${expected}, or null`, (value) => value === null || holds(value)];
const text: Check = ["a text", (value) => typeof value === "string" && value.trim() !== ""];
const isAmount = (value: unknown): boolean => typeof value === "number" && value >= 0 && Number.isFinite(value);
const ADDRESS: Check = [
  "an address such as http://127.0.0.1:8000/v1",
  (value) => typeof value === "string" && /^https?:\/\/[^/\s]+/.test(value),
];
const PRICE: Check = [
  "{prompt, completion} in dollars per million tokens",
  (value) => isRecord(value) && isAmount(value["prompt"]) && isAmount(value["completion"]),
];
const ITEM: Check = [
  "a list of {criterion, weight}, weights above 0",
  (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      (item) => isRecord(item) && text[1](item["criterion"]) && isAmount(item["weight"]) && item["weight"] !== 0,
    ),
];
const TEMPLATE: Check = [
  `a text with {response}, and no other braces than ${PLACEHOLDERS.join(", ")}`,
  (value) =>
    typeof value === "string" &&
    value.includes("{response}") &&
    [...value.matchAll(/\{\w+\}/g)].every(([name]) => PLACEHOLDERS.includes(name)),
];

const ENDPOINT_CHECKS: Readonly<Record<keyof JudgeEndpointSettings, Check>> = {
  url: ADDRESS,
  model: text,
  apiKeyEnv: orNull(text),
  maxTokens: whole(1),
  timeoutMs: whole(1),
  retries: whole(0),
  parallel: whole(1),
  requestsPerMinute: orNull(["a number above 0", (value) => isAmount(value) && value !== 0]),
  price: orNull(PRICE),
};
const CHECKS: Readonly<Record<keyof JudgeSettings, Check>> = {
  ...ENDPOINT_CHECKS,
  mode: ["rubric or pairwise", (value) => value === "rubric" || value === "pairwise"],
  rubric: ITEM,
  template: orNull(TEMPLATE),
  votes: whole(1),
  temperature: ["a number from 0 to 2", (value) => isAmount(value) && (value as number) <= 2],
  cache: orNull(text),
  budgetTokens: orNull(whole(1)),
  rule: orNull([
    `one of ${KNOWN_VERIFIERS.join(", ")}`,
    (value) => (KNOWN_VERIFIERS as readonly unknown[]).includes(value),
  ]),
  second: orNull(["an object with url and model", isRecord]),
};

/**
 * Checks settings and fills in the defaults.
 *
 * @param where the file, for the message
 * @throws ConfigError naming the key, what was expected and what was found
 */
export function readJudgeSettings(value: unknown, where: string): JudgeSettings {
  const given = checked(value, CHECKS, where, "");
  const { second, ...own } = { ...JUDGE_DEFAULTS, ...given } as JudgeSettings;
  if (own.mode === "pairwise" && given["rubric"] !== undefined)
    throw refused(where, "rubric", "a rubric with mode: rubric alone", 'mode: "pairwise"');
  if (second?.model === own.model) throw refused(where, "second.model", "another model than the first", own.model);
  return {
    ...own,
    temperature: (given["temperature"] as number | undefined) ?? (own.votes > 1 ? 0.7 : 0),
    cache: own.cache === null ? null : resolve(dirname(where), own.cache),
    // Limits are by endpoint; what the second one does not state is as for the first.
    second: second === null ? null : { ...endpointOf(own), ...checked(second, ENDPOINT_CHECKS, where, "second.") },
  };
}

/** @throws ConfigError for a file that cannot be read, is not JSON, or has settings that cannot be used */
export async function loadJudgeSettings(file: string): Promise<JudgeSettings> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new ConfigError({
      what: "The settings of the judge cannot be read.",
      where: file,
      expected: 'a JSON file, at least {"url": "..", "model": ".."}',
      found: (cause as Error).message,
      cause,
    });
  }
  return readJudgeSettings(value, file);
}

function endpointOf(settings: JudgeEndpointSettings): JudgeEndpointSettings {
  const keys = Object.keys(ENDPOINT_CHECKS) as (keyof JudgeEndpointSettings)[];
  return Object.fromEntries(keys.map((key) => [key, settings[key]])) as unknown as JudgeEndpointSettings;
}

function checked(
  value: unknown,
  checks: Readonly<Record<string, Check>>,
  where: string,
  prefix: string,
): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) throw refused(where, prefix.replace(".", "") || "the file", "an object", describeValue(value));
  for (const [key, found] of Object.entries(value)) {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
    if (check === undefined) {
      const meant = nearest(key, Object.keys(checks));
      const fix = meant === null ? undefined : `write ${prefix}${meant}`;
      throw refused(where, `${prefix}${key}`, `one of ${Object.keys(checks).join(", ")}`, key, fix);
    }
    if (!check[1](found)) throw refused(where, `${prefix}${key}`, check[0], describeValue(found));
  }
  for (const key of ["url", "model"])
    if (value[key] === undefined) throw refused(where, `${prefix}${key}`, checks[key]![0], "nothing");
  return value;
}

function refused(where: string, key: string, expected: string, found: string, fix?: string): ConfigError {
  return new ConfigError({ what: `The setting ${key} of the judge cannot be used.`, where, expected, found, fix });
}

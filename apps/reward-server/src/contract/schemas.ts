/**
 * The wire's shapes as arktype schemas, from which `/openapi.json` is generated. `@v-triune/rewards` reads
 * the requests of `/judge` and `/v1/score` without arktype; schemas.test.ts checks that both accept the same.
 */
import { type } from "arktype";
import { Content, GoldContent } from "./content";

const Ratio = type("number >= 0 | null").describe("a finite number of at least 0, or null");
const Json = type({ "[string]": "unknown" });
const Numbers = type({ "[string]": "number" });

/** `POST /judge`. */
export const JudgeBody = type({
  response: Content,
  prompt: Content,
  answer: GoldContent,
  solution: GoldContent,
  data_source: "string",
  reward_verifier: "string",
  reward_verifier_parm: "string",
  "format_ratio?": Ratio,
  "accuracy_ratio?": Ratio,
  "fmt_ratio?": Ratio.describe("the successor's name of format_ratio; a number of at least 0, or null"),
  "len_ratio?": Ratio.describe("taken and ignored, with a warning if above 0; a number of at least 0, or null"),
  "query?": type("unknown").describe("taken and ignored"),
});

const Warnings = type("string[]").describe("what of the request was ignored, for example keys that are not known");

/** What `/judge` answers. */
export const JudgeAnswer = type({ rewards: Numbers, "warnings?": Warnings });

/** One entry of what `/judge/batch` answers. */
export const JudgeEntry = JudgeAnswer.or({
  status: "'skipped' | 'error'",
  reason: "string",
  "field?": "string",
  "known?": "string[]",
  "warnings?": Warnings,
});

/** One sample of `POST /v1/score`. */
export const ScoreSample = type({
  response: Content,
  verifier: "string",
  ground_truth: GoldContent,
  "prompt?": Content.or("null"),
  "data_source?": "string | null",
  "params?": Json.or("null"),
  "accuracy_ratio?": Ratio,
  "format_ratio?": Ratio,
});

/** `POST /v1/score`. */
export const ScoreBody = type({ requests: ScoreSample.array() });

/** One verdict. */
export const ScoreVerdict = type({
  index: "number >= 0",
  status: "'scored'",
  reward: "number",
  accuracy: "number",
  format: "number",
  metrics: Numbers,
  "reason?": "'undecided'",
}).or({
  index: "number >= 0",
  status: "'skipped' | 'error'",
  reason: "string",
  "code?": "string",
});

/** What `/v1/score` answers as JSON. */
export const ScoreAnswer = type({ results: ScoreVerdict.array() });

/** What `/openrlhf` answers. */
export const OpenRlhfAnswer = type({
  rewards: "number[]",
  scores: "number[]",
  extra_logs: type({ "[string]": "number[]" }),
});

/** A refusal. */
export const ErrorBody = type({
  error: { code: "string", message: "string", "field?": "string", "known?": "string[]" },
});

/**
 * Rules for samples that are answered in text (arXiv 2505.18129, section 4.1): they drop what can be guessed, what a
 * verifier cannot compare, and what is too long to train on.
 */
import { DatasetError, type Task } from "@v-triune/schema";
import { literal } from "../duckdb/database";
import type { FilterRule } from "./filter-rule";
import { familyPixels, imageTokensSql, textTokensSql } from "./token-count";

const REASONING: readonly Task[] = ["math", "puzzle", "science", "chart"];

/** Question shapes of multiple choice, RE2, case-insensitive. English first, then Chinese. */
const CHOICE_QUESTION = [
  // Two listed choices: "A. 12 B. 13", "(a) yes (b) no", "A) 1 B) 2", also with full-width marks.
  String.raw`(?:^|\s)[(（]?A[).:：．、）]\s*\S(?s:.)*?\s[(（]?B[).:：．、）]\s*\S`,
  String.raw`\b(?:which|what|who|where) (?:one )?of (?:the following|these|the given|the below)\b`,
  String.raw`\b(?:choose|select|pick) (?:the|one|an?|from|all)\b`,
  String.raw`\b(?:choices|options)\s*[:：]`,
  String.raw`\b(?:following|given) (?:four |five )?(?:options|choices|statements|answers)\b`,
  String.raw`(?:下列|以下|下面)(?:\S{0,12})(?:正确|错误|不正确|哪|是|的)`,
  String.raw`选项|选择题|单选|多选|哪一项|哪个选项`,
].join("|");

/**
 * A lone letter, letters in a row, or a letter in brackets. Lower case counts only in brackets: `a` may be a variable.
 */
const CHOICE_ANSWER = String.raw`^\s*(?:[A-H]|[A-H](?:\s*[,、&]\s*[A-H])+|[(（][A-Ha-h][)）]|[A-H][.)．、])\s*$`;

const TRUE_FALSE_QUESTION = [
  String.raw`\b(?:true or false|yes or no|true/false|yes/no|is it true that)\b`,
  "判断对错|判断正误|是否正确|对还是错|对不对",
].join("|");
const TRUE_FALSE_WORDS = "yes|no|true|false|correct|incorrect|right|wrong|是|否|不是|对|错|不对|正确|错误|不正确";
const TRUE_FALSE_ANSWER = String.raw`^\s*(?:${TRUE_FALSE_WORDS})\s*[.。]?\s*$`;

/** Drops questions that list choices, and answers that are letters of choices. */
export function multipleChoice(): FilterRule {
  return {
    name: "multiple-choice",
    reason: "multiple choice, so that the answer can be guessed",
    scope: "row",
    tasks: REASONING,
    parameters: {},
    sql: () =>
      `regexp_matches(question, ${literal(CHOICE_QUESTION)}, 'i') OR regexp_matches(answer, ${literal(CHOICE_ANSWER)})`,
  };
}

/** Drops questions with two possible answers. */
export function trueFalse(): FilterRule {
  return {
    name: "true-false",
    reason: "true or false, so that the answer can be guessed",
    scope: "row",
    tasks: REASONING,
    parameters: {},
    sql: () =>
      `regexp_matches(question, ${literal(TRUE_FALSE_QUESTION)}, 'i')
        OR regexp_matches(answer, ${literal(TRUE_FALSE_ANSWER)}, 'i')`,
  };
}

/** Drops answers with a symbol that makes comparisons unreliable. */
export function answerSymbols({ symbols = "=[]();" }: { symbols?: string } = {}): FilterRule {
  const set = [...symbols]
    .map((symbol) => (/[\]\\^-]/.test(symbol) || symbol === "[" ? `\\${symbol}` : symbol))
    .join("");
  return {
    name: "answer-symbols",
    reason: `the answer has one of ${[...symbols].join(" ")}`,
    scope: "row",
    tasks: REASONING,
    parameters: { symbols },
    sql: () => `regexp_matches(answer, ${literal(`[${set}]`)})`,
  };
}

/** Drops answers with more than `max` characters. */
export function answerLength({ max = 20 }: { max?: number } = {}): FilterRule {
  return {
    name: "answer-length",
    reason: `the answer is longer than ${max} characters`,
    scope: "row",
    tasks: REASONING,
    parameters: { max },
    sql: () => `length(answer) > ${max}`,
  };
}

/** Drops rows without an answer in text. The rule for boxes is `has-boxes`. */
export function hasAnswer(): FilterRule {
  return {
    name: "has-answer",
    reason: "no answer",
    scope: "row",
    tasks: [...REASONING, "counting", "ocr"],
    parameters: {},
    sql: () => "answer IS NULL OR trim(answer) = ''",
  };
}

export interface OverlongQueryOptions {
  readonly maxTokens?: number;
  /** Most pixels after the resize. Default: what the family's published settings say. */
  readonly maxPixels?: number;
  /** `model_type` of the model's config.json, which decides how many tokens a picture takes. Default "qwen2_5_vl". */
  readonly model?: string;
}

/**
 * Drops queries over the prompt limit: text tokens (an estimate, see token-count.ts) and image tokens (exact if the
 * size of the picture is known).
 */
export function overlongQuery({
  maxTokens = 4096,
  model = "qwen2_5_vl",
  ...given
}: OverlongQueryOptions = {}): FilterRule {
  const family = familyPixels[model];
  if (family === undefined)
    throw new DatasetError({
      code: "bad-option",
      field: "rules.overlong-query.model",
      expected: Object.keys(familyPixels).join(", "),
      found: String(model),
      fix: "take the model_type of the model's config.json",
    });
  const pixels = { ...family, ...given };
  return {
    name: "overlong-query",
    reason: `text and image tokens exceed ${maxTokens}`,
    scope: "row",
    needs: ["size"],
    parameters: { maxTokens, maxPixels: pixels.maxPixels, model },
    sql: () => {
      const imageTokens = imageTokensSql("width", "height", pixels);
      return `${textTokensSql("question")} + coalesce(${imageTokens} * picture_count, 0) > ${maxTokens}`;
    },
  };
}

/** Drops counting rows whose answer is not a whole number: they are the owner's other kinds of questions. */
export function countAnswer(): FilterRule {
  return {
    name: "count-answer",
    reason: "not a counting question: the answer is not a whole number",
    scope: "row",
    tasks: ["counting"],
    parameters: {},
    sql: () => String.raw`NOT regexp_matches(answer, '^\s*\d+\s*$')`,
  };
}

/** Drops rows whose question is in another language. */
export function language({ keep = ["en"] }: { keep?: readonly string[] } = {}): FilterRule {
  return {
    name: "language",
    reason: `the question is not in ${keep.join(" or ")}`,
    scope: "row",
    tasks: ["counting", "ocr"],
    needs: ["language"],
    parameters: { keep },
    sql: () => `language NOT IN (${keep.map(literal).join(", ")})`,
  };
}

/** Drops samples whose gold answer the mathverify verifier cannot verify against itself. */
export function verifiableAnswer(): FilterRule {
  return {
    name: "verifiable-answer",
    reason: "the verifier cannot verify the gold answer",
    scope: "row",
    tasks: [...REASONING, "counting", "ocr"],
    needs: ["verified"],
    parameters: {},
    sql: () => "verified <> 'yes'",
  };
}

/**
 * OCRBench v2 (arXiv 2501.00321): `OCRBench_v2.json` with image paths below the folder (the owners' release), or
 * `data/test-*.parquet` (lmms-lab/OCRBench-v2): question, answers, type and, for some, eval and bbox.
 *
 * Metrics as the owners' eval_scripts (also in lmms-eval): an answer of fewer than five words must occur in the
 * response, a longer one counts by its ANLS from 0.5 on; numbers by relative error; formulas without spaces; key
 * information as the share of keys whose value is equal; boxes by IoU. A type's scores are averaged into its
 * capability, capabilities into English and Chinese, these into the headline.
 *
 * Left out and counted: page OCR and translation (BLEU and METEOR with WordNet), tables, charts and documents (tree
 * edit distance), spotting (the competition's own scorer). A capability of which nothing is scored is not in the mean,
 * so the headline is that of the scored part.
 */
import { join } from "node:path";
import { isRecord } from "@v-triune/node-kit/is-record";
import { type Benchmark, type BenchmarkItem, type ScoredItem, meanScore, partMeans } from "../benchmark";
import { similarity } from "../answers/read-answer";
import { field, firstExisting, isList, isNumber, isText, readJson, wrongLayout } from "../files/layout";
import { findParquet, readParquetRows } from "../files/parquet-rows";
import { parsePythonLiteral } from "../files/python-literal";

interface OcrRecord {
  readonly values: Readonly<Record<string, unknown>>;
  readonly where: string;
  readonly picture: () => Promise<string | Uint8Array>;
}

/** Which capability a type belongs to. */
const capabilities: Readonly<Record<string, readonly string[]>> = {
  text_recognition_en: ["text recognition en", "fine-grained text recognition en", "full-page OCR en"],
  text_detection_en: ["text grounding en", "VQA with position en"],
  text_spotting_en: ["text spotting en"],
  relationship_extraction_en: ["key information extraction en", "key information mapping en"],
  element_parsing_en: ["document parsing en", "chart parsing en", "table parsing en", "formula recognition en"],
  mathematical_calculation_en: ["math QA en", "text counting en"],
  visual_text_understanding_en: ["document classification en", "cognition VQA en", "diagram QA en"],
  knowledge_reasoning_en: ["reasoning VQA en", "science QA en", "APP agent en", "ASCII art classification en"],
  text_recognition_cn: ["full-page OCR cn"],
  relationship_extraction_cn: ["key information extraction cn", "handwritten answer extraction cn"],
  element_parsing_cn: ["document parsing cn", "table parsing cn", "formula recognition cn"],
  visual_text_understanding_cn: ["cognition VQA cn"],
  knowledge_reasoning_cn: ["reasoning VQA cn", "text translation cn"],
};

export const ocrbenchV2: Benchmark = {
  name: "ocrbench-v2",
  title: "OCRBench v2",
  domain: "in",
  domainReason: "reading text in pictures is trained on LLaVA-OneVision and EST-VQA",
  task: "ocr",
  metric:
    "the owners' rules by type, mean over capabilities; types that need BLEU, tree edit distance or spotting are " +
    "left out",
  layout: "OCRBench_v2.json with its pictures, or data/test-*.parquet (lmms-lab/OCRBench-v2)",
  async open(folder) {
    const records = await readRecords(folder);
    const leftOut: Record<string, number> = {};
    const items = records.flatMap((record, index) => {
      const type = field(record.values, "type", isText, "the type of question", record.where);
      const score = scorerOf(type, record);
      if (score === undefined) {
        const reason = `type "${type}" is not scored here`;
        leftOut[reason] = (leftOut[reason] ?? 0) + 1;
        return [];
      }
      const question = field(record.values, "question", isText, "a question", record.where).trim();
      const item: BenchmarkItem = {
        id: String(record.values["id"] ?? index),
        part: type,
        prompt: `<image>\n${question}`,
        pictures: async () => [await record.picture()],
        score: (response) => ({ score: score(response), vote: null }),
      };
      return [item];
    });
    return { items, leftOut, summarize };
  },
};

async function readRecords(folder: string): Promise<OcrRecord[]> {
  const json = firstExisting(folder, ["OCRBench_v2.json"]);
  if (json !== undefined) {
    const list = readJson(json);
    if (!isList(list)) throw wrongLayout("OCRBench v2", folder, ["a list of records in OCRBench_v2.json"]);
    return list.filter(isRecord).map((values, index) => {
      const where = `OCRBench_v2.json[${index}]`;
      const path = field(values, "image_path", isText, "a path below the folder", where);
      return { values, where, picture: async () => join(folder, path) };
    });
  }
  const files = findParquet(folder, (path) => /(^|\/)test-[^/]*$/.test(path));
  if (files.length === 0) throw wrongLayout("OCRBench v2", folder, ["OCRBench_v2.json", "data/test-*.parquet"]);
  const rows = await readParquetRows(folder, files, ["question", "answers", "type"]);
  return rows.map((row) => ({
    values: row.values,
    where: row.where,
    picture: async () => (await row.picture("image")) ?? new Uint8Array(),
  }));
}

function summarize(scored: readonly ScoredItem[]) {
  const further: Record<string, number> = {};
  const languages: Record<string, number[]> = { en: [], cn: [] };
  for (const [capability, types] of Object.entries(capabilities)) {
    const own = scored.filter(({ item }) => types.includes(item.part));
    if (own.length === 0) continue;
    further[capability] = meanScore(own);
    languages[capability.slice(-2)]?.push(further[capability]!);
  }
  const means = Object.entries(languages).flatMap(([language, values]) =>
    values.length === 0 ? [] : [[language, values.reduce((a, b) => a + b, 0) / values.length] as const],
  );
  for (const [language, value] of means) further[language === "en" ? "english" : "chinese"] = value;
  for (const [type, value] of Object.entries(partMeans(scored))) further[`type/${type.replaceAll(" ", "_")}`] = value;
  return {
    headline: means.length === 0 ? 0 : means.reduce((sum, [, value]) => sum + value, 0) / means.length,
    further,
  };
}

const answerQuestions = [
  "APP agent en",
  "ASCII art classification en",
  "math QA en",
  "reasoning VQA en",
  "science QA en",
  "text recognition en",
  "document classification en",
  "cognition VQA en",
  "diagram QA en",
];

function scorerOf(
  type: string,
  { values, where }: Pick<OcrRecord, "values" | "where">,
): ((response: string) => number) | undefined {
  const rule = isText(values["eval"]) ? values["eval"] : "";
  const raw = values["answers"];
  const answers = (isList(raw) ? raw : [raw]).map((answer) =>
    isText(answer) ? answer : isNumber(answer) ? String(answer) : JSON.stringify(answer),
  );
  const chinese = type === "cognition VQA cn" || type === "reasoning VQA cn";
  if (answerQuestions.includes(type) || chinese) {
    if (rule === "multiple choice") return (response) => (response.replaceAll(/[^\p{L}]/gu, "") === answers[0] ? 1 : 0);
    if (rule === "case sensitive")
      return (response) => answerScore(response, answers, { lower: false, chinese: false });
    return (response) => answerScore(response, answers, { lower: true, chinese });
  }
  if (type === "text counting en") return (response) => countingScore(response, answers, rule);
  if (type === "formula recognition en" || type === "formula recognition cn") {
    const bare = (text: string): string =>
      (type.endsWith("cn") ? text.replaceAll(/\\text\{([^{}]*)\}/g, "$1") : text).replaceAll(/[\s]/g, "");
    return (response) => (answers.some((answer) => bare(response).includes(bare(answer))) ? 1 : 0);
  }
  if (type.startsWith("key information")) {
    const gold = keyValues(answers[0] ?? "");
    return (response) => keyInformationScore(response, gold);
  }
  if (type === "text grounding en") {
    const gold = (isList(raw) ? raw : []).map(Number);
    return (response) => intersectionOverUnion(lastBox(response), gold);
  }
  if (type === "VQA with position en") {
    const box = values["bbox"] ?? values["bbox_list"];
    const gold = (isList(box) ? box : isText(box) ? (parsePythonLiteral(box) as unknown[]) : []).map(Number);
    return (response) => {
      const told = keyValues(fenced(response));
      const content = told["answer"]?.[0];
      const place = told["bbox"]?.[0];
      return (
        0.5 * (content === undefined ? 0 : answerScore(content, answers, { lower: true, chinese: false })) +
        0.5 * (place === undefined ? 0 : intersectionOverUnion(lastBox(place), gold))
      );
    };
  }
  if (
    type === "handwritten answer extraction cn" &&
    !field(values, "question", isText, "a question", where).includes("简答")
  ) {
    const answer = answers[0] ?? "";
    const characters = [...answer];
    const forms =
      characters.length > 1
        ? ["", ".", ". ", ",", ", ", "、", ";", "; ", " ", "和"].map((between) => characters.join(between))
        : [answer];
    return (response) => (forms.some((form) => response.includes(form)) ? 1 : 0);
  }
  return undefined;
}

/** The best over the answers: 1 where a short one occurs in the response, ANLS from 0.5 on for a long one. */
export function answerScore(
  response: string,
  answers: readonly string[],
  { lower, chinese }: { readonly lower: boolean; readonly chinese: boolean },
): number {
  const plain = (text: string): string => {
    const line = (lower ? text.toLowerCase() : text).trim().replaceAll("\n", " ");
    return chinese ? line.replaceAll(" ", "") : line;
  };
  const told = plain(response);
  return answers.reduce((best, answer) => {
    const gold = plain(answer);
    const short = chinese ? gold.split(",").length < 4 : gold.split(/\s+/).filter(Boolean).length < 5;
    if (short) return told.includes(gold) ? 1 : best;
    const near = similarity(told, gold);
    return near >= 0.5 ? Math.max(best, near) : best;
  }, 0);
}

function countingScore(response: string, answers: readonly string[], rule: string): number {
  if (rule !== "regression") return answers.some((answer) => response.includes(answer.toLowerCase().trim())) ? 1 : 0;
  const number = Number(/\d+/.exec(response)?.[0]);
  return Math.max(
    0,
    ...answers.map((answer) => {
      const gold = Number.parseInt(answer, 10);
      const near = 1 - Math.abs(number - gold) / gold;
      return number > 0 && number < 2 * gold && near > 0.5 ? near : 0;
    }),
  );
}

const fenced = (text: string): string => /```(?:python|json)?\n([\s\S]*?)\n```/i.exec(text)?.[1] ?? text.trim();

/** A dict from JSON or Python text, each value a list of accepted texts; `key: value` pairs where it is neither. */
function keyValues(text: string): Record<string, string[]> {
  let value: unknown = parsePythonLiteral(text.replace(/^"([\s\S]*)"$/, "$1"));
  if (typeof value === "string") value = parsePythonLiteral(value);
  const asText = (one: unknown): string => (isText(one) || isNumber(one) ? String(one) : JSON.stringify(one)).trim();
  if (isRecord(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [
        key.trim(),
        (isList(one) && !one.every(isNumber) ? one : [one]).map(asText),
      ]),
    );
  // A word without a value is matched, too, and left out: so no part of a long text is looked at again.
  const pairs = text.matchAll(/["']?([\w\s]+)(?:["']?\s*[:=]\s*["']?([^\n,"'{}]+)["']?)?/g);
  return Object.fromEntries(
    [...pairs].flatMap(([, key = "", one]) => (one === undefined ? [] : [[key.trim(), [one.trim()]]])),
  );
}

/** The share of keys, of gold and answer together, whose values are equal without case and spaces. */
function keyInformationScore(response: string, gold: Readonly<Record<string, readonly string[]>>): number {
  const told = keyValues(fenced(response));
  const keys = [...new Set([...Object.keys(gold), ...Object.keys(told)])];
  const bare = (text: string): string => text.toLowerCase().replaceAll(/\s/g, "");
  const right = keys.filter(
    (key) =>
      Object.hasOwn(told, key) &&
      Object.hasOwn(gold, key) &&
      gold[key]!.some((accepted) => bare(accepted) === bare(told[key]![0] ?? "")),
  );
  return keys.length === 0 ? 0 : right.length / keys.length;
}

/** The last [x1, y1, x2, y2] whose numbers are all within 0..1000. */
function lastBox(text: string): number[] {
  const boxes = [...text.matchAll(/[([]\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*[)\]]/g)].map((match) =>
    match.slice(1, 5).map(Number),
  );
  return boxes.findLast((box) => box.every((value) => value <= 1000)) ?? [];
}

function intersectionOverUnion(a: readonly number[], b: readonly number[]): number {
  const [ax1, ay1, ax2, ay2] = a.map(Math.trunc);
  const [bx1, by1, bx2, by2] = b.map(Math.trunc);
  if (
    ax1 === undefined ||
    ay1 === undefined ||
    ax2 === undefined ||
    ay2 === undefined ||
    bx1 === undefined ||
    by1 === undefined ||
    bx2 === undefined ||
    by2 === undefined
  )
    return 0;
  const inter =
    Math.max(0, Math.min(ax2, bx2) - Math.max(ax1, bx1)) * Math.max(0, Math.min(ay2, by2) - Math.max(ay1, by1));
  const union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - inter;
  return union === 0 ? 0 : inter / union;
}

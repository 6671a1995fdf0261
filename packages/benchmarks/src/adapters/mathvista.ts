/**
 * MathVista testmini (arXiv 2310.02255): `data/testmini-*.parquet` with pid, query (the prompt with its hint), choices,
 * answer, question_type, answer_type, precision and decoded_image.
 *
 * Metric: share of right answers. The authors let GPT-4 extract the answer; here it is read by rule (\boxed{}, "answer
 * is", the last number or letter), so scores are comparable with each other rather than with the leaderboard.
 * Normalizing after extraction is theirs (evaluation/calculate_score.py): a letter to its choice, else the most similar
 * choice; whole numbers truncated, decimals rounded.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { type Benchmark, type BenchmarkItem, meanScore, partMeans } from "../benchmark";
import { chosenLetter, editDistance, finalAnswer, lastNumber } from "../answers/read-answer";
import { field, isList, isNumber, isText, wrongLayout } from "../files/layout";
import { type ParquetRow, findParquet, readParquetRows } from "../files/parquet-rows";

export const mathvista: Benchmark = {
  name: "mathvista",
  title: "MathVista testmini",
  domain: "in",
  domainReason: "math, charts and science are trained",
  task: "math",
  metric: "accuracy; answers read by rule instead of GPT-4",
  layout: "data/testmini-*.parquet (AI4Math/MathVista)",
  async open(folder) {
    const files = findParquet(folder, (path) => /(^|\/)testmini-[^/]*$/.test(path));
    if (files.length === 0) throw wrongLayout("MathVista", folder, ["data/testmini-*.parquet"]);
    const rows = await readParquetRows(folder, files, ["pid", "query", "answer", "question_type", "answer_type"]);
    return {
      items: rows.map(question),
      leftOut: {},
      summarize: (scored) => ({
        headline: meanScore(scored),
        further: Object.fromEntries(
          Object.entries(partMeans(scored)).map(([part, value]) => [`accuracy/${part.replaceAll(" ", "_")}`, value]),
        ),
      }),
    };
  },
};

function question(row: ParquetRow): BenchmarkItem {
  const text = (key: string): string => field(row.values, key, isText, "a text", row.where);
  const answer = text("answer");
  const choices = isList(row.values["choices"]) ? row.values["choices"].filter(isText) : [];
  const precision = isNumber(row.values["precision"]) ? row.values["precision"] : 0;
  const metadata = isRecord(row.values["metadata"]) ? row.values["metadata"] : {};
  const kind = { multiple: text("question_type") === "multi_choice", type: text("answer_type") };
  return {
    id: text("pid"),
    part: isText(metadata["task"]) ? metadata["task"] : "all",
    prompt: `<image>\n${text("query")}`,
    pictures: async () => [(await row.picture("decoded_image")) ?? new Uint8Array()],
    score(response) {
      const found = normalizedAnswer(finalAnswer(response), { ...kind, choices, precision });
      return { score: found === answer.trim() ? 1 : 0, vote: found ?? "" };
    },
  };
}

/** @returns undefined where nothing of the asked kind can be read */
export function normalizedAnswer(
  final: string,
  {
    multiple,
    type,
    choices,
    precision,
  }: {
    readonly multiple: boolean;
    readonly type: string;
    readonly choices: readonly string[];
    readonly precision: number;
  },
): string | undefined {
  if (multiple) {
    if (choices.includes(final)) return final;
    const letter = /\(([a-zA-Z])\)/.exec(final)?.[1]?.toUpperCase() ?? chosenLetter(final, choices);
    const chosen = letter === undefined ? undefined : choices[letter.charCodeAt(0) - 65];
    return chosen ?? [...choices].sort((a, b) => editDistance(final, a) - editDistance(final, b))[0];
  }
  if (type === "list") return (/\[[^\]]*\]/.exec(final)?.[0] ?? final).trim();
  const value = lastNumber(final);
  if (value === undefined) return type === "text" ? final : undefined;
  if (type === "integer") return String(Math.trunc(value));
  if (type !== "float") return final;
  // As Python prints a rounded float: 1.50 is "1.5", 2 is "2.0".
  const rounded = String(Number(value.toFixed(precision)));
  return /[.e]/.test(rounded) ? rounded : `${rounded}.0`;
}

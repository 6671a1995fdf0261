/**
 * MMMU validation (arXiv 2311.16502): `SUBJECT/validation-*.parquet` with id, question, options (a Python list as
 * text), answer, question_type and image_1 .. image_7, which `<image 1>` in the text refers to.
 *
 * Metric: accuracy by the authors' rules (mmmu/utils/eval_utils.py); prompts after lmms-eval. Deviation: where their
 * rule draws an option at random because none can be read, the answer is wrong.
 */
import { type Benchmark, type BenchmarkItem, meanScore, partMeans } from "../benchmark";
import { chosenLetter, finalAnswer } from "../answers/read-answer";
import { field, isText, wrongLayout } from "../files/layout";
import { type ParquetRow, findParquet, readParquetRows } from "../files/parquet-rows";
import { parsePythonLiteral } from "../files/python-literal";

export const mmmu: Benchmark = {
  name: "mmmu",
  title: "MMMU validation",
  domain: "out",
  domainReason: "college knowledge of thirty subjects is not in the training corpus",
  task: "reasoning",
  metric: "accuracy by MMMU's rules",
  layout: "SUBJECT/validation-*.parquet (MMMU/MMMU), or data/validation-*.parquet",
  async open(folder) {
    const files = findParquet(folder, (path) => /(^|\/)validation-[^/]*$/.test(path));
    if (files.length === 0)
      throw wrongLayout("MMMU", folder, [
        "Accounting/validation-*.parquet, Agriculture/validation-*.parquet, ..",
        "data/validation-*.parquet",
      ]);
    const rows = await readParquetRows(folder, files, ["id", "question", "options", "answer", "question_type"]);
    return {
      items: rows.map(question),
      leftOut: {},
      summarize: (scored) => ({
        headline: meanScore(scored),
        further: Object.fromEntries(
          Object.entries(partMeans(scored)).map(([part, value]) => [`accuracy/${part}`, value]),
        ),
      }),
    };
  },
};

function question(row: ParquetRow): BenchmarkItem {
  const text = (key: string): string => field(row.values, key, isText, "a text", row.where);
  const id = text("id");
  const open = text("question_type") === "open";
  const parsed = parsePythonLiteral(text("options"));
  const options = Array.isArray(parsed) ? parsed.map(String) : [];
  const golds = (parsePythonList(text("answer")) ?? [text("answer")]).map((gold) => gold.trim());
  const listed = options.map((option, index) => `${String.fromCharCode(65 + index)}. ${option}`).join("\n");
  const asked = open
    ? `${text("question")}\n\nAnswer the question using a single word or phrase.`
    : `${text("question")}\n${listed}\n\nAnswer with the option's letter from the given choices directly.`;
  const numbers = [...asked.matchAll(/<image (\d)>/g)].map(([, number]) => Number(number));
  return {
    id,
    // validation_Architecture_and_Engineering_3
    part: /^[a-z]+_(.+)_\d+$/.exec(id)?.[1] ?? "all",
    prompt: numbers.length > 0 ? asked.replaceAll(/<image \d>/g, "<image>") : `<image>\n${asked}`,
    async pictures() {
      const wanted = numbers.length > 0 ? numbers : [1];
      return Promise.all(wanted.map(async (number) => (await row.picture(`image_${number}`)) ?? new Uint8Array()));
    },
    score(response) {
      if (!open) {
        const letter = chosenLetter(finalAnswer(response), options) ?? chosenLetter(response, options);
        return { score: letter !== undefined && golds.includes(letter) ? 1 : 0, vote: letter ?? "" };
      }
      const found = openAnswers(response);
      return { score: golds.some((gold) => matchesOpen(gold, found)) ? 1 : 0, vote: String(found.at(-1) ?? "") };
    },
  };
}

function parsePythonList(text: string): string[] | undefined {
  const value = text.startsWith("[") ? parsePythonLiteral(text) : undefined;
  return Array.isArray(value) ? value.map(String) : undefined;
}

const indicators = ["could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result "];

/**
 * What an open answer may be: of each sentence what follows the nearest of "answer", "is", "therefore", .. , behind "="
 * in the last sentence, and the numbers in them.
 */
export function openAnswers(response: string): (string | number)[] {
  const text = response
    .trim()
    .replace(/^\.+|\.+$/g, "")
    .toLowerCase();
  const sentences = text.split(/\.\s(?=[A-Za-z])|\n/);
  const answers = sentences.flatMap((sentence, index) => {
    const marks = index === sentences.length - 1 ? [...indicators, "="] : indicators;
    const tails = marks.flatMap((mark) => (sentence.includes(mark) ? [sentence.split(mark).at(-1)!.trim()] : []));
    const shortest = tails.reduce<string | undefined>(
      (best, tail) => (best === undefined || tail.length < best.length ? tail : best),
      undefined,
    );
    return shortest !== undefined && ![":", ",", ".", "!", "?", ";", "'"].includes(shortest) ? [shortest] : [];
  });
  const parts = answers.length > 0 ? answers : [text];
  const numbers = parts.flatMap((part) =>
    [...part.matchAll(/-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g)].map(([number]) => number),
  );
  return [...new Set([...parts, ...numbers].flatMap(normalized))];
}

/**
 * A number rounded to two decimals; of a single character also with a space on either side, so that it is found as a
 * word only.
 */
function normalized(text: string): (string | number)[] {
  const plain = text.trim();
  if (/^-?[\d,]*\.?\d+(e[+-]?\d+)?$/i.test(plain)) return [Math.round(Number(plain.replaceAll(",", "")) * 100) / 100];
  const lower = plain.toLowerCase();
  return lower.length === 1 ? [` ${lower}`, `${lower} `] : [lower];
}

function matchesOpen(gold: string, found: readonly (string | number)[]): boolean {
  const golds = normalized(gold);
  return found.some((answer) =>
    typeof answer === "string"
      ? golds.some((one) => typeof one === "string" && answer.includes(one))
      : golds.includes(answer),
  );
}

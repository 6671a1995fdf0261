/**
 * MEGA-Bench core (arXiv 2410.10563): `core/test-*.parquet` with the task's description, one worked example and the
 * query, and the media of data.zip unpacked beside it (`data/..`).
 *
 * Metric: each field of the answer by the metric that the task names, fields weighted into the query, queries averaged
 * over the task, tasks into the headline (the owners' macro mean). Queries with videos and tasks with a metric that is
 * not rule-based here are left out and counted, so the headline is that of the scored tasks.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { type Benchmark, type BenchmarkItem, type ScoredItem, partMeans } from "../benchmark";
import { firstExisting, isNumber, isText, field, wrongLayout } from "../files/layout";
import { type MegaBenchMetric, megaBenchMetrics } from "./mega-bench-metrics";
import { type ParquetRow, findParquet, readParquetRows } from "../files/parquet-rows";
import { parsePythonLiteral } from "../files/python-literal";

export const megaBench: Benchmark = {
  name: "mega-bench-core",
  title: "MEGA-Bench core",
  domain: "out",
  domainReason: "440 tasks, most of a kind that is not in the training corpus",
  task: "reasoning",
  metric: "the task's own metrics, macro mean over the tasks that rules can score",
  layout: "core/test-*.parquet and data/ (TIGER-Lab/MEGA-Bench)",
  async open(folder) {
    const files = findParquet(folder, (path) => /(^|\/)core\/test-[^/]*$/.test(path));
    if (files.length === 0) throw wrongLayout("MEGA-Bench core", folder, ["core/test-*.parquet and data/"]);
    const rows = await readParquetRows(folder, files, [
      "task_name",
      "task_description",
      "query_text",
      "answer",
      "metric_info",
    ]);
    const leftOut: Record<string, number> = {};
    const items = rows.flatMap((row) => {
      const made = question(folder, row);
      if (typeof made !== "string") return [made];
      leftOut[made] = (leftOut[made] ?? 0) + 1;
      return [];
    });
    return { items, leftOut, summarize };
  },
};

function summarize(scored: readonly ScoredItem[]) {
  const tasks = partMeans(scored);
  const values = Object.values(tasks);
  return {
    headline: values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length,
    further: {
      tasks: values.length,
      ...Object.fromEntries(Object.entries(tasks).map(([task, value]) => [`task/${task}`, value])),
    },
  };
}

/** @returns the reason where it is left out */
function question(folder: string, row: ParquetRow): BenchmarkItem | string {
  const text = (key: string): string => field(row.values, key, isText, "a text", row.where);
  const literal = (key: string): unknown => (isText(row.values[key]) ? parsePythonLiteral(row.values[key]) : undefined);
  const media = ["global_media", "example_media", "query_media"].flatMap((key) => literal(key) ?? []).filter(isText);
  if (media.some((path) => /\.(mp4|avi|mov|webm|mkv|gif)$/i.test(path))) return "a query with videos";
  const info = literal("metric_info");
  const answer = literal("answer");
  if (!isRecord(info) || !isRecord(info["field_score_function"]) || !isRecord(answer))
    return "a record without a metric";
  const scorers: [string, MegaBenchMetric][] = [];
  for (const [name, metric] of Object.entries({
    ...info["field_score_function"],
    ...(isRecord(info["global_aux_metrics"]) ? info["global_aux_metrics"] : {}),
  })) {
    const scorer = megaBenchMetrics[String(metric).toLowerCase()];
    if (scorer === undefined) return `the metric ${String(metric)} is not rule-based here`;
    scorers.push([name, scorer]);
  }
  const aggregation = isRecord(info["aggregation"]) ? info["aggregation"] : {};
  const weights = isRecord(aggregation["field_weights"]) ? aggregation["field_weights"] : {};
  const fields = Object.keys(answer).filter((name) => !name.startsWith("##"));
  const single = info["response_parse_function"] !== "json";
  const task = text("task_name");
  const prompt = [
    text("task_description"),
    isText(row.values["example_text"]) ? row.values["example_text"] : "",
    text("query_text"),
  ]
    .filter((part) => part !== "")
    .join("\n");
  const marks = prompt.split("<image>").length - 1;
  if (marks > media.length) return "a query with fewer pictures than its text names";
  return {
    id: String(row.values["id"] ?? row.where),
    part: task,
    prompt: "<image>".repeat(media.length - marks) + prompt,
    pictures: async () => media.map((path) => firstExisting(folder, [path, `data/${path}`]) ?? `${folder}/${path}`),
    score(response) {
      const told = single ? { [fields[0] ?? "answer"]: singleAnswer(response) } : jsonAnswer(response, fields);
      let sum = 0;
      let total = 0;
      let least = 1;
      for (const [name, scorer] of scorers) {
        const weight = isNumber(weights[name]) ? weights[name] : 1;
        const score = scorer(told[name], answer[name] ?? "");
        sum += weight * score;
        total += weight;
        least = Math.min(least, score);
      }
      const score = String(aggregation["function"]).includes("min") ? least : total === 0 ? 0 : sum / total;
      return { score, vote: JSON.stringify(told) };
    },
  };
}

/** What follows the last "Answer:", out of its code block and quotes. */
export function singleAnswer(response: string): string {
  const at = response.replaceAll("answer:", "Answer:").lastIndexOf("Answer:");
  const told =
    at < 0
      ? response
      : response
          .slice(at + "Answer:".length)
          .replace(/^\s*\*+/, "")
          .replace(/\*+\s*$/, "");
  const block = /```\w*\s*\n*([\s\S]*?)\s*```/.exec(told)?.[1];
  const plain = (block ?? told).trim();
  const first = plain.split("\n\n")[0]!.trim();
  const short = block === undefined && /^([\w-]+(,\s*[\w-]+)*|[\w-]+\.|\([\w-]+\)$)/.test(first) ? first : plain;
  const quoted = parsePythonLiteral(short);
  return isText(quoted) ? quoted : short;
}

/** The last JSON object of the answer; the whole text as every field where there is none. */
function jsonAnswer(response: string, fields: readonly string[]): Record<string, unknown> {
  const starts = [...response.matchAll(/\{/g)].map(({ index }) => index);
  for (const start of starts) {
    for (let end = response.lastIndexOf("}"); end > start; end = response.lastIndexOf("}", end - 1)) {
      const value = parsePythonLiteral(response.slice(start, end + 1));
      if (isRecord(value)) return value;
    }
  }
  return Object.fromEntries(fields.map((name) => [name, response]));
}

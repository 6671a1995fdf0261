import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BenchmarkError, type Benchmark } from "@v-triune/benchmarks";
import { checkBenchmark } from "@v-triune/benchmarks/conformance";
import { writeSamples } from "@v-triune/data-filters";
import { parseSample } from "@v-triune/schema";
import { mathverify } from "@v-triune/verifiers";
import { resolveTrainingConfig, runTraining } from "v-triune";

// A team's own exam: exam.json, [{id, question, answer, picture?}, ..].
interface Question {
  readonly id: string;
  readonly question: string;
  readonly answer: string;
  readonly picture?: string;
}

const exam: Benchmark = {
  name: "exam",
  title: "Our exam",
  domain: "out",
  domainReason: "no source of the training data has its questions",
  task: "math",
  metric: "accuracy, judged as mathverify does",
  layout: "exam.json",
  async open(folder) {
    const file = join(folder, "exam.json");
    let questions: Question[];
    try {
      questions = JSON.parse(readFileSync(file, "utf8")) as Question[];
    } catch (cause) {
      const what = "The exam cannot be read.";
      throw new BenchmarkError({ what, where: file, expected: "a JSON list", cause });
    }
    const items = questions.map(({ id, question, answer, picture }) => ({
      id,
      part: picture === undefined ? "text" : "picture",
      prompt: picture === undefined ? question : `<image>${question}`,
      pictures: async () => (picture === undefined ? [] : [join(folder, picture)]),
      score(response: string) {
        const verdict = mathverify.verify(response, { groundTruth: `\\boxed{${answer}}` });
        return { score: verdict.status === "scored" ? verdict.accuracy : null, vote: null };
      },
    }));
    return { items, leftOut: {} };
  },
};

const folder = mkdtempSync(join(tmpdir(), "exam-"));
const copy = join(folder, "exam");
mkdirSync(copy);
const questions: Question[] = [
  { id: "1", question: "What is 3 + 4?", answer: "7" },
  { id: "2", question: "What is 6 + 6?", answer: "12" },
];
writeFileSync(join(copy, "exam.json"), JSON.stringify(questions));

const findings = await checkBenchmark(exam, {
  folder: copy,
  right: [["1", "\\boxed{7}"]],
  wrong: [["1", "\\boxed{8}"]],
});
console.log(findings); // an empty list: it keeps the contract

// The run's evaluations ask it, before the first step and after the last.
const samples = [2, 3].map((number) =>
  parseSample({
    data_source: "sums",
    prompt: [{ role: "user", content: `What is ${number} + ${number}?` }],
    reward_model: { ground_truth: `\\boxed{${2 * number}}`, verifier: "mathverify" },
  }),
);
await writeSamples(join(folder, "train.parquet"), samples);
const config = resolveTrainingConfig({
  model: "node_modules/v-triune/assets/demo-model", // or any Qwen2.5-VL folder
  data: { train: join(folder, "train.parquet") },
  run: { folder: join(folder, "run"), steps: 1 },
  rollout: { promptsPerStep: 2, n: 4, maxNewTokens: 8 },
  backend: "wasm",
});
const { after } = await runTraining(config, {
  benchmarks: [{ benchmark: exam, folder: copy }],
});
console.log(after?.counts);
// []
// { exam: 2 }

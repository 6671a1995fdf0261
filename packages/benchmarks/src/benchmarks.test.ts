/** Small copies of the benchmarks in their published layouts, answered rightly and wrongly. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tmpdir } from "node:os";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, describe, expect, it } from "vitest";
import type { BenchmarkItem, OpenBenchmark, ScoredItem } from "./benchmark";
import { benchmarks } from "./benchmarks";
import { checkBenchmark } from "./conformance";
import { megaBenchMetrics } from "./adapters/mega-bench-metrics";
import { singleAnswer } from "./adapters/mega-bench";
import { normalizedAnswer } from "./adapters/mathvista";
import { openAnswers } from "./adapters/mmmu";
import type { BoxConvention } from "@v-triune/verifiers";
import { answeredBoxes } from "./answers/box-answer";
import { answeredPoint } from "./adapters/screenspot-pro";

const folder = mkdtempSync(join(tmpdir(), "v-triune-benchmarks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Holds a benchmark against the conformance kit. */
const conforms = async (name: string, copy: string): Promise<void> =>
  expect(await checkBenchmark(named(name), { folder: join(folder, copy) })).toEqual([]);
const named = (name: string) => benchmarks.find((one) => one.name === name)!;
const write = (path: string, contents: unknown): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), typeof contents === "string" ? contents : JSON.stringify(contents));
};
async function parquet(path: string, select: string): Promise<void> {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await connection.run(`copy (${select}) to '${join(folder, path)}' (format parquet)`);
  connection.closeSync();
}
const picture = "{'bytes': '\\x89PNG'::blob, 'path': 'a.png'}";
const seen = [{ width: 280, height: 140 }];
const all = (opened: OpenBenchmark, answerOf: (item: BenchmarkItem) => string): ScoredItem[] =>
  opened.items.map((item) => ({ item, answer: item.score(answerOf(item), seen) }));
const boxes = (...list: [number, number, number, number, string][]): string =>
  `<think>\n\n</think>\n<answer>\n` +
  `${JSON.stringify(list.map(([x1, y1, x2, y2, label]) => ({ bbox_2d: [x1, y1, x2, y2], label })))}\n</answer>`;

describe("COCO val2017", () => {
  const coco = {
    categories: [
      { id: 1, name: "person" },
      { id: 18, name: "dog" },
    ],
    images: [
      { id: 7, file_name: "000000000007.jpg", width: 560, height: 280 },
      { id: 8, file_name: "000000000008.jpg", width: 100, height: 100 },
    ],
    annotations: [
      { id: 1, image_id: 7, category_id: 1, bbox: [100, 100, 100, 100], area: 10000, iscrowd: 0 },
      { id: 2, image_id: 7, category_id: 18, bbox: [0, 0, 40, 40], area: 1600, iscrowd: 0 },
      { id: 3, image_id: 7, category_id: 18, bbox: [300, 0, 40, 40], area: 1600, iscrowd: 0 },
      { id: 4, image_id: 8, category_id: 1, bbox: [0, 0, 50, 50], area: 2500, iscrowd: 1 },
    ],
  };

  it("asks for single objects and for all, and gives mAP of the seen picture's pixels", async () => {
    write("coco/annotations/instances_val2017.json", coco);
    write("coco/val2017/000000000007.jpg", "x");
    await conforms("coco-single", "coco");
    const single = await named("coco-single").open(join(folder, "coco"));
    expect(single.items.map(({ id }) => id)).toEqual(["7-person"]);
    expect(await single.items[0]!.pictures()).toEqual([join(folder, "coco/val2017/000000000007.jpg")]);
    expect(single.items[0]!.prompt).toMatch(/^<image>\n[\s\S]*\n- person\n/);
    // The model saw the picture at half its size.
    const right = single.items[0]!.score(boxes([50, 50, 100, 100, "person"]), seen);
    expect(right.score).toBeCloseTo(1, 9);
    expect(right.boxes).toEqual([{ label: "person", bbox: [100, 100, 100, 100] }]);
    expect(single.items[0]!.score("I see nothing", seen).score).toBe(0);
    // IoU 0.8: right at seven of ten thresholds.
    expect(single.items[0]!.score(boxes([50, 50, 100, 90, "person"]), seen).score).toBeCloseTo(0.7, 9);

    await conforms("coco-multi", "coco");
    const multi = await named("coco-multi").open(join(folder, "coco"));
    const half = all(multi, () => boxes([50, 50, 100, 100, "person"], [0, 0, 20, 20, "dog"]));
    expect(half).toHaveLength(1);
    // Of two dogs one: precision 1 up to recall 0.5, 51 of 101 points.
    expect(half[0]!.answer.score).toBeCloseTo((1 + 51 / 101) / 2, 6);
    const { headline, further } = multi.summarize!(half);
    expect(headline).toBeCloseTo(half[0]!.answer.score!, 9);
    expect(further["dataset_ap"]).toBeCloseTo((1 + 51 / 101) / 2, 6);
  });

  it("says what was looked for, and which annotation is wrong", async () => {
    await expect(named("coco-multi").open(join(folder, "nowhere"))).rejects.toThrow(
      /not a copy of COCO val2017[\s\S]*instances_val2017\.json[\s\S]*no such folder/,
    );
    write("broken/instances_val2017.json", "{");
    await expect(named("coco-multi").open(join(folder, "broken"))).rejects.toThrow(/not valid JSON/);
    write("odd/instances_val2017.json", { ...coco, annotations: [{ ...coco.annotations[0], bbox: "x" }] });
    await expect(named("coco-single").open(join(folder, "odd"))).rejects.toThrow(
      /no usable "bbox"[\s\S]*annotations\[0\]/,
    );
  });

  const real = new URL("../../../../shared/realdata/coco", import.meta.url).pathname;
  it.skipIf(!existsSync(join(real, "annotations/instances_val2017.json")))(
    "reads the real annotations: the gold boxes as an answer have full marks (skipped without ../shared/realdata)",
    async () => {
      const multi = await named("coco-multi").open(real);
      expect(multi.items.length).toBeGreaterThan(5);
      const { categories, images, annotations } = JSON.parse(
        readFileSync(join(real, "annotations/instances_val2017.json"), "utf8"),
      ) as typeof coco;
      const answers = multi.items.map((item) => {
        const image = images.find(({ id }) => String(id) === item.id)!;
        const golds = annotations.filter(({ image_id, iscrowd }) => String(image_id) === item.id && iscrowd === 0);
        const text = boxes(
          ...golds.map(
            ({ bbox: [x = 0, y = 0, w = 0, h = 0], category_id }): [number, number, number, number, string] => [
              x,
              y,
              x + w,
              y + h,
              categories.find(({ id }) => id === category_id)!.name,
            ],
          ),
        );
        return { item, answer: item.score(text, [image]) };
      });
      for (const { answer } of answers) expect(answer.score).toBeCloseTo(1, 6);
      expect(multi.summarize!(answers).further["dataset_ap"]).toBeCloseTo(1, 6);
    },
  );
});

describe("OVDEval", () => {
  it("lets one prediction a gold box stand, whatever its label", async () => {
    write("ovd/color.json", {
      categories: [
        { id: 0, name: "red car" },
        { id: 1, name: "blue car" },
      ],
      images: [{ id: 0, file_name: "a.jpg", width: 280, height: 140, text: ["red car"], neg_text: ["blue car"] }],
      annotations: [{ id: 0, image_id: 0, category_id: 0, bbox: [10, 10, 50, 50], area: 2500, iscrowd: 0 }],
    });
    write("ovd/color/a.jpg", "x");
    await conforms("ovdeval", "ovd");
    const opened = await named("ovdeval").open(join(folder, "ovd"));
    expect(opened.items[0]!.prompt).toContain("- blue car\n- red car\n");
    expect(await opened.items[0]!.pictures()).toEqual([join(folder, "ovd/color/a.jpg")]);
    const right = all(opened, () => boxes([10, 10, 60, 60, "red car"]));
    expect(opened.summarize!(right)).toMatchObject({ headline: expect.closeTo(1, 6) as number });
    // Both names over one object: the later one stays, and it is wrong.
    const both = all(opened, () => boxes([10, 10, 60, 60, "red car"], [10, 10, 60, 61, "blue car"]));
    expect(both[0]!.answer.score).toBe(0);
    expect(opened.summarize!(both).further["nms_ap/color"]).toBe(0);
    await expect(named("ovdeval").open(join(folder, "coco"))).rejects.toThrow(
      /celebrity\.json[\s\S]*annotations, val2017/,
    );
  });
});

describe("CountBench", () => {
  it("compares the number", async () => {
    await parquet(
      "count/data/test-00000-of-00001.parquet",
      `select ${picture} as image, 'four chairs' as text, 'How many chairs are there?' as question, 4::bigint as ` +
        `number union all select ${picture}, 'x', 'How many dogs?', 10::bigint`,
    );
    await conforms("countbench", "count");
    const { items } = await named("countbench").open(join(folder, "count"));
    expect(items.map(({ prompt }) => prompt.split("\n")[0])).toEqual([
      "<image>How many chairs are there?",
      "<image>How many dogs?",
    ]);
    expect([...((await items[1]!.pictures())[0] as Uint8Array)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
    expect(items.map((item) => item.score("I count them: 1, 2, 3, \\boxed{4}", []).score)).toEqual([1, 0]);
    expect(items[1]!.score("Ten.", [])).toEqual({ score: 1, vote: "10" });
    await parquet(
      "count-old/data/train-00000-of-00001.parquet",
      `select ${picture} as image, 'x' as text, 4 as number`,
    );
    await expect(named("countbench").open(join(folder, "count-old"))).rejects.toThrow(
      /no column "question"[\s\S]*image, text, number/,
    );
  });
});

describe("answered boxes", () => {
  const seen = { width: 280, height: 140 };
  const answer = (...corners: number[]) => `<answer>[{'bbox_2d': [${corners.join(", ")}], 'label': 'cat'}]</answer>`;
  it.each<[BoxConvention | undefined, string]>([
    [undefined, answer(28, 28, 140, 70)],
    ["resized-pixels", answer(28, 28, 140, 70)],
    ["pixels", answer(100, 200, 500, 500)],
    ["thousandths", answer(100, 200, 500, 500)],
    ["unit", answer(0.1, 0.2, 0.5, 0.5)],
    ["yx-thousandths", answer(200, 100, 500, 500)],
    [
      "thousandths",
      "<think>(1, 2, 3)</think><|object_ref_start|>cat<|object_ref_end|><|box_start|>(100,200),(500,500)<|box_end|>",
    ],
  ])("in %s: %s", (boxes, response) => {
    const [box, ...more] = answeredBoxes(response, { ...seen, boxes }, 1000, 1000);
    expect(more).toEqual([]);
    expect(box).toMatchObject({ label: "cat" });
    for (const [at, value] of [100, 200, 500, 500].entries()) expect(box!.bbox[at]).toBeCloseTo(value, 9);
  });
});

describe("ScreenSpot-Pro", () => {
  it("asks for a point in the target's box", async () => {
    write("screens/annotations/word_windows.json", [
      {
        id: "word_1",
        img_filename: "word/a.png",
        bbox: [100, 200, 200, 300],
        instruction: "save the file",
        ui_type: "icon",
        img_size: [1000, 1000],
      },
    ]);
    await conforms("screenspot-pro", "screens");
    const opened = await named("screenspot-pro").open(join(folder, "screens"));
    const score = (response: string) => opened.items[0]!.score(response, seen).score;
    expect(score("[0.15, 0.25]")).toBe(1);
    expect(score("[0.15, 0.35]")).toBe(0);
    expect(score("nothing")).toBe(0);
    // Pixels of the picture as seen, 280 x 140.
    expect(score("(42, 35)")).toBe(1);
    expect(score("[[28, 28, 56, 42]]")).toBe(1);
    expect(opened.summarize!(all(opened, () => "[15%, 25%]")).further).toEqual({ "accuracy/icon": 1 });
    expect(answeredPoint('{"x": 0.5, "y": 0.25}', undefined)).toEqual([0.5, 0.25]);
    const scored = (response: string, boxes: BoxConvention) =>
      opened.items[0]!.score(response, [{ ...seen[0]!, boxes }]).score;
    expect(scored("(150, 250)", "thousandths")).toBe(1);
    expect(scored("[250, 150]", "thousandths")).toBe(0);
    expect(scored("[250, 150]", "yx-thousandths")).toBe(1);
    expect(scored('{"x": 150, "y": 250}', "yx-thousandths")).toBe(1);
    expect(scored("[150, 250]", "pixels")).toBe(1);
    await expect(named("screenspot-pro").open(folder)).rejects.toThrow(/annotations\/\*\.json/);
  });
});

describe("MathVista", () => {
  it("normalizes answers as its authors do", async () => {
    const row = (fields: Record<"pid" | "query" | "choices" | "precision" | "answer" | "kind" | "type", string>) =>
      `select '${fields.pid}' as pid, '${fields.query}' as question, ${picture} as decoded_image, ` +
      `${fields.choices}::varchar[] as choices, ${fields.precision}::double as precision, '${fields.answer}' as ` +
      `answer, '${fields.kind}' as question_type, '${fields.type}' as answer_type, {'task': 'figure question ` +
      `answering', 'category': 'x'} as metadata, 'Hint: .. ${fields.query}' as query`;
    const free = { choices: "null", precision: "null", kind: "free_form" };
    await parquet(
      "vista/data/testmini-00000-of-00001-725687bf7a18d64b.parquet",
      [
        row({
          ...free,
          pid: "1",
          query: "a",
          choices: "['3/11', '8/11']",
          kind: "multi_choice",
          answer: "8/11",
          type: "text",
        }),
        row({ ...free, pid: "2", query: "b", answer: "14", type: "integer" }),
        row({ ...free, pid: "3", query: "c", precision: "1", answer: "0.6", type: "float" }),
      ].join(" union all "),
    );
    await conforms("mathvista", "vista");
    const opened = await named("mathvista").open(join(folder, "vista"));
    expect(opened.items.map((item) => item.score("The answer is (B) 8/11.", []).score)).toEqual([1, 0, 0]);
    expect(opened.items.map((item) => item.score("so \\boxed{14}", []).score)).toEqual([0, 1, 0]);
    expect(opened.items[2]!.score("It is 0.58 in all", [])).toEqual({ score: 1, vote: "0.6" });
    expect(opened.summarize!(all(opened, () => "14")).further).toEqual({
      "accuracy/figure_question_answering": expect.closeTo(1 / 3, 9) as number,
    });
    const open = { multiple: false, choices: [], precision: 2 };
    expect(normalizedAnswer("1.50", { ...open, type: "float" })).toBe("1.5");
    expect(normalizedAnswer("2", { ...open, type: "float" })).toBe("2.0");
    expect(normalizedAnswer("[1, 2]", { ...open, type: "list" })).toBe("[1, 2]");
    expect(normalizedAnswer("8/1", { multiple: true, type: "text", choices: ["3/11", "8/11"], precision: 0 })).toBe(
      "8/11",
    );
  });
});

describe("MMMU", () => {
  it("reads letters and open answers by rule, with the pictures that the text names", async () => {
    const row = (id: string, question: string, options: string, answer: string, kind: string) =>
      `select '${id}' as id, '${question}' as question, '${options.replaceAll("'", "''")}' as options, '${answer}' ` +
      `as answer, '${kind}' as question_type, ${picture} as image_1, {'bytes': 'two'::blob, 'path': 'b.png'} as ` +
      "image_2";
    await parquet(
      "mmmu/Art_Theory/validation-00000-of-00001.parquet",
      [
        row("validation_Art_Theory_1", "See <image 2> and <image 1>.", "['Monet', 'van Gogh']", "B", "multiple-choice"),
        row("validation_Art_Theory_2", "How long is <image 1>?", "[]", "6.333", "open"),
      ].join(" union all "),
    );
    await conforms("mmmu", "mmmu");
    const opened = await named("mmmu").open(join(folder, "mmmu"));
    const [choice, open] = opened.items as [BenchmarkItem, BenchmarkItem];
    expect(choice.part).toBe("Art_Theory");
    expect(choice.prompt).toBe(
      "See <image> and <image>.\nA. Monet\nB. van Gogh\n\n" +
        "Answer with the option's letter from the given choices directly.",
    );
    expect((await choice.pictures()).map((bytes) => Buffer.from(bytes as Uint8Array).toString("latin1"))).toEqual([
      "two",
      "\x89PNG",
    ]);
    expect(
      ["B", "(B)", "The answer is B.", "I think that it was painted by van Gogh", "A", "??"].map(
        (text) => choice.score(text, []).score,
      ),
    ).toEqual([1, 1, 1, 1, 0, 0]);
    expect(["6.333", "The length is 6.33 m.", "about 7"].map((text) => open.score(text, []).score)).toEqual([1, 1, 0]);
    expect(openAnswers("The result is x. Therefore the answer is 1,200")).toContain(1200);
    expect(opened.summarize!(all(opened, () => "B"))).toEqual({
      headline: 0.5,
      further: { "accuracy/Art_Theory": 0.5 },
    });
  });
});

describe("OCRBench v2", () => {
  it("scores what rules can score by type, and counts the rest", async () => {
    write("ocr/OCRBench_v2.json", [
      {
        id: 1,
        type: "text recognition en",
        question: "Read.",
        answers: ["OPEN"],
        image_path: "EN_part/a.jpg",
        dataset_name: "x",
      },
      {
        id: 2,
        type: "cognition VQA en",
        question: "Why?",
        answers: ["because it rained the whole day"],
        image_path: "EN_part/a.jpg",
      },
      {
        id: 3,
        type: "text counting en",
        question: "How many?",
        answers: ["10"],
        eval: "regression",
        image_path: "a.jpg",
      },
      {
        id: 4,
        type: "key information extraction en",
        question: "JSON",
        answers: ["{'total': ['9.00', '9'], 'date': ['1 May']}"],
        image_path: "a.jpg",
      },
      { id: 5, type: "text grounding en", question: "Where?", answers: [0, 0, 100, 100], image_path: "a.jpg" },
      {
        id: 6,
        type: "reasoning VQA en",
        question: "Which?",
        answers: ["A"],
        eval: "multiple choice",
        image_path: "a.jpg",
      },
      { id: 7, type: "table parsing en", question: "html", answers: ["<table></table>"], image_path: "a.jpg" },
      { id: 8, type: "formula recognition cn", question: "?", answers: ["x ^ 2"], image_path: "a.jpg" },
      {
        id: 10,
        type: "key information mapping en",
        question: "JSON",
        answers: [{ name: ["Ann"] }],
        image_path: "a.jpg",
      },
      {
        id: 9,
        type: "VQA with position en",
        question: "?",
        answers: ["shop"],
        bbox: [0, 0, 10, 10],
        image_path: "a.jpg",
      },
    ]);
    await conforms("ocrbench-v2", "ocr");
    const opened = await named("ocrbench-v2").open(join(folder, "ocr"));
    expect(opened.leftOut).toEqual({ 'type "table parsing en" is not scored here': 1 });
    const score = (id: string, response: string) =>
      opened.items.find((item) => item.id === id)!.score(response, []).score;
    expect([score("1", "It says: open"), score("1", "closed")]).toEqual([1, 0]);
    expect(score("2", "because it rained the whole night")).toBeCloseTo(1 - 5 / 33, 9);
    expect([score("3", "9 of them"), score("3", "4"), score("3", "none")]).toEqual([expect.closeTo(0.9, 9), 0, 0]);
    expect(score("4", '```json\n{"total": "9", "date": "2 May"}\n```')).toBe(0.5);
    expect(score("10", "name: ann")).toBe(1);
    expect(score("5", "(0, 0, 100, 50)")).toBe(0.5);
    expect([score("6", "A."), score("6", "A because")]).toEqual([1, 0]);
    expect(score("8", "it is \\text{x}^2")).toBe(1);
    expect(score("9", "{'answer': 'the shop', 'bbox': [0, 0, 10, 5]}")).toBe(0.75);
    const { headline, further } = opened.summarize!(
      all(opened, ({ id }) => (id === "1" ? "open" : id === "8" ? "x^2" : "")),
    );
    expect(further).toMatchObject({
      text_recognition_en: 1,
      knowledge_reasoning_en: 0,
      chinese: 1,
      english: expect.closeTo(1 / 6, 9) as number,
    });
    expect(headline).toBeCloseTo((1 / 6 + 1) / 2, 9);
  });
});

describe("MEGA-Bench core", () => {
  it("scores fields by the task's metrics and averages over tasks", async () => {
    const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
    const row = (id: number, task: string, info: string, answer: string, media = "['./data/a.png']") =>
      `select ${id} as id, ${quoted(task)} as task_name, 'Describe.' as task_description, '' as example_text, ` +
      `'<image> What?' as query_text, '[]' as global_media, '[]' as example_media, ${quoted(media)} as ` +
      `query_media, ${quoted(answer)} as answer, ${quoted(info)} as metric_info, '{}' as eval_context`;
    const info = (metric: string, parse = "answer_string") =>
      `{'field_score_function': {'answer': '${metric}'}, 'aggregation': {'function': 'mean', 'field_weights': ` +
      `{'answer': 1}}, 'response_parse_function': '${parse}'}`;
    await parquet(
      "mega/core/test-00000-of-00001.parquet",
      [
        row(1, "letters", info("exact_str_match"), "{'answer': 'B'}"),
        row(2, "letters", info("exact_str_match"), "{'answer': 'C'}"),
        row(
          3,
          "sums",
          "{'field_score_function': {'a': 'simple_str_match', 'b': 'general_single_numerical_match'}, " +
            "'aggregation': {'function': 'mean', 'field_weights': {'a': 1, 'b': 3}}, 'response_parse_function': " +
            "'json'}",
          "{'a': 'Red Car', 'b': '3.5'}",
        ),
        row(4, "judged", info("gpt_4o_as_judge"), "{'answer': 'x'}"),
        row(5, "films", info("exact_str_match"), "{'answer': 'x'}", "['./data/a.mp4']"),
      ].join(" union all "),
    );
    await conforms("mega-bench-core", "mega");
    const opened = await named("mega-bench-core").open(join(folder, "mega"));
    expect(opened.leftOut).toEqual({
      "the metric gpt_4o_as_judge is not rule-based here": 1,
      "a query with videos": 1,
    });
    expect(opened.items[0]!.prompt).toBe("Describe.\n<image> What?");
    const scored = all(opened, ({ part }) =>
      part === "letters" ? "I think so.\nAnswer: (B) it is" : 'It is {"a": "red-car", "b": "3.51"}',
    );
    expect(scored.map(({ answer }) => answer.score)).toEqual([1, 0, 1]);
    expect(opened.summarize!(scored)).toEqual({
      headline: 0.75,
      further: { tasks: 2, "task/letters": 0.5, "task/sums": 1 },
    });
    expect(opened.items[2]!.score('{"a": "red car"}', []).score).toBe(0.25);
  });

  it.each<[string, unknown, unknown, number]>([
    ["exact_str_match", "B. because", "B", 1],
    ["exact_str_match", "b", "B", 0],
    ["multi_ref_phrase", "New York", "['NYC', 'New-York']", 1],
    ["general_single_numerical_match", "x = 101", "100", 1],
    ["general_single_numerical_match", "50%", "0.5", 1],
    ["general_single_numerical_match", "1,200 m", "1250", 0],
    ["boxed_single_numerical_match", "so \\boxed{3}", "3", 1],
    ["set_equality", "[2, 1]", "{1, 2}", 1],
    ["jaccard_index", "[1, 2, 3]", "[2, 3, 4]", 0.5],
    ["set_precision", "[1, 5]", "[1, 2]", 0.5],
    ["sequence_equality", "a, b", "['a', 'b']", 1],
    ["sequence_accuracy_case_insensitive", "['A', 'c']", "['a', 'b']", 0.5],
    ["longest_common_list_prefix_ratio", "[1, 2, 9]", "[1, 2, 3, 4]", 0.5],
    ["dict_equality", "{'b': 2, 'a': 1}", "{'a': 1, 'b': 2}", 1],
    ["dict_precision", "{'a': 'x', 'b': 'y'}", "{'a': 'x'}", 0.5],
    ["nbbox_iou_tuple", "(0, 0, 1, 0.5)", "[(0, 0, 1, 1)]", 0.5],
    ["nbbox_iou_single", "no", "(0, 0, 1, 1)", 0],
    ["normalized_similarity_damerau_levenshtein", "acb", "abc", 1 - 1 / 3],
    ["number_rel_diff_ratio", "80", "100", 0.8],
  ])("%s(%s, %s) is %d", (name, response, gold, score) =>
    expect(megaBenchMetrics[name]!(response, gold)).toBeCloseTo(score, 9),
  );

  it("reads what follows the last Answer:", () => {
    expect(singleAnswer("Answer: no.\nWell.\nAnswer: A, B\n\nThat is it.")).toBe("A, B");
    expect(singleAnswer("```json\n'x'\n```")).toBe("x");
  });
});

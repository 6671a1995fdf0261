/** Each adapter on a small folder in its owner's published layout. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatasetError, sources } from "@v-triune/schema";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { literal, openDatabase, type Database } from "../duckdb/database";
import { zipOf } from "../testing/fixtures";
import { adapterFor, adapters } from "./index";
import type { SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";

let root: string;
let database: Database;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "adapters-"));
  database = await openDatabase({ threads: 1 });
});
afterAll(() => {
  database.close();
  rmSync(root, { recursive: true, force: true });
});

let folder = "";
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Read {
  readonly rows: SourceRow[];
  readonly bad: DatasetError[];
  readonly spooled: string[];
}

type Content = string | Uint8Array | { readonly parquet: string } | object;

/** Writes files into a new folder: text, bytes, JSON, or the Parquet of an SQL query; then reads it with an adapter. */
async function read(
  key: string,
  files: Readonly<Record<string, Content>>,
  settings: Record<string, unknown> = {},
): Promise<Read> {
  folder = mkdtempSync(join(root, "f-"));
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    if (typeof content === "string" || content instanceof Uint8Array) writeFileSync(file, content);
    else if ("parquet" in content)
      await database.connection.run(`COPY (${String(content.parquet)}) TO ${literal(file)} (FORMAT parquet)`);
    else writeFileSync(file, JSON.stringify(content));
  }
  const result: Read = { rows: [], bad: [], spooled: [] };
  const rows = adapterFor(key, settings).read({
    folder,
    connection: database.connection,
    settings,
    spool: (bytes, name) => {
      result.spooled.push(`${name}:${bytes.length}`);
      return { name, file: "spool", offset: 0, length: bytes.length };
    },
    bad: (error) => result.bad.push(error),
  });
  for await (const row of rows) result.rows.push(row);
  return result;
}

const names = (row: SourceRow | undefined): string[] => (row?.pictures ?? []).map((picture) => picture.name);

it("there is an adapter for each of the 18 sources, in their order", () => {
  expect(adapters.slice(0, 18).map((adapter) => adapter.info)).toEqual(sources);
  expect(new Set(adapters.map((adapter) => adapter.info.key)).size).toBe(adapters.length);
});

it.each(adapters.map((adapter) => adapter.info.key))("%s says what it looked for in a wrong folder", async (key) => {
  await expect(read(key, { "readme.txt": "hi" })).rejects.toMatchObject({
    name: "DatasetError",
    code: "wrong-layout",
    found: "readme.txt",
  });
});

it("says that a folder does not exist", async () => {
  folder = join(root, "none");
  const rows = adapterFor("clevr").read({
    folder,
    connection: database.connection,
    settings: {},
    spool: () => ({ name: "", file: "" }),
    bad: () => {},
  });
  await expect(rows[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: "missing-file",
    found: "no such folder",
  });
});

it("suggests the nearest source", () => {
  expect(() => adapterFor("geometry3")).toThrow("did you mean geometry3k?");
});

describe("math", () => {
  it("mm_math takes the boxed answer, and pictures from the archive", async () => {
    const line = {
      question: "What is $AB$?",
      file_name: "1.png",
      solution: "so $AB=\\boxed{\\frac{1}{2}}$",
      difficult: "easy",
    };
    const { rows, bad } = await read("mm_math", {
      "MM_Math.jsonl": [line, { ...line, solution: "\\boxed{1} and \\boxed{2}" }, { ...line, solution: "none" }]
        .map((l) => JSON.stringify(l))
        .join("\n"),
      "MM_Math.zip": zipOf({ "MM_Math/1.png": Buffer.from("picture") }),
    });
    expect(rows.map((row) => row.answer)).toEqual(["\\frac{1}{2}", "1; 2"]);
    expect(rows[0]).toMatchObject({ id: "MM_Math/0", category: "easy" });
    expect(rows[0]?.pictures[0]).toMatchObject({ name: "1.png", member: "MM_Math/1.png" });
    expect(bad).toMatchObject([{ row: 2, field: "solution" }]);
  });

  it("geometry3k turns the letter into the choice's value", async () => {
    const problem = {
      problem_text: "Find x.",
      annotat_text: "Find $x$.",
      choices: ["20", "$3\\sqrt{2}$"],
      answer: "B",
      problem_type_graph: ["Triangle"],
    };
    const { rows, bad } = await read("geometry3k", { "train/7/data.json": problem, "train/8/data.json": "{" });
    expect(rows).toMatchObject([{ id: "train/7", question: "Find $x$.", answer: "3\\sqrt{2}", category: "Triangle" }]);
    expect(names(rows[0])).toEqual(["train/7/img_diagram.png"]);
    expect(bad).toHaveLength(1);
  });

  it("mmk12 reads the JSON list and the export, mathematics only", async () => {
    const json = await read("mmk12", {
      "k12.json": [{ id: "u1", question: "Is it?", answer: "$$4$$", image_path: "images/u1.png" }],
    });
    expect(json.rows).toMatchObject([{ id: "u1", answer: "4", pictures: [{ name: "images/u1.png" }] }]);
    const row = (subject: string) =>
      `SELECT 'a' AS id, '<image>Find x' AS question, '5' AS answer, '${subject}' AS subject,
         {'bytes': 'xyz'::BLOB, 'path': NULL::VARCHAR} AS image`;
    const table = await read("mmk12", {
      "data/train-0.parquet": { parquet: `${row("math")} UNION ALL ${row("physics")}` },
    });
    expect(table.rows).toMatchObject([{ id: "a", question: "Find x", answer: "5", pictures: [{ name: "a.png" }] }]);
    expect(table.spooled).toEqual(["a.png:3"]);
  });
});

describe("puzzle", () => {
  it.each(["puzzlevqa", "algopuzzlevqa"])("%s reads JSON Lines with mixed types", async (key) => {
    const { rows } = await read(key, {
      "data/venn.json":
        '{"image": "images/venn/1.png", "question": "Which?", "answer": 5, "options": ["6", 5]}\n' +
        '{"image": "images/venn/2.png", "question": "Which?", "answer": "a", "options": []}\n',
    });
    expect(rows).toMatchObject([
      {
        id: "data/venn/0",
        answer: "5",
        options: ["6", "5"],
        category: "venn",
        pictures: [{ name: "images/venn/1.png" }],
      },
      { id: "data/venn/1", answer: "a" },
    ]);
  });

  it("visualpuzzles leaves the letter if the options are drawn", async () => {
    const { rows } = await read("visualpuzzles", {
      "data/test.parquet": {
        parquet: `SELECT * FROM (VALUES
            (1, 'spatial', 'How many in <image1>?', ['32', '35'], 'B', {'bytes': 'p'::BLOB, 'path': 'x.png'}),
            (2, 'inductive', 'Which?', NULL, 'D', {'bytes': 'p'::BLOB, 'path': 'y.png'})
          ) t(id, category, question, options, answer, image)`,
      },
    });
    expect(rows).toMatchObject([
      { id: "1", question: "How many in image 1?", answer: "35", category: "spatial" },
      { id: "2", answer: "D" },
    ]);
  });
});

describe("science", () => {
  const problem = {
    question: "What is it?",
    choices: ["a cat", "a dog"],
    answer: 1,
    hint: "Look.",
    split: "test",
    topic: "biology",
  };
  it("scienceqa reads problems.json", async () => {
    const { rows, bad } = await read("scienceqa", {
      "problems.json": {
        4: { ...problem, image: "image.png" },
        5: { ...problem, image: null },
        6: { ...problem, answer: 9 },
      },
    });
    expect(rows).toMatchObject([
      {
        id: "4",
        question: "Look.\nWhat is it?",
        answer: "a dog",
        category: "biology",
        pictures: [{ name: "images/test/4/image.png" }],
      },
      { id: "5", pictures: [] },
    ]);
    expect(bad).toMatchObject([{ field: "answer", found: "9" }]);
  });

  it("scivqa turns a letter into the option's text", async () => {
    const record = {
      instance_id: "i1",
      image_file: "f.png",
      caption: "Fig. 1",
      question: "Which line?",
      answer_options: [{ A: "red" }, { B: "blue" }],
      answer: "B",
    };
    const { rows } = await read("scivqa", {
      "train.json": [record, { ...record, instance_id: "i2", answer_options: [], answer: 13 }],
    });
    expect(rows).toMatchObject([
      { id: "i1", question: "Fig. 1\nWhich line?", answer: "blue" },
      { id: "i2", answer: "13" },
    ]);
  });

  it("virl39k splits by category", async () => {
    const row = (category: string, qid: string) =>
      `SELECT '<image>How far?' AS question, '\\boxed{$4$}' AS answer, '${category}' AS category, '${qid}' AS qid,
         ['images/a.png'] AS image`;
    const parquet = ["Broader STEM Topics", "(GradeSchool) Science", "Tables/Diagrams/Charts", "Commonsense"]
      .map((c, i) => row(c, `q${i}`))
      .join(" UNION ALL ");
    const files = { "39Krelease.parquet": { parquet }, "images.zip": zipOf({ "images/a.png": Buffer.from("p") }) };
    const science = await read("virl39k_science", files);
    expect(science.rows.map((row) => row.id)).toEqual(["q0", "q1"]);
    expect(science.rows[0]).toMatchObject({ question: "How far?", answer: "4" });
    expect(science.rows[0]?.pictures[0]?.member).toBe("images/a.png");
    expect((await read("virl39k_chart", files)).rows.map((row) => row.id)).toEqual(["q2"]);
  });
});

describe("chart", () => {
  it("chartqapro asks the last question of a conversation", async () => {
    const { rows, bad } = await read("chartqapro", {
      "data/test.parquet": {
        parquet: `SELECT * FROM (VALUES
            (['What?', 'And then?'], ['1', '2'], 'Conversational', 'Context.', 'p'::BLOB),
            (['a'], [], 'Factoid', '', 'p'::BLOB)
          ) t("Question", "Answer", "Question Type", "Paragraph", image)`,
      },
    });
    expect(rows).toMatchObject([
      { question: "Context.\nWhat?\n1\nAnd then?", answer: "2", category: "Conversational" },
    ]);
    expect(bad).toMatchObject([{ row: 1, found: "1 questions, 0 answers" }]);
  });

  it("chartqa reads its lists", async () => {
    const { rows } = await read("chartqa", {
      "test/test_human.json": [{ imgname: "1.png", query: "How much?", label: "3.5" }],
      "test/png/1.png": "x",
    });
    expect(rows).toMatchObject([{ id: "test/test_human/0", answer: "3.5", category: "test_human" }]);
    expect(rows[0]?.pictures[0]?.file).toBe(join(folder, "test/png/1.png"));
  });

  it("chartx asks the question of its annotation", async () => {
    const { rows, bad } = await read("chartx", {
      "ChartX_annotation.json": [
        {
          chart_type: "bar_chart",
          imgname: "bar_1",
          img: "./bar_chart/png/bar_1.png",
          QA: { input: "How much?", output: "$800" },
        },
        { chart_type: "bar_chart", imgname: "bar_2", img: "./bar_chart/png/bar_2.png" },
      ],
    });
    expect(rows).toMatchObject([
      { id: "bar_chart/bar_1", answer: "$800", category: "bar_chart", pictures: [{ name: "bar_chart/png/bar_1.png" }] },
    ]);
    expect(bad).toMatchObject([{ field: "QA" }]);
  });

  it("tablevqa reads its subsets", async () => {
    const { rows } = await read("tablevqa", {
      "vwtq.json": [{ qa_id: "nu-1", question: "Who?", gt: "A||B" }],
      "vtabfact.json": [{ qa_id: "2-1.html.csv_8", question: "there be 10", gt: 0 }],
      "gpt4v_evaluated/vwtq.json": [{ qa_id: "x", question: "x", gt: "x" }],
    });
    expect(rows).toMatchObject([
      { id: "vtabfact/2-1.html.csv_8", answer: "false" },
      { id: "vwtq/nu-1", answer: "A, B", pictures: [{ name: "images/vwtq/nu-1.png" }] },
    ]);
  });
});

describe("tablevqa, as the hub publishes it", () => {
  it.each(["data/vtabfact-00000-of-00001-ecd1.parquet", "default/vtabfact/0000.parquet"])("reads %s", async (file) => {
    const parquet = `SELECT '2-1.html.csv_8' AS qa_id, {'bytes': 'p'::BLOB, 'path': NULL::VARCHAR} AS image,
        'there be 10' AS question, '1' AS gt`;
    const { rows, spooled } = await read("tablevqa", { [file]: { parquet } });
    expect(rows).toMatchObject([{ id: "vtabfact/2-1.html.csv_8", answer: "true", category: "vtabfact" }]);
    expect(spooled).toEqual(["2-1.html.csv_8.png:1"]);
  });
});

describe("PictureIndex", () => {
  it("finds a name by the longest end of its path, files before members of archives", () => {
    folder = mkdtempSync(join(root, "f-"));
    for (const path of ["train/a/1.png", "val/a/1.png", "val/b/2.png", "images/v1/patch8/3.jpg"]) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), "x");
    }
    writeFileSync(join(folder, "z.zip"), zipOf({ "val/a/1.png": Buffer.from("z"), "deep/4.png": Buffer.from("z") }));
    const index = new PictureIndex(folder);
    const found = (name: string) => {
      const { file, member } = index.find(name);
      return [file.slice(folder.length + 1), member];
    };
    expect(found("train/a/1.png")).toEqual(["train/a/1.png", undefined]);
    expect(found("./images/val/a/1.png")).toEqual(["val/a/1.png", undefined]);
    expect(found("1.png")).toEqual(["train/a/1.png", undefined]);
    expect(found("patch8/3.jpg")).toEqual(["images/v1/patch8/3.jpg", undefined]);
    expect(found("images\\4.png")).toEqual(["z.zip", "deep/4.png"]);
    expect(found("none.png")).toEqual(["none.png", undefined]);
  });
});

describe("boxes", () => {
  const document = {
    info: {},
    images: [
      { id: 1, file_name: "images/v1/a.jpg", width: 100, height: 50 },
      { id: 2, file_name: "b.jpg", width: 10, height: 10 },
      { id: 3, file_name: 7 },
    ],
    annotations: [
      { id: 1, image_id: 1, category_id: 9, bbox: [1, 2, 3, 4], iscrowd: 0 },
      { id: 2, image_id: 1, category_id: 8, bbox: [5, 5, 5, 5], iscrowd: 1 },
      { id: 3, image_id: 1, category_id: 8, bbox: [6, 6, 5, 5], iscrowd: 0 },
      { id: 4, image_id: 1, category_id: 9, bbox: [7, 2, 3, 4] },
      { id: 5, image_id: 1, category_id: 9, bbox: ["7"] },
    ],
    categories: [
      { id: 8, name: "Person" },
      { id: 9, name: "Trash bin Can" },
    ],
  };

  it.each([
    ["object365", "zhiyuan_objv2_train.json"],
    ["v3det", "v3det_2023_v1_train.json"],
    ["coco", "annotations/instances_val2017.json"],
  ])("%s gives a row a picture, without crowded categories", async (key, name) => {
    const { rows, bad } = await read(key, { [name]: document });
    expect(rows).toMatchObject([
      {
        id: "1",
        width: 100,
        height: 50,
        boxes: [
          { x1: 1, y1: 2, x2: 4, y2: 6, label: "Trash bin Can" },
          { x1: 7, y1: 2, x2: 10, y2: 6, label: "Trash bin Can" },
        ],
      },
      { id: "2", boxes: [] },
    ]);
    expect(bad.map((error) => error.field)).toEqual(["images.file_name", "annotations.bbox"]);
  });

  it("d3 gives one row per picture and phrase", async () => {
    const { rows } = await read("d3", {
      "d3_full_annotations.json": {
        ...document,
        images: document.images.slice(0, 2),
        annotations: document.annotations.slice(0, 1),
      },
    });
    expect(rows).toMatchObject([{ id: "1-9", boxes: [{ label: "Trash bin Can" }] }]);
  });

  it("says that a document is cut off", async () => {
    const text = JSON.stringify(document);
    await expect(read("coco", { "annotations/instances_a.json": text.slice(0, -40) })).rejects.toMatchObject({
      code: "unreadable",
    });
  });
});

describe("counting and OCR", () => {
  const question = { image_filename: "a.png", question_index: 3, split: "train", question: "How many?", answer: "2" };
  it("clevr reads questions, or counts the scenes' objects", async () => {
    const files = {
      "questions/CLEVR_train_questions.json": { info: {}, questions: [question, { ...question, answer: undefined }] },
      "scenes/CLEVR_train_scenes.json": {
        scenes: [{ image_filename: "a.png", image_index: 0, split: "train", objects: [{}, {}, {}] }],
      },
      "images/train/a.png": "x",
    };
    const asked = await read("clevr", files);
    expect(asked.rows).toMatchObject([{ id: "train/3", answer: "2", category: "2" }]);
    expect(asked.rows[0]?.pictures[0]?.file).toBe(join(folder, "images/train/a.png"));
    expect(asked.bad).toMatchObject([{ row: 1, field: "answer" }]);
    const counted = await read("clevr", files, { from: "scenes" });
    expect(counted.rows).toMatchObject([
      { id: "train/scene-0", question: "How many items are there in the image?", answer: "3" },
    ]);
  });

  it("llava_ov_ocr gives one row per pair of turns", async () => {
    const turns = [
      { from: "human", value: "<image>\nWhat is written?" },
      { from: "gpt", value: "STOP" },
      { from: "human", value: "In which color?" },
      { from: "gpt", value: "red" },
    ];
    const { rows, bad } = await read("llava_ov_ocr", {
      "textocr/train.jsonl": [
        { id: "x", image: "x.jpg", conversations: turns, data_source: "textocr" },
        { id: "y", conversations: [] },
      ]
        .map((r) => JSON.stringify(r))
        .join("\n"),
    });
    expect(rows).toMatchObject([
      { id: "x#0", question: "What is written?", answer: "STOP", category: "textocr" },
      { id: "x#1", question: "In which color?", answer: "red" },
    ]);
    expect(bad).toMatchObject([{ row: 1, field: "conversations" }]);
  });

  it("estvqa reads questions, alone and below their picture", async () => {
    const alone = await read("estvqa", {
      "gt.json": [{ question_id: 4, question: "Where?", answer: "here", evidence: [] }],
    });
    expect(alone.rows).toMatchObject([{ id: "4", pictures: [] }]);
    const below = await read("estvqa", {
      "train.json": [{ image_id: "im1", annotation: [{ question: "Where?", answer: "here" }] }],
    });
    expect(below.rows).toMatchObject([{ id: "train/0#0", answer: "here", pictures: [{ name: "im1.jpg" }] }]);
  });
});

describe("own data", () => {
  it("table maps columns", async () => {
    const settings = { task: "chart", name: "mine", columns: { question: "q", answer: "a", image: "pic", id: "key" } };
    const { rows } = await read("table", { "my.csv": "key,q,a,pic\nk1,How much?,3,x.png\n" }, settings);
    expect(rows).toMatchObject([{ id: "k1", question: "How much?", answer: "3", pictures: [{ name: "x.png" }] }]);
    expect(adapterFor("table", settings).info).toMatchObject({
      task: "chart",
      verifier: "mathverify",
      dataSource: "mine",
    });
  });

  it("table reads boxes", async () => {
    const settings = {
      task: "detection",
      name: "mine",
      columns: { image: "file", boxes: "objects" },
      boxFormat: "xywh",
    };
    const { rows, bad } = await read(
      "table",
      {
        "my.jsonl":
          '{"file": "a.jpg", "objects": [{"bbox": [1, 2, 3, 4], "label": "cat"}]}\n' +
          '{"file": "b.jpg", "objects": [{"bbox": [1]}]}',
      },
      settings,
    );
    expect(rows).toMatchObject([{ boxes: [{ x1: 1, y1: 2, x2: 4, y2: 6, label: "cat" }] }]);
    expect(bad).toMatchObject([{ row: 1, field: "objects" }]);
  });

  it.each([{}, { task: "x" }, { task: "math", name: "A b" }, { task: "math", name: "a", files: "(", columns: {} }])(
    "table and verl refuse %j",
    (settings) => {
      for (const key of ["table", "verl"]) expect(() => adapterFor(key, settings)).toThrow(DatasetError);
      expect(() => adapterFor("table", { task: "math", name: "a", columns: { foo: "x" } })).toThrow(
        "settings.columns.foo",
      );
    },
  );

  it("verl reads prompts, pictures and gold", async () => {
    const parquet = `SELECT 'x' AS data_source,
      [{'content': 'Be brief.', 'role': 'system'}, {'content': '<image>How many?', 'role': 'user'}] AS prompt,
      [{'bytes': 'p'::BLOB, 'path': NULL::VARCHAR}] AS images,
      {'style': 'rule', 'ground_truth': '\\boxed{4}'} AS reward_model, {'index': 3} AS extra_info`;
    const { rows } = await read("verl", { "a.parquet": { parquet } }, { task: "math", name: "old" });
    expect(rows).toMatchObject([{ id: "3", question: "How many?", answer: "4", pictures: [{ name: "3" }] }]);
  });
});

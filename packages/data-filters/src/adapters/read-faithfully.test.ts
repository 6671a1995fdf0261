/**
 * Records arrive as they are in the file: numbers with their digits, missing ones as missing, columns by their own
 * names.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatasetError, type PromptMessage } from "@v-triune/schema";
import { afterAll, describe, expect, it } from "vitest";
import { literal, withDatabase } from "../duckdb/database";
import { renameColumn } from "../testing/faults";
import { tinyPng } from "../testing/fixtures";
import { adapterFor } from "./index";
import type { SourceRow } from "./source-adapter";

const root = mkdtempSync(join(tmpdir(), "faithful-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

/** A folder with files, by their names. */
function folderOf(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = join(root, `${folders++}`);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** A folder with Parquet files, by their names, from SQL. */
async function parquetFolder(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = folderOf({});
  for (const [name, sql] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    await withDatabase({}, (c) => c.run(`COPY (${sql}) TO ${literal(join(folder, name))} (FORMAT parquet)`));
  }
  return folder;
}

interface ReadRows {
  readonly rows: readonly SourceRow[];
  readonly bad: readonly DatasetError[];
}

async function read(folder: string, settings: Record<string, unknown> = {}, source = "table"): Promise<ReadRows> {
  const all = { task: "math", name: "mine", ...(source === "table" ? { columns: {} } : {}), ...settings };
  const adapter = adapterFor(source, all);
  return withDatabase({}, async (connection) => {
    const rows: SourceRow[] = [];
    const bad: DatasetError[] = [];
    const context = {
      folder,
      connection,
      settings: all,
      spool: (bytes: Uint8Array, name: string) => ({ name, file: "spool", offset: 0, length: bytes.length }),
      bad: (error: DatasetError) => void bad.push(error),
    };
    for await (const row of adapter.read(context)) rows.push(row);
    return { rows, bad };
  });
}

const answers = ({ rows }: ReadRows): string[] => rows.map((row) => row.answer);
const ids = ({ rows }: ReadRows): string[] => rows.map((row) => row.id);

describe("numbers", () => {
  it.each(["BIGINT", "UBIGINT", "DECIMAL(20, 0)"])("of %s keep all digits", async (type) => {
    const numbers = ["9007199254740992", "9007199254740993", "1152921504606846977", "9223372036854775807"];
    const values = numbers.map((n) => `('What is ${n}?', ${n}::${type})`).join(", ");
    const result = await read(
      await parquetFolder({
        "q.parquet": `SELECT q AS question, n AS answer, n AS id FROM (VALUES ${values}) t(q, n)`,
      }),
    );
    expect(answers(result)).toEqual(numbers);
    expect(ids(result)).toEqual(numbers);
  });

  it("beyond 64 bits, in structs of a corpus file", async () => {
    const sql = `SELECT [{'role': 'user', 'content': 'n?'}] AS prompt, {'ground_truth': 18446744073709551615::UBIGINT} AS reward_model,
      {'id': -9007199254740995::BIGINT} AS extra_info, NULL AS images`;
    const result = await read(await parquetFolder({ "q.parquet": sql }), {}, "verl");
    expect(answers(result)).toEqual(["18446744073709551615"]);
    expect(ids(result)).toEqual(["-9007199254740995"]);
  });

  it("of JSON are read as they are written", async () => {
    const written = [
      "12345678901234567890",
      "9007199254740993",
      "1.50",
      "1e5",
      "1E-7",
      "100000000000000000000000",
      "0.1",
      "-7",
      "3.0",
    ];
    const lines = written.map((n, i) => `{"id": ${9007199254740992n + BigInt(i)}, "question": "n?", "answer": ${n}}`);
    const result = await read(folderOf({ "q.jsonl": lines.join("\n") }));
    expect(answers(result)).toEqual(written);
    expect(new Set(ids(result)).size).toBe(written.length);
    const document = await read(folderOf({ "q.json": `{"data": [${lines.join(",\n")}]}` }));
    expect(answers(document)).toEqual(written);
  });

  it("of float32 are as short as they were", async () => {
    const numbers = ["0.1", "2.7", "3", "1e-7", "16777216", "123456.7", "0.3333333"];
    const values = numbers.map((n) => `(${n}::FLOAT)`).join(", ");
    const result = await read(
      await parquetFolder({ "q.parquet": `SELECT 'n?' AS question, n AS answer FROM (VALUES ${values}) t(n)` }),
    );
    expect(answers(result)).toEqual(numbers);
    const sql = `SELECT [{'role': 'user', 'content': 'n?'}] AS prompt, {'ground_truth': 0.1::FLOAT} AS reward_model`;
    expect(answers(await read(await parquetFolder({ "q.parquet": sql }), {}, "verl"))).toEqual(["0.1"]);
  });

  it.each(["DOUBLE", "FLOAT"])("that are NaN in %s are missing, as null is", async (type) => {
    const sql = `SELECT 'n?' AS question, a AS answer, a AS id, a AS kind FROM (VALUES (1.5), ('NaN'::${type}), (NULL)) t(a)`;
    const { rows, bad } = await read(await parquetFolder({ "q.parquet": sql }), { columns: { category: "kind" } });
    expect(rows).toMatchObject([{ id: "1.5", answer: "1.5", category: "1.5" }]);
    expect(bad.map(({ found }) => found)).toEqual(["NaN, a missing number", "nothing"]);
  });

  it("that Python writes as NaN are missing in JSON", async () => {
    const lines = '{"question": "a?", "answer": 1, "score": NaN}\n{"question": "b?", "answer": NaN}\n';
    const { rows, bad } = await read(folderOf({ "q.jsonl": lines }));
    expect(rows).toMatchObject([{ answer: "1" }]);
    expect(bad).toMatchObject([{ row: 1, field: "answer" }]);
  });
});

describe("columns", () => {
  it("with a number at the end keep their name", async () => {
    const folder = await parquetFolder({ "q.parquet": `SELECT 'n?' AS question, 'B' AS "Answer", '1' AS answer_1` });
    expect(answers(await read(folder, { columns: { answer: "answer_1" } }))).toEqual(["1"]);
  });

  it("that differ in case are told apart in Parquet, in both orders and in structs", async () => {
    for (const columns of [`'B' AS "Answer", '1' AS "ansXer"`, `'1' AS "ansXer", 'B' AS "Answer"`]) {
      const folder = await parquetFolder({ "q.parquet": `SELECT 'n?' AS question, ${columns}` });
      renameColumn(join(folder, "q.parquet"), "ansXer", "answer");
      expect(answers(await read(folder))).toEqual(["1"]);
      expect(answers(await read(folder, { columns: { answer: "Answer" } }))).toEqual(["B"]);
    }
    for (const extra of ["{'ID': 7, 'iX': 'a'}", "{'iX': 'a', 'ID': 7}"]) {
      const sql = `SELECT [{'role': 'user', 'content': 'n?'}] AS prompt, {'ground_truth': '1'} AS reward_model, ${extra} AS extra_info`;
      const folder = await parquetFolder({ "q.parquet": sql });
      renameColumn(join(folder, "q.parquet"), "iX", "id");
      expect(ids(await read(folder, {}, "verl"))).toEqual(["a"]);
    }
  });

  it("that differ in case are told apart in CSV, in both orders", async () => {
    for (const header of ["question,Answer,answer", "question,answer,Answer"]) {
      const cells = header.endsWith("Answer") ? "n?,1,B" : "n?,B,1";
      const folder = folderOf({ "q.csv": `${header}\n${cells}\n` });
      expect(answers(await read(folder))).toEqual(["1"]);
      expect(answers(await read(folder, { columns: { answer: "Answer" } }))).toEqual(["B"]);
    }
  });

  it.each([
    ["q.csv", "question,answer,answer\nn?,1,2\n", {}, /2 columns answer/],
    ["q.csv", "Question,Answer\nHow many?,2\n", {}, /no column question in q.csv/],
    ["q.jsonl", '{"id": 1, "q": "n?", "a": "1"}\n', { columns: { question: "quest", answer: "a" } }, /no column quest/],
    ["q.jsonl", '{"question": "n?", "answer": "1"}\n', { columns: { category: "kind" } }, /no column kind/],
    ["q.json", '{"data": [{"question": "n?", "a": "1"}]}', {}, /no column answer/],
  ])("that the file lacks are an error: %s %j", async (name, content, settings, found) => {
    const reading = read(folderOf({ [name]: content }), settings);
    await expect(reading).rejects.toMatchObject({ code: "bad-option", found: expect.stringMatching(found) });
  });

  it("that a Parquet file lacks are an error that lists those it has", async () => {
    const folder = await parquetFolder({
      "a.parquet": "SELECT 'n?' AS q, 1 AS a",
      "b.parquet": "SELECT 'n?' AS q, 1 AS b",
    });
    const reading = read(folder, { columns: { question: "q", answer: "a" } });
    await expect(reading).rejects.toMatchObject({
      field: "settings.columns.answer",
      expected: "one of the columns q, b",
      found: "no column a in b.parquet",
    });
    await expect(read(folder, {}, "verl")).rejects.toMatchObject({ expected: "one of the columns q, a" });
  });

  it("may be missing in some records of JSON", async () => {
    const lines =
      '{"question": "n?", "answer": "1"}\n{"question": "n?", "answer": "1", "kind": "x"}\n{"question": "m?"}\n';
    const { rows, bad } = await read(folderOf({ "q.jsonl": lines }), { columns: { category: "kind" } });
    expect(rows.map(({ category }) => category)).toEqual([undefined, "x"]);
    expect(bad[0]?.found).toBe("nothing; the record has question");
  });
});

describe("paths", () => {
  const names = ["q1", "q[1]", "what?", "a*b", "it's {a,b}", "[!q]1"];

  it("are the files of that name and no others", async () => {
    const folder = await parquetFolder(
      Object.fromEntries(
        names
          .flatMap((name) => [
            [`${name}.parquet`, name],
            [`in ${name}/x.parquet`, `in ${name}`],
          ])
          .map(([file, answer]) => [file, `SELECT 'n?' AS question, ${literal(answer as string)} AS answer`]),
      ),
    );
    for (const name of names) writeFileSync(join(folder, `${name}.csv`), `question,answer\nn?,"csv ${name}"\n`);
    const found = answers(await read(folder));
    expect([...found].sort()).toEqual(names.flatMap((name) => [name, `in ${name}`, `csv ${name}`]).sort());
  });

  it("give no columns: those of the file count", async () => {
    const folder = await parquetFolder({
      "answer=7/prompt=long/q.parquet": "SELECT 'n?' AS question, 3 AS answer",
    });
    mkdirSync(join(folder, "question=x"));
    writeFileSync(join(folder, "question=x/q.csv"), "question,answer\nm?,4\n");
    expect((await read(folder)).rows).toMatchObject([
      { question: "n?", answer: "3" },
      { question: "m?", answer: "4" },
    ]);
  });
});

describe("prompts", () => {
  const prompt = async (messages: unknown, images = 1): Promise<ReadRows> => {
    const picture = (await tinyPng(8, 8, 1)).toString("base64");
    const text = JSON.stringify(messages).replaceAll("'", "''");
    const list = Array.from({ length: images }, () => `{'bytes': from_base64('${picture}'), 'path': NULL}`).join(", ");
    const sql = `SELECT '${text}' AS prompt, [${list}] AS images, {'ground_truth': '\\boxed{2}'} AS reward_model`;
    return read(await parquetFolder({ "q.parquet": sql }), {}, "verl");
  };
  const user = (content: unknown): unknown => ({ role: "user", content });

  it.each<[string, unknown[], number, PromptMessage[], string]>([
    [
      "a mark at the start",
      [user("<image>\nHow many?")],
      1,
      [{ role: "user", content: "<image>\nHow many?" }],
      "How many?",
    ],
    ["no marks", [user("How many?")], 2, [{ role: "user", content: "<image><image>How many?" }], "How many?"],
    [
      "marks within the text",
      [user("Compare <image> with <image>: how many?")],
      2,
      [{ role: "user", content: "Compare <image> with <image>: how many?" }],
      "Compare with : how many?",
    ],
    [
      "parts",
      [user([{ type: "text", text: "In " }, { type: "image" }, { type: "text", text: " how many?" }])],
      1,
      [{ role: "user", content: "In <image> how many?" }],
      "In how many?",
    ],
    [
      "parts with empty fields, as Parquet has them",
      [
        user([
          { type: "image", text: null },
          { type: "text", text: "How many?" },
        ]),
      ],
      1,
      [{ role: "user", content: "<image>How many?" }],
      "How many?",
    ],
    [
      "several turns",
      [
        { role: "system", content: "You count." },
        user("<image>How many?"),
        { role: "assistant", content: "Let me see." },
        user("Go on."),
      ],
      1,
      [
        { role: "system", content: "You count." },
        { role: "user", content: "<image>How many?" },
        { role: "assistant", content: "Let me see." },
        { role: "user", content: "Go on." },
      ],
      "How many?\nGo on.",
    ],
  ])("with %s stay as they are", async (_, messages, images, turns, question) => {
    const { rows, bad } = await prompt(messages, images);
    expect(bad).toEqual([]);
    expect(rows).toMatchObject([{ turns, question, answer: "2" }]);
  });

  it.each<[string, unknown, number, string]>([
    ["more marks than pictures", [user("<image>What does the tag <image> do?")], 1, "image-count"],
    ["fewer marks than pictures", [user("<image>Compare them.")], 2, "image-count"],
    ["a part that is a video", [user([{ type: "video" }, { type: "text", text: "How many?" }])], 1, "wrong-type"],
    ["no user", [{ role: "system", content: "x" }], 0, "wrong-type"],
  ])("with %s are unreadable", async (_, messages, images, code) => {
    const { rows, bad } = await prompt(messages, images);
    expect(rows).toEqual([]);
    expect(bad).toMatchObject([{ code }]);
  });

  it("of a table keep the places of their pictures", async () => {
    const png = await tinyPng(8, 8, 1);
    const lines = [
      { id: "a", question: "Compare <image> with <image>.", answer: "1", image: ["a.png", "a.png"] },
      { id: "b", question: "<image>\nHow many?", answer: "1", image: "a.png" },
      { id: "c", question: "How many?", answer: "1", image: "a.png" },
      { id: "d", question: "Is <image> like <image>?", answer: "1", image: "a.png" },
    ];
    const folder = folderOf({ "q.jsonl": lines.map((line) => JSON.stringify(line)).join("\n"), "a.png": png });
    const { rows, bad } = await read(folder);
    expect(rows.map(({ id, question, turns }) => [id, question, turns?.[0]?.content])).toEqual([
      ["a", "Compare with .", "Compare <image> with <image>."],
      ["b", "How many?", undefined],
      ["c", "How many?", undefined],
    ]);
    expect(bad).toMatchObject([{ code: "image-count", row: 3 }]);
  });
});

describe("pictures", () => {
  it("may be paths, addresses of files, or text", async () => {
    const png = await tinyPng(8, 8, 1);
    const base64 = png.toString("base64");
    const elsewhere = folderOf({ "there.png": png, "a b.png": png });
    const cells: Record<string, unknown> = {
      absolute: join(elsewhere, "there.png"),
      url: `file://${join(elsewhere, "a b.png").replace(" ", "%20")}`,
      encoded: "sub/a%20b.png",
      plain: "sub/a b.png",
      struct: { url: "sub/a b.png" },
      data: `data:image/png;base64,${base64}`,
      base64,
      wrapped: base64.replace(/(.{60})/g, "$1\n"),
      list: [`data:image/png;base64,${base64}`, "sub/a b.png"],
      inStruct: { bytes: base64, path: null },
      web: "https://example.org/no.png",
    };
    const lines = Object.entries(cells).map(([id, image]) =>
      JSON.stringify({ id, question: "n?", answer: "1", image }),
    );
    const folder = folderOf({ "q.jsonl": lines.join("\n"), "sub/a b.png": png });
    const { rows } = await read(folder);
    const found = Object.fromEntries(
      rows.map(({ id, pictures }) => [id, pictures.map(({ file, length }) => (file === "spool" ? length : file))]),
    );
    const own = join(folder, "sub/a b.png");
    expect(found).toEqual({
      absolute: [join(elsewhere, "there.png")],
      url: [join(elsewhere, "a b.png")],
      encoded: [own],
      plain: [own],
      struct: [own],
      data: [png.length],
      base64: [png.length],
      wrapped: [png.length],
      list: [png.length, own],
      inStruct: [png.length],
      web: [join(folder, "https:/example.org/no.png")],
    });
  });
});

describe("files of another kind", () => {
  it.each<[string, string, string | Buffer, RegExp]>([
    ["a Git LFS pointer", "q.jsonl", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n", /Git LFS/],
    ["a Git LFS pointer", "q.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n", /Git LFS/],
    ["a Git LFS pointer", "q.parquet", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n", /Git LFS/],
    ["a web page", "q.json", "<!DOCTYPE html><html>", /web page/],
    ["UTF-16", "q.csv", Buffer.from("\uFEFFquestion,answer\nn?,1\n", "utf16le"), /UTF-16/],
    ["Latin-1", "q.csv", Buffer.from("question,answer\ngrößer?,1\nn?,2\n", "latin1"), /utf-8/i],
    ["Latin-1", "q.jsonl", Buffer.from('{"question": "größer?", "answer": 1}\n', "latin1"), /UTF-8/],
    ["Latin-1", "q.json", Buffer.from('[{"question": "größer?", "answer": 1}]', "latin1"), /UTF-8/],
  ])("%s in %s is named", async (_, name, content, found) => {
    await expect(read(folderOf({ [name]: content }))).rejects.toMatchObject({
      code: "unreadable",
      found: expect.stringMatching(found),
      fix: expect.stringMatching(/./),
    });
  });

  it.each([
    ["a comma too many in a short file", "question,answer\nHow many?,2\nHow many, in all?,3\nAnd?,4\n", /Line: 3/],
    [
      "a comma too many in the lines that DuckDB guesses from",
      ["question,answer", ...Array.from({ length: 10_000 }, (_, i) => (i === 5000 ? "a,b,c" : `n ${i}?,${i}`))].join(
        "\n",
      ),
      /Line: 5002/,
    ],
  ])("%s names the line", async (_, content, found) => {
    await expect(read(folderOf({ "q.csv": content }))).rejects.toMatchObject({ found: expect.stringMatching(found) });
  });
});

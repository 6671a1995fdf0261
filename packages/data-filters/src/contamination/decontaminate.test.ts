import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatasetError } from "@v-triune/schema";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { curate } from "../curate/curate";
import type { CurationConfig } from "../curate/config";
import { literal, queryRows, withDatabase } from "../duckdb/database";
import { drawnPicture, numbersFrom } from "../testing/drawn-pictures";
import type { DecontaminateConfig } from "./decontaminate-config";
import type { ReferenceQuestion, ReferenceSet } from "./references";

const NOUNS =
  "triangle circle rectangle tower river engine market village planet garden bridge window train forest bottle ladder".split(
    " ",
  );
const VERBS = "touches crosses follows supports contains doubles reaches covers divides exceeds".split(" ");

/** A question of about `words` words. Every seed gives another. */
function question(seed: number, words: number): string {
  const draw = numbersFrom(seed * 7919 + 13);
  const pick = (list: readonly string[]): string => list[Math.floor(draw() * list.length)] as string;
  const parts: string[] = [];
  while (parts.length < words)
    parts.push("the", pick(NOUNS), `number ${Math.floor(draw() * 900)}`, pick(VERBS), "the", pick(NOUNS));
  return `${parts.slice(0, words).join(" ")}?`;
}

/** How a question or a picture was changed before it was hidden in the corpus. */
const TEXT_CHANGES: Readonly<Record<string, (text: string) => string>> = {
  verbatim: (text) => text,
  "upper case": (text) => text.toUpperCase(),
  "white space": (text) => `  ${text.replace(/ /g, "  \n ")}\t`,
  punctuation: (text) => `"${text.replace(/ the /g, ", the ").replace("?", " ?!")}"`,
  "full width": (text) => text.replace(/[a-z]/g, (char) => String.fromCharCode(char.charCodeAt(0) + 0xfee0)),
  embedded: (text) => `Look at the figure. ${text}\nA) 1 B) 2 C) 3`,
};
const PICTURE_CHANGES: Readonly<Record<string, (bytes: Buffer) => Promise<Buffer>>> = {
  "same bytes": async (bytes) => bytes,
  "half the size": (bytes) => sharp(bytes).resize(160).png().toBuffer(),
  "other aspect": (bytes) => sharp(bytes).resize(300, 240, { fit: "fill" }).png().toBuffer(),
  "JPEG 50": (bytes) => sharp(bytes).jpeg({ quality: 50 }).toBuffer(),
  "WebP, twice the size": (bytes) => sharp(bytes).resize(640).webp({ quality: 60 }).toBuffer(),
  "JPEG 40 of 70 %": (bytes) => sharp(bytes).resize(224).jpeg({ quality: 40 }).toBuffer(),
  gray: (bytes) => sharp(bytes).png({ compressionLevel: 0 }).toBuffer(),
};

interface CorpusRow {
  readonly id: string;
  readonly q: string;
  readonly picture: Buffer | null;
  /** What was hidden in it. */
  readonly planted: string | null;
}

const BENCHMARK = 60;
const OWN_ROWS = 150;
let root: string;
let rows: CorpusRow[];
let reference: ReferenceSet;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "decontaminate-"));
  mkdirSync(join(root, "corpus"));
  const pictures = await Promise.all(Array.from({ length: BENCHMARK }, (_, i) => drawnPicture(i)));
  // A third of the questions is short, and all end in the benchmark's own template.
  const text = (i: number): string => question(i, i % 3 === 0 ? 10 : 24);
  reference = {
    name: "exam",
    *questions(): Generator<ReferenceQuestion> {
      for (const [i, picture] of pictures.entries())
        yield {
          id: `${i}`,
          question: `Hint: Please answer the question and provide the correct option letter at the end of your answer.\n${text(i)}`,
          pictures: async () => [picture],
        };
    },
  };
  rows = [];
  for (let i = 0; i < OWN_ROWS; i++) {
    // The template of the benchmark, and a phrase that many rows of the corpus have, are no contamination.
    const own =
      i % 5 === 0
        ? "Hint: Please answer the question and provide the correct option letter at the end of your answer. "
        : "";
    const phrase =
      i % 2 === 0
        ? "In the picture that is shown above, please look carefully and then tell me the exact value of "
        : "";
    rows.push({
      id: `own-${i}`,
      q: own + phrase + question(1000 + i, 18),
      picture: await drawnPicture(5000 + i),
      planted: null,
    });
  }
  let at = 0;
  for (const [name, change] of Object.entries(TEXT_CHANGES))
    for (let k = 0; k < 5; k++, at++)
      rows.push({
        id: `text-${at}`,
        q: change(text(at)),
        // A short question is the benchmark's only with its picture, or without any.
        picture: at % 3 === 0 ? null : await drawnPicture(9000 + at),
        planted: `text: ${name}`,
      });
  for (const [name, change] of Object.entries(PICTURE_CHANGES))
    for (let k = 0; k < 4; k++, at++) {
      const picture = await change(pictures[at % BENCHMARK] as Buffer);
      rows.push({ id: `picture-${at}`, q: question(3000 + at, 18), picture, planted: `picture: ${name}` });
    }
  for (const { id, picture } of rows) if (picture !== null) writeFileSync(join(root, "corpus", `${id}.png`), picture);
  writeFileSync(
    join(root, "corpus/rows.jsonl"),
    rows
      .map(({ id, q, picture }) =>
        JSON.stringify({ id, q, a: "3", ...(picture === null ? {} : { image: `${id}.png` }) }),
      )
      .join("\n"),
  );
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const configuration = (
  decontaminate: DecontaminateConfig,
  name: string,
  more: Partial<CurationConfig> = {},
): CurationConfig => ({
  sources: [
    {
      source: "table",
      path: join(root, "corpus"),
      settings: { task: "math", name: "mine", columns: { id: "id", question: "q", answer: "a", image: "image" } },
    },
  ],
  rules: [],
  decontaminate,
  output: join(root, name),
  ...more,
});

/** Ids that a run dropped as contaminated. */
async function droppedIds(output: string): Promise<Set<string>> {
  return withDatabase({}, async (connection) => {
    const found = await queryRows(
      connection,
      `SELECT id FROM ${literal(join(output, "ledger.parquet"))} WHERE dropped_by = 'contaminated'`,
    );
    return new Set(found.map(({ id }) => String(id)));
  });
}

async function failure(work: Promise<unknown>): Promise<DatasetError> {
  return work.then(
    () => expect.fail("it did not throw"),
    (error: unknown) => error as DatasetError,
  );
}

describe("decontaminate", () => {
  it("finds what was hidden in the corpus, and nothing else", async () => {
    const report = await curate(configuration({ benchmarks: "bench.yaml" }, "both"), { benchmarks: [reference] });
    const found = await droppedIds(join(root, "both"));
    const planted = rows.filter((row) => row.planted !== null);
    const kinds = [...new Set(planted.map((row) => row.planted))];
    for (const kind of kinds) {
      const own = planted.filter((row) => row.planted === kind);
      const hits = own.filter(({ id }) => found.has(id)).length;
      console.log(`${String(kind).padEnd(30)} ${hits} of ${own.length} found`);
    }
    const right = planted.filter(({ id }) => found.has(id)).length;
    console.log(`precision ${(right / found.size).toFixed(3)}, recall ${(right / planted.length).toFixed(3)}`);
    expect([...found].filter((id) => id.startsWith("own-"))).toEqual([]);
    expect(right).toBe(planted.length);
    expect(report.contamination).toMatchObject({ rows: planted.length });
    const [exam] = report.contamination?.benchmarks ?? [];
    expect(exam).toMatchObject({
      name: "exam",
      questions: BENCHMARK,
      texts: BENCHMARK,
      pictures: BENCHMARK,
      unusable: 0,
    });
    // Both sides of each hit.
    await withDatabase({}, async (connection) => {
      const hits = await queryRows(connection, `SELECT * FROM ${literal(join(root, "both/contamination.parquet"))}`);
      expect(hits).toHaveLength(report.contamination?.hits ?? 0);
      const one = hits.find(({ id }) => id === "text-0");
      expect(one).toMatchObject({ source: "mine", benchmark: "exam", benchmark_id: "0", kind: "text", similarity: 1 });
      expect(String(one?.benchmark_question)).toContain(String(one?.question));
    });
  });

  it("finds texts whose words were changed a little by minhash", async () => {
    const changed: ReferenceSet = {
      name: "changed",
      *questions() {
        for (const { id, q } of rows.filter((row) => row.id.startsWith("own-") && Number(row.id.slice(4)) % 10 === 1)) {
          const words = q.split(" ");
          words[6] = "another";
          yield { id, question: words.join(" "), pictures: async () => [] };
        }
      },
    };
    const minhash = { benchmarks: "x", text: { method: "minhash", similarity: 0.6 }, pictures: false } as const;
    const report = await curate(configuration(minhash, "minhash"), { benchmarks: [changed] });
    expect([...(await droppedIds(join(root, "minhash")))].every((id) => Number(id.slice(4)) % 10 === 1)).toBe(true);
    expect(report.contamination).toMatchObject({ rows: 15, benchmarks: [{ rowsByText: 15 }] });
  });

  it("does not take common short prompts for a benchmark", async () => {
    const asked = [
      "What is shown?",
      "How many objects are there in the picture?",
      "What is the area of the shaded region in the figure?",
    ];
    const short: ReferenceSet = {
      name: "short",
      questions: () => asked.map((question, i) => ({ id: `${i}`, question, pictures: async () => [] })),
    };
    const folder = join(root, "prompts");
    mkdirSync(folder);
    const prompts = asked.flatMap((q, k) => Array.from({ length: 30 }, (_, i) => ({ id: `${k}-${i}`, q, a: `${i}` })));
    writeFileSync(join(folder, "rows.jsonl"), prompts.map((row) => JSON.stringify(row)).join("\n"));
    const settings = { task: "math", name: "mine", columns: { id: "id", question: "q", answer: "a" } };
    const sources = [{ source: "table", path: folder, settings }];
    const report = await curate(configuration({ benchmarks: "x" }, "short", { sources }), { benchmarks: [short] });
    expect(report.contamination).toMatchObject({ rows: 0, hits: 0 });
  });

  it("compares with your own files, and gives the same corpus on any number of threads", async () => {
    const own = join(root, "own-exam");
    mkdirSync(own);
    writeFileSync(
      join(own, "rows.jsonl"),
      rows
        .slice(0, 3)
        .map(({ q }, i) => JSON.stringify({ id: `${i}`, q, a: "1" }))
        .join("\n"),
    );
    const settings = { task: "math", name: "exam", columns: { id: "id", question: "q", answer: "a" } };
    const sources = [{ source: "table", path: own, settings }];
    const hashes: string[] = [];
    for (const threads of [1, 4]) {
      const report = await curate(
        configuration({ sources, pictures: false }, `own-${threads}`, { threads, memoryLimit: "200MB" }),
      );
      expect(report.contamination).toMatchObject({ rows: 3, benchmarks: [{ name: "exam", questions: 3 }] });
      hashes.push(report.contentHash);
    }
    expect(new Set(hashes).size).toBe(1);
  });

  it("is checked before anything is read", async () => {
    const wrong: [DecontaminateConfig, RegExp][] = [
      [{}, /benchmarks: bench.yaml, or sources/],
      [{ benchmarks: "b", text: "13-gram" as "ngram" }, /ngram or minhash/],
      [{ benchmarks: "b", text: { n: 2 } }, /whole number 4..100/],
      [{ benchmarks: "b", text: { methd: 1 } as never }, /did you mean method/],
      [{ benchmarks: "b", text: { method: "minhash", similarity: 2 } }, /over 0.4/],
      [{ benchmarks: "b", pictures: { bits: 99 } }, /0..20/],
      [{ benchmarks: "b", text: false, pictures: false }, /texts or pictures/],
      [{ sources: [{ source: "clever", path: "x" }] }, /did you mean clevr/],
    ];
    for (const [config, message] of wrong) {
      const error = await failure(curate(configuration(config, "never")));
      expect(error).toBeInstanceOf(DatasetError);
      expect(error.message).toMatch(message);
    }
    expect((await failure(curate(configuration({ benchmarks: "bench.yaml" }, "never")))).message).toMatch(
      /run v-triune curate, which reads them/,
    );
    const { decontaminate: _, ...without } = configuration({}, "never", { rules: ["contaminated"] });
    expect((await failure(curate(without))).message).toMatch(/what the rule contaminated compares with/);
    const empty: ReferenceSet = { name: "empty", questions: () => [] };
    expect(
      (await failure(curate(configuration({ benchmarks: "b" }, "never"), { benchmarks: [empty] }))).message,
    ).toMatch(/at least one question in empty/);
    expect(() => readFileSync(join(root, "never/report.json"))).toThrow();
  });
});

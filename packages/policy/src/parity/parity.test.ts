import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ParityError } from "../input-error";
import { goldenFolder, sharedFolder } from "./golden-folders";
import { imageProcessorParity } from "./image-processor-parity";
import { formatParityTable, largestDifference, ParityLedger, withinTolerance, type ParityRow } from "./parity";
import { tokenizerParity } from "./tokenizer-parity";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-parity-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const over = (rows: readonly ParityRow[]) => rows.filter((row) => !withinTolerance(row));
const find = (rows: readonly ParityRow[], quantity: string) => rows.find((row) => row.quantity === quantity);
const compared = (rows: readonly ParityRow[], quantity: string) => find(rows, quantity)?.compared;

const tokenizer = goldenFolder("tokenizer");
describe.skipIf(tokenizer === undefined)("tokenizer", () => {
  it("is exact on every case of the golden folder", async () => {
    expect(tokenizerParity.recognize(tokenizer!)).toBe(true);
    const rows = await tokenizerParity.check(tokenizer!);
    expect(over(rows)).toEqual([]);
    expect(compared(rows, "ids of texts")).toBe(193);
    expect(compared(rows, "texts of random ids")).toBe(60);
    expect(compared(rows, "rendered chats")).toBe(60);
    expect(compared(rows, "expanded ids")).toBe(24);
    expect(compared(rows, "expanded ids of the padded batch")).toBe(2);
  });

  it("finds a wrong id, a wrong text and a wrong chat, and says where", async () => {
    const wrong = join(folder, "tokenizer");
    cpSync(tokenizer!, wrong, { recursive: true });
    const cases = JSON.parse(readFileSync(join(wrong, "cases.json"), "utf8")) as {
      encode: { text: string; ids: number[] }[];
      decode: { decoded: string }[];
      chat: { name: string; text: string }[];
    };
    const hello = cases.encode.find(({ text }) => text === "hello world")!;
    hello.ids[0]!++;
    cases.decode[3]!.decoded += "x";
    cases.chat[7]!.text = cases.chat[7]!.text.trimEnd();
    writeFileSync(join(wrong, "cases.json"), JSON.stringify(cases));
    const rows = over(await tokenizerParity.check(wrong));
    expect(rows.map(({ quantity, error }) => [quantity, error])).toEqual([
      ["ids of texts", 1],
      ["spellings of tokens", 1],
      ["texts of ids", 1],
      ["texts of ids, special tokens left out", 1],
      ["texts of random ids", 1],
      ["rendered chats", 1],
    ]);
    expect(rows[0]!.worst).toBe('"hello world"');
    expect(rows.at(-1)!.worst).toBe(cases.chat[7]!.name);
  });

  it("works with the template of tokenizer_config.json alone, as published before transformers 5", async () => {
    const older = join(folder, "older");
    cpSync(tokenizer!, older, { recursive: true });
    rmSync(join(older, "chat_template.jinja"));
    expect(over(await tokenizerParity.check(older))).toEqual([]);
  });
});

const images = goldenFolder("qwen2_vl_image_processor");
describe.skipIf(images === undefined)("image processor", () => {
  it("is equal to Pillow on the drawn pictures, smart_resize on all sizes", async () => {
    expect(imageProcessorParity.recognize(images!)).toBe(true);
    const rows = await imageProcessorParity.check(images!);
    expect(over(rows)).toEqual([]);
    expect(compared(rows, "sizes of smart_resize")).toBe(240);
    // Closer than the tolerances: the very bytes of Pillow.
    for (const quantity of ["decoded pixels (gray levels)", "resized pixels (gray levels)"])
      expect(find(rows, quantity)).toMatchObject({ error: 0 });
    expect(find(rows, "pixel_values")).toMatchObject({ error: 0, compared: 8 });
  });

  it("finds a picture with another pixel and leaves out a missing one", async () => {
    const wrong = join(folder, "images");
    cpSync(images!, wrong, { recursive: true });
    cpSync(join(wrong, "synthetic", "wide_1400x8.png"), join(wrong, "synthetic", "tall_6x301.png"));
    rmSync(join(wrong, "synthetic", "la_40x30.png"));
    const rows = await imageProcessorParity.check(wrong);
    expect(over(rows).map(({ quantity }) => quantity)).toEqual([
      "sizes of pictures",
      "decoded pixels (gray levels)",
      "grids",
      "tokens of pictures",
      "resized pixels (gray levels)",
      "resized pixels (mean difference)",
      "pixel_values of pictures with other pixels",
    ]);
    expect(find(rows, "sizes of pictures")!.worst).toContain("tall_6x301");
    expect(find(rows, "resized pixels (gray levels)")!.skipped).toMatch(/^1 of \d+ cases left out/);
  });

  it("names a file that is broken", async () => {
    const broken = join(folder, "broken");
    cpSync(images!, broken, { recursive: true });
    writeFileSync(join(broken, "cases.json"), "[]");
    await expect(imageProcessorParity.check(broken)).rejects.toThrow(ParityError);
  });
});

const sharedImages = sharedFolder("golden/qwen2_vl_image_processor");
describe.skipIf(sharedImages === undefined)("image processor on further pictures of the reference", () => {
  it("is equal to Pillow", async () => {
    const rows = await imageProcessorParity.check(sharedImages!);
    expect(over(rows)).toEqual([]);
    for (const quantity of ["decoded pixels (gray levels)", "resized pixels (gray levels)"])
      expect(find(rows, quantity)).toMatchObject({ error: 0 });
    const { cases } = JSON.parse(readFileSync(join(sharedImages!, "cases.json"), "utf8")) as {
      cases: { image_grid_thw?: unknown }[];
    };
    expect(compared(rows, "pixel_values")).toBe(cases.filter((one) => one.image_grid_thw !== undefined).length);
  });
});

describe("recognizing", () => {
  it("says no to other folders, files and nothing", () => {
    for (const path of [folder, import.meta.filename, join(folder, "nowhere")]) {
      expect(tokenizerParity.recognize(path)).toBe(false);
      expect(imageProcessorParity.recognize(path)).toBe(false);
    }
  });

  it.skipIf(tokenizer === undefined || images === undefined)("tells the two apart, by a file as well", () => {
    expect(imageProcessorParity.recognize(tokenizer!)).toBe(false);
    expect(tokenizerParity.recognize(images!)).toBe(false);
    expect(imageProcessorParity.recognize(join(images!, "cases.json"))).toBe(true);
    expect(tokenizerParity.recognize(join(tokenizer!, "tokenizer.json"))).toBe(true);
  });
});

describe("rows", () => {
  it("keep the largest error, count NaN as infinite and skipped cases as neither", () => {
    const ledger = new ParityLedger();
    ledger.compare("logits", 1e-6, 2e-4, "case 0");
    ledger.compare("logits", 3e-5, 2e-4, "case 1");
    ledger.compare("loss", Number.NaN, 1e-5, "case 2");
    ledger.exact("tokens", true, "case 0");
    ledger.skip("videos", "no videos here");
    const rows = ledger.rows();
    expect(over(rows).map(({ quantity }) => quantity)).toEqual(["loss"]);
    expect(formatParityTable(rows).split("\n")).toEqual([
      "quantity  largest error  tolerance  compared",
      "logits          3.00e-5    2.00e-4         2  ok       at case 1",
      "loss           Infinity    1.00e-5         1  OVER     at case 2",
      "tokens                0          0         1  ok",
      "videos                -          0         0  skipped  no videos here",
    ]);
  });

  it("find the largest difference, NaN only equal to NaN", () => {
    expect(largestDifference([1, 2, 3], [1, 2.5, 3.25])).toEqual({ error: 0.5, index: 1 });
    expect(largestDifference([1, Number.NaN], [1, 2])).toEqual({ error: Infinity, index: 1 });
    expect(largestDifference([Number.NaN, -Infinity], [Number.NaN, -Infinity])).toEqual({ error: 0, index: 0 });
    expect(largestDifference([1], [1, 2]).error).toBe(Infinity);
  });
});

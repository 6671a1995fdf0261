import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TokenizerError } from "../input-error";
import { goldenFolder } from "../parity/golden-folders";
import { createTokenizer } from "./tokenizer";
import { loadTokenizer } from "../folder/read-model";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-tokenizer-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const special = (id: number, content: string) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});

/** As tokenizers 0.23 saves a WordLevel model with the Whitespace pre-tokenizer. */
const words = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: [special(6, "<|im_end|>")],
  normalizer: null,
  pre_tokenizer: { type: "Whitespace" },
  post_processor: null,
  decoder: null,
  model: { type: "WordLevel", vocab: { "<unk>": 0, red: 1, blue: 2, cube: 3, é: 4, ",": 5 }, unk_token: "<unk>" },
};
/** The same for a BPE model without anything around it. */
const pairs = {
  ...words,
  added_tokens: [],
  pre_tokenizer: null,
  model: { type: "BPE", unk_token: null, vocab: { a: 0, b: 1, ab: 2 }, merges: [["a", "b"]] },
};

const golden = goldenFolder("tokenizer");

describe("small vocabularies (ids and texts of tokenizers 0.23)", () => {
  it("WordLevel: unknown words become the unknown token that tokenizer.json names", () => {
    const tokenizer = createTokenizer(words);
    const ids = tokenizer.encode("red, blue cube green <|im_end|>red");
    expect([...ids]).toEqual([1, 5, 2, 3, 0, 6, 1]);
    expect(tokenizer.decode(ids)).toBe("red , blue cube <unk> <|im_end|> red");
    expect(tokenizer.decode([1, 99, 2])).toBe("red blue");
    expect(tokenizer.vocabularySize).toBe(7);
  });

  it("WordLevel without an unknown token: an unknown word is an error", () => {
    const { unk_token: _, ...model } = words.model;
    expect(() => createTokenizer({ ...words, model }).encode("red green")).toThrow(/A word is not in[^]*"green"/);
  });

  it("BPE: merges as pairs and as strings; unknown letters vanish", () => {
    for (const merges of [[["a", "b"]], ["a b"]]) {
      const tokenizer = createTokenizer({ ...pairs, model: { ...pairs.model, merges } });
      expect([...tokenizer.encode("abxba")]).toEqual([2, 1, 0]);
      expect(tokenizer.decode([2, 7, 1])).toBe("ab b");
    }
  });

  it("Digits: numbers of every script are digits, one by one or together", () => {
    const vocab = Object.fromEntries(["<unk>", ..."ab12½Ⅳ٣²", "12", "٣٤", "½¾"].map((word, id) => [word, id]));
    const spell = (individual_digits: boolean, text: string) => {
      const digits = { type: "Digits", individual_digits };
      const pre_tokenizer = { type: "Sequence", pretokenizers: [{ type: "Whitespace" }, digits] };
      const tokenizer = createTokenizer({
        ...words,
        added_tokens: [],
        pre_tokenizer,
        model: { ...words.model, vocab },
      });
      return Array.from(tokenizer.encode(text), (id) => tokenizer.token(id)).join(" ");
    };
    expect(spell(true, "a12b")).toBe("a 1 2 b");
    expect(spell(true, "½¾")).toBe("½ <unk>");
    expect(spell(true, "٣٤ aⅣb 1²")).toBe("٣ <unk> a Ⅳ b 1 ²");
    expect(spell(false, "a½¾b 12")).toBe("a ½¾ b 12");
    expect(spell(false, "٣٤ aⅣb 1²")).toBe("٣٤ a Ⅳ b 1 ²");
  });

  it("nothing encodes and decodes to nothing", () => {
    const tokenizer = createTokenizer(words);
    expect([tokenizer.encode("").length, tokenizer.decode([]), tokenizer.decode([99])]).toEqual([0, "", ""]);
  });
});

describe("special tokens", () => {
  it("are those marked in tokenizer.json and those that tokenizer_config.json names", () => {
    const tokenizer = createTokenizer(words, {
      eos_token: { content: "<|im_end|>" },
      pad_token: "cube",
      extra_special_tokens: ["blue", "absent"],
    });
    expect([...tokenizer.specialTokens]).toEqual([
      ["<unk>", 0],
      ["blue", 2],
      ["cube", 3],
      ["<|im_end|>", 6],
    ]);
    expect([tokenizer.eosToken, tokenizer.padToken, tokenizer.bosToken, tokenizer.unkToken]).toEqual([
      "<|im_end|>",
      "cube",
      undefined,
      "<unk>",
    ]);
    expect(tokenizer.decode([1, 2, 3, 6], { skipSpecialTokens: true })).toBe("red");
    expect([tokenizer.isSpecial(6), tokenizer.isSpecial(1), tokenizer.isSpecial(99)]).toEqual([true, false, false]);
  });

  it("that do not exist are an error that says which do", () => {
    const error = (() => {
      try {
        createTokenizer(words).tokenId("<|im_ned|>");
      } catch (thrown) {
        return thrown as TokenizerError;
      }
      throw new Error("nothing was thrown");
    })();
    expect(error).toBeInstanceOf(TokenizerError);
    expect(error.message).toBe(
      'The tokenizer has no such token.\n  where:    tokenizer.json\n  expected: one of its 7 tokens; special ones are <unk> <|im_end|>\n  found:    "<|im_ned|>"\n' +
        "  fix:      check the spelling, or use the tokenizer that belongs to the model",
    );
  });

  it.each(["bos_token", "eos_token", "pad_token"])("named as %s must be in the vocabulary", (key) => {
    expect(() => createTokenizer(words, { [key]: { content: "<|im_ned|>" } }, "model/tokenizer.json")).toThrow(
      TokenizerError,
    );
    expect(() => createTokenizer(words, { [key]: "<|im_ned|>" })).toThrow(
      new RegExp(`not in the vocabulary[^]*${key} of tokenizer_config[^]*7 tokens[^]*"<\\|im_ned\\|>"[^]*fix:`),
    );
    expect(() => createTokenizer(words, { [key]: null })).not.toThrow();
  });

  it("clean up spaces only when the configuration says so", () => {
    expect(createTokenizer(words).decode([1, 5, 2])).toBe("red , blue");
    expect(createTokenizer(words, { clean_up_tokenization_spaces: true }).decode([1, 5, 2])).toBe("red, blue");
  });
});

describe.skipIf(golden === undefined)("byte-level BPE", () => {
  it("gives any text back in NFC, streamed as well as at once", () => {
    const tokenizer = loadTokenizer(golden!);
    const codePoint = fc.oneof(
      fc.integer({ min: 0, max: 0xd7ff }),
      fc.integer({ min: 0xe000, max: 0x10ffff }),
      fc.integer({ min: 32, max: 126 }),
    );
    fc.assert(
      fc.property(
        fc.array(codePoint, { maxLength: 40 }).map((points) => String.fromCodePoint(...points)),
        (text) => {
          const ids = tokenizer.encode(text);
          const whole = tokenizer.decode(ids);
          expect(whole).toBe(text.normalize("NFC"));
          const stream = tokenizer.stream();
          expect([...ids].map((id) => stream.push(id)).join("") + stream.end()).toBe(whole);
        },
      ),
    );
  });

  it("streams any ids to the text that they decode to", () => {
    const tokenizer = loadTokenizer(golden!);
    const id = fc.oneof(fc.nat(255), fc.nat(tokenizer.vocabularySize + 5));
    fc.assert(
      fc.property(fc.array(id, { maxLength: 25 }), fc.boolean(), (ids, skipSpecialTokens) => {
        const stream = tokenizer.stream({ skipSpecialTokens });
        expect(ids.map((one) => stream.push(one)).join("") + stream.end()).toBe(
          tokenizer.decode(ids, { skipSpecialTokens }),
        );
      }),
      { numRuns: 300 },
    );
  });

  it("holds half a character back and hands it out whole", () => {
    const tokenizer = loadTokenizer(golden!);
    const stream = tokenizer.stream();
    const pieces = [...tokenizer.encode("é👍🏽x")].map((one) => stream.push(one)).filter((piece) => piece !== "");
    expect(pieces.some((piece) => piece.includes("\uFFFD"))).toBe(false);
    expect(pieces.join("")).toBe("é👍🏽x");
    expect(stream.end()).toBe("");
  });
});

describe("files", () => {
  function write(files: Record<string, string>): string {
    const path = mkdtempSync(join(folder, "model-"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
    return path;
  }

  it("tokenizer.json is enough, tokenizer_config.json adds the roles", () => {
    const path = write({ "tokenizer.json": JSON.stringify(words) });
    expect(loadTokenizer(path).eosToken).toBeUndefined();
    writeFileSync(join(path, "tokenizer_config.json"), JSON.stringify({ eos_token: "<|im_end|>" }));
    expect(loadTokenizer(path).eosToken).toBe("<|im_end|>");
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ["no tokenizer", {}, /no tokenizer[^]*found: {4}nothing/],
    [
      "only the old files",
      { "vocab.json": "{}", "merges.txt": "" },
      /only vocab\.json and merges\.txt[^]*save_pretrained/,
    ],
    ["no JSON", { "tokenizer.json": "{" }, /not a JSON object/],
    ["no vocabulary", { "tokenizer.json": '{"model": {}}' }, /malformed/],
    [
      "an unknown part",
      { "tokenizer.json": JSON.stringify({ ...words, normalizer: { type: "Rot13" } }) },
      /not supported[^]*Rot13/,
    ],
  ])("%s: an error that says what to do", (_, files, message) => {
    const path = write(files);
    expect(() => loadTokenizer(path)).toThrow(TokenizerError);
    expect(() => loadTokenizer(path)).toThrow(message);
  });

  it.skipIf(golden === undefined)("a tokenizer of another folder is not touched by this one", () => {
    const path = join(folder, "copy");
    mkdirSync(path);
    writeFileSync(join(path, "tokenizer.json"), readFileSync(join(golden!, "tokenizer.json")));
    const [a, b] = [loadTokenizer(golden!), loadTokenizer(path)];
    expect([...a.encode("The area is 12.")]).toEqual([...b.encode("The area is 12.")]);
  });
});

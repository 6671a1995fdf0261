import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadChatTemplate, readModelConfig, openSafetensors, loadTokenizer } from "./read-model";
import { downloadCommand } from "./download-command";

const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0123456789abcdef\nsize 4967215360\n";
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-lfs-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a file that was not downloaded", () => {
  it.each([
    ["model.safetensors", openSafetensors],
    ["config.json", readModelConfig],
    ["tokenizer.json", loadTokenizer],
  ])("is told as what it is: %s", (name, open: (folder: string) => unknown) => {
    expect(() => open(folder)).toThrow(new RegExp(`hf download\\s+OWNER/${basename(folder)}`));
    writeFileSync(join(folder, name), pointer);
    expect(() => open(folder)).toThrow(/Git LFS pointer[^]*git lfs pull[^]*hf download/);
  });

  it("is named when it is a shard, or the index", () => {
    const sharded = mkdtempSync(join(folder, "Qwen3-VL-8B-Instruct"));
    const index = join(sharded, "model.safetensors.index.json");
    writeFileSync(index, pointer);
    expect(() => openSafetensors(sharded)).toThrow(/Git LFS pointer/);
    writeFileSync(index, JSON.stringify({ weight_map: { "a.weight": "model-00001-of-00002.safetensors" } }));
    expect(() => openSafetensors(sharded)).toThrow(/hf download Qwen\/Qwen3-VL-8B[^]*model-00001-of-00002.safetensors/);
    writeFileSync(join(sharded, "model-00001-of-00002.safetensors"), pointer);
    expect(() => openSafetensors(sharded)).toThrow(/model-00001-of-00002.safetensors[^]*Git LFS pointer/);
    expect(() => loadChatTemplate(sharded)).toThrow(/hf download/);
  });
});

it("quotes a folder that a shell would split", () => {
  expect(downloadCommand("./Qwen2-VL-2B-Instruct", ["config.json"])).toBe(
    "hf download Qwen/Qwen2-VL-2B-Instruct config.json --local-dir ./Qwen2-VL-2B-Instruct",
  );
  expect(downloadCommand("/a b/m's")).toBe(String.raw`hf download OWNER/m's --local-dir '/a b/m'\''s'`);
});

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useTestBackend } from "../testing/backend";
import { generationParity } from "./generation-parity";
import { goldenFolder } from "./golden-folders";
import { loraParity } from "./lora-parity";
import { withinTolerance, type ParityRow } from "./parity";
import { modelParity } from "./model-parity";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-model-parity-"));
  await useTestBackend();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const over = (rows: readonly ParityRow[]) => rows.filter((row) => !withinTolerance(row));
const compared = (rows: readonly ParityRow[], quantity: string) =>
  rows.find((row) => row.quantity === quantity)?.compared;

const model = goldenFolder("qwen2_5_vl");
const [qwen2, qwen3] = [goldenFolder("qwen2_vl"), goldenFolder("qwen3_vl")];
describe.skipIf(model === undefined || qwen2 === undefined || qwen3 === undefined)(
  "models against transformers",
  () => {
    it.each([
      [model, "base", 5, 142],
      [model, "tied", 2, 82],
      [qwen2, "base", 5, 149],
      [qwen2, "tied", 3, 96],
      [qwen3, "base", 5, 206],
      [qwen3, "tied", 3, 109],
    ])("%s/%s: forward, gradients, greedy tokens", async (folder, variant, cases, gradients) => {
      const path = join(folder!, variant);
      expect(modelParity.recognize(path)).toBe(true);
      const rows = await modelParity.check(path);
      expect(over(rows)).toEqual([]);
      expect(compared(rows, "logits")).toBe(cases);
      expect(compared(rows, "loss (grpo)")).toBe(cases);
      expect(compared(rows, "gradients (relative L2)")).toBe(gradients);
      expect(compared(rows, "greedy tokens")).toBeGreaterThanOrEqual(cases);
    });

    it("finds wrong positions, a wrong token and a wrong loss", async () => {
      const wrong = join(folder, "tied");
      cpSync(join(model!, "tied"), wrong, { recursive: true });
      const file = join(wrong, "cases", "text_only.json");
      const reference = JSON.parse(readFileSync(file, "utf8")) as {
        position_ids: number[][][];
        nll_loss: number;
        greedy: { new_tokens: number[][] };
      };
      reference.position_ids[1]![0]![3]!++;
      reference.nll_loss += 1e-3;
      reference.greedy.new_tokens[0]![5]!++;
      writeFileSync(file, JSON.stringify(reference));
      const quantities = over(await modelParity.check(wrong)).map(({ quantity }) => quantity);
      expect(quantities).toEqual(expect.arrayContaining(["position ids", "loss (nll)", "greedy tokens"]));
      expect(quantities).not.toContain("logits");
    });

    it("is not taken for another kind", () => {
      for (const check of [generationParity, loraParity]) expect(check.recognize(join(model!, "base"))).toBe(false);
      expect(modelParity.recognize(model!)).toBe(false);
    });
  },
);

const generation = goldenFolder("generation");
describe.skipIf(generation === undefined)("logits processors against transformers", () => {
  it("are equal in every case", async () => {
    expect(generationParity.recognize(generation!)).toBe(true);
    const rows = await generationParity.check(join(generation!, "cases.json"));
    expect(over(rows)).toEqual([]);
    expect(compared(rows, "tokens that are kept")).toBe(180);
  });
});

const adamw = goldenFolder("adamw");
describe.skipIf(adamw === undefined || model === undefined)("adapters against peft", () => {
  it("are equal on single layers and in a model, apart and merged", async () => {
    expect(loraParity.recognize(adamw!)).toBe(true);
    const rows = await loraParity.check(adamw!);
    expect(over(rows)).toEqual([]);
    expect(compared(rows, "outputs of layers")).toBe(3);
    expect(compared(rows, "gradients of A and B (relative L2)")).toBe(18);
    expect(compared(rows, "logits of the merged model")).toBe(1);
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SafetensorsDtype, writeSafetensors } from "@v-triune/policy";
import { afterAll, expect, it } from "vitest";
import type { ModelConfig } from "../config/training-config";
import { roundedWeights } from "./rounded-weights";

const folder = mkdtempSync(join(tmpdir(), "v-triune-rounded-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function told(dtype: SafetensorsDtype, model: Partial<ModelConfig> = { dtype: "bfloat16" }) {
  await writeSafetensors(join(folder, "model.safetensors"), [
    { name: "norm.weight", shape: [2], data: new Float32Array(2) },
    { name: "layer.weight", shape: [2, 2], dtype, data: new Float32Array(4) },
  ]);
  return roundedWeights({ init: "pretrained", path: folder, adapter: null, ...model } as ModelConfig);
}

it("tells that a float32 or float16 checkpoint is rounded, and is silent for a bfloat16 one", async () => {
  expect(await told("F32")).toContain("holds F32");
  expect(await told("F16")).toContain("rounded to bfloat16");
  expect(await told("BF16")).toBeUndefined();
  expect(await told("F32", {})).toBeUndefined();
});

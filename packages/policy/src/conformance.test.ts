import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkModelFamily } from "./conformance";
import { goldenFolder } from "./parity/golden-folders";
import { useTestBackend } from "./testing/backend";
import { openSafetensors } from "./folder/read-model";
import { writeSafetensors } from "./folder/safetensors-writer";

let scratch: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "v-triune-conformance-"));
  await useTestBackend();
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each(["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])("the family %s", (name) => {
  const folder = goldenFolder(name);
  it.skipIf(folder === undefined)("is in order, over 200 steps and generations", { timeout: 300_000 }, async () => {
    expect(await checkModelFamily(join(folder!, "tied"), { repeats: 200 })).toEqual([]);
  });
});

const folder = goldenFolder("qwen3_vl");
it.skipIf(folder === undefined)("says what is wrong with a family", { timeout: 120_000 }, async () => {
  const broken = join(scratch, "qwen3_vl");
  cpSync(join(folder!, "tied"), broken, { recursive: true });
  const reader = openSafetensors(join(folder!, "tied"));
  const entries = reader.names.map((name) => {
    const values = reader.readFloat32(name).slice();
    if (name.endsWith("k_norm.weight")) values[0]! += 0.1;
    return { name, shape: reader.info(name).shape, data: () => values };
  });
  await writeSafetensors(join(broken, "model.safetensors"), entries);
  reader.close();
  const problems = await checkModelFamily(broken, { repeats: 1 });
  expect(problems).toEqual(expect.arrayContaining([expect.stringMatching(/^logits: [\d.e-]+ is over 0.0002 at/)]));
});

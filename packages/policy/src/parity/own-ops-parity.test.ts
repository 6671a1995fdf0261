import { BackendError, selectBackend } from "@v-triune/backend";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PolicyInputError } from "../input-error";
import { hasOwnOps } from "../kernels/native/own-ops";
import { arithmeticOf } from "../policy/arithmetic";
import { createVlm } from "../folder/read-model";
import { randomWeights } from "../policy/random-weights";
import { benchmarkConfig } from "../testing/tiny-model";
import { goldenFolder } from "./golden-folders";
import { checkModel } from "./model-parity";
import { withinTolerance } from "./parity";

const backend = await selectBackend({ prefer: "tensorflow" }).catch((error: unknown) => error);
const skips = backend instanceof BackendError || !hasOwnOps();
if (skips)
  console.warn("Skipping small models by own ops: npx v-triune native install compiles them for this version.");

const config = benchmarkConfig({ vocabSize: 100, intermediateSize: 16 });

describe.skipIf(skips)("a small model by own ops", () => {
  it("gets them unless it asks for the backend's", () => {
    expect(arithmeticOf()).toBe("own-ops");
    expect(arithmeticOf("kernels")).toBe("own-ops");
    expect(arithmeticOf("backend")).toBe("ops");
  });

  it.each(["qwen2_5_vl", "qwen2_vl", "qwen3_vl"])("agrees with transformers: %s", async (family) => {
    const folder = goldenFolder(family);
    if (folder === undefined) return void console.warn(`skipped: there are no golden values of ${family}`);
    for (const variant of ["base", "tied"]) {
      const rows = await checkModel(join(folder, variant), { computeWith: "kernels" });
      expect(rows.filter((row) => !withinTolerance(row))).toEqual([]);
      expect(rows.find(({ quantity }) => quantity === "gradients (relative L2)")!.compared).toBeGreaterThan(80);
    }
  });
});

it("is refused on a backend that has none, with what to do", async () => {
  await selectBackend({ prefer: "cpu" });
  const asked = (): unknown => createVlm(config, randomWeights(config, { seed: 1 }), { computeWith: "kernels" });
  expect(asked).toThrow(PolicyInputError);
  expect(asked).toThrow(/update\.computeWith[^]*backend cpu[^]*computeWith: auto/);
  expect(() => arithmeticOf("kernels")).toThrow(PolicyInputError);
  await selectBackend({ prefer: "wasm" });
  expect(arithmeticOf("kernels")).toBe("wasm");
});

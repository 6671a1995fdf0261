import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { selectBackend, type BackendName } from "@v-triune/backend";
import { checkPolicy } from "@v-triune/grpo/testing";
import { loadVlm } from "@v-triune/policy";
import { beforeAll, describe, expect, it } from "vitest";
import { readGoldenBatch } from "./grpo-step-files";

const repository = resolve(import.meta.dirname, "../../../..");
const models = [
  join(repository, "tools/goldens/qwen2_5_vl/base"),
  join(repository, "../shared/golden/qwen2_5_vl/base"),
];
const hasModel = models.some((model) => existsSync(model));
if (!hasModel)
  console.warn(`skipped: the conformance of Qwen2.5-VL needs a model, which is neither in ${models.join(" nor in ")}`);

describe.skipIf(!hasModel)("Qwen2.5-VL as a policy", () => {
  beforeAll(async () => {
    await selectBackend({ prefer: (process.env["V_TRIUNE_BACKEND"] ?? "wasm") as BackendName });
  });

  it("holds what the learner relies on, with pictures and with an adapter", async () => {
    const { rows, modelFolder } = readGoldenBatch(join(repository, "tools/goldens/grpo_step"));
    const some = [rows[1]!, rows[3]!, rows[5]!];
    for (const options of [{}, { adapter: { rank: 2 } }]) {
      const policy = await loadVlm(modelFolder, options);
      const findings = await checkPolicy(policy, some, { entries: options.adapter ? 2 : 1 });
      expect(findings.filter((finding) => !finding.holds)).toEqual([]);
      policy.dispose();
    }
  });
});

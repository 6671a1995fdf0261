import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { BackendError, selectBackend } from "@v-triune/backend";
import type { ParityRow } from "@v-triune/grpo/parity";
import { describe, expect, it } from "vitest";
import { checkGrpoStep } from "./grpo-step";
import { readScenarios } from "./grpo-step-files";

const repository = resolve(import.meta.dirname, "../../../..");
const folder = join(repository, "tools/goldens/grpo_step");
const backend = await selectBackend({ prefer: "tensorflow" }).catch((error: unknown) => error);
const skips =
  backend instanceof BackendError ||
  tf.getKernel("VTriuneAdamW", "tensorflow") === undefined ||
  !existsSync(join(repository, "tools/goldens/qwen2_5_vl/base"));
if (skips) console.warn("skipped: own ops in small updates need `npx v-triune native install`, and the golden model");

/**
 * The tolerances are those of the other paths. With a small learning rate a weight of a norm changes by some ten of its last
 * digits, so that one number of 32 that is rounded the other way is a thousandth of the change.
 */
const tolerance = (row: ParityRow): number =>
  row.quantity.endsWith("norm of changes (relative)") ? 2 * row.tolerance : row.tolerance;

describe.skipIf(skips)("whole GRPO updates by own ops against PyTorch", () => {
  it.each([...readScenarios(folder).keys()])("%s", async (name) => {
    const before = tf.memory().numTensors;
    const rows = await checkGrpoStep(folder, [name], "kernels");
    expect(rows.filter((row) => !(row.error <= tolerance(row)))).toEqual([]);
    expect(rows.length).toBeGreaterThan(20);
    expect(tf.memory().numTensors).toBe(before);
  });
});

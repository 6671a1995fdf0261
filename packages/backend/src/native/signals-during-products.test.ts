import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { expect, it } from "vitest";
import { BackendError } from "../backend-error";
import { selectBackend } from "../select-backend";

const backend = await selectBackend({ prefer: "tensorflow" }).catch((error: unknown) => error);
const skips = backend instanceof BackendError || !("trainingAddon" in tf.backend());
if (skips) console.warn("Skipping signals during products: npx v-triune native install compiles what holds them.");

it.skipIf(skips)("lives through signals that come while oneDNN multiplies, and hears them afterwards", () => {
  const child = fileURLToPath(new URL("../testing/products-under-signals.ts", import.meta.url));
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--import", "tsx", "--conditions=@v-triune/source", child],
    { encoding: "utf8" },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(Number(/heard (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(10);
});

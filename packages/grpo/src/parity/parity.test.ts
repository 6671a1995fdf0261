import { existsSync } from "node:fs";
import path from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { useTestBackend } from "../testing/test-backend";
import { checkAdamW, recognizeAdamW } from "./adamw";
import { checkGdpo, recognizeGdpo } from "./decoupled";
import type { ParityRow } from "./comparison";
import { checkLosses, recognizeLosses } from "./losses";

const root = path.resolve(import.meta.dirname, "../../../..");

/** The copy in the repository first, then the folder beside it, which may be newer. */
function golden(name: string): string {
  const own = path.join(root, "tools/goldens", name);
  return existsSync(own) ? own : path.join(root, "../shared/golden", name);
}

const over = (rows: readonly ParityRow[]) => rows.filter((row) => !(row.error <= row.tolerance));

beforeAll(useTestBackend);

describe("golden numbers of verl and TRL", () => {
  it("agrees with every case of golden/losses", async () => {
    const folder = golden("losses");
    expect(recognizeLosses(folder)).toBe(true);
    const rows = await checkLosses(folder);
    expect(over(rows)).toEqual([]);
    expect(rows.length).toBeGreaterThan(100);
  });

  it("agrees with every case of golden/gdpo", async () => {
    const folder = golden("gdpo");
    expect(recognizeGdpo(folder)).toBe(true);
    const rows = await checkGdpo(folder);
    expect(rows.map(({ quantity }) => quantity)).toEqual(["advantages GDPO, as in TRL", "advantages GDPO, as in verl"]);
    expect(over(rows)).toEqual([]);
  });
});

describe("golden numbers of torch and transformers", () => {
  it("agrees with every trace and schedule of golden/adamw, and leaks nothing", async () => {
    const folder = golden("adamw");
    expect(recognizeAdamW(folder)).toBe(true);
    const before = tf.memory().numTensors;
    const rows = await checkAdamW(folder);
    expect(over(rows)).toEqual([]);
    expect(rows.length).toBeGreaterThan(10);
    expect(tf.memory().numTensors).toBe(before);
  });
});

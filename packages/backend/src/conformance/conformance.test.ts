import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import type { BackendName } from "../backend-name";
import { DIFFERENTIABLE_KERNELS } from "../gradients/register-gradients";
import { selectBackend } from "../select-backend";
import { installedNative } from "../testing/installed-native";
import type { ConformanceCase } from "./conformance-case";
import { build, map, seeded } from "./nd-array";
import { CONFORMANCE_CASES, runConformance } from "./run-conformance";

const nativeIsThere = installedNative("the native backend's conformance") !== undefined;
const backends: BackendName[] = ["cpu", "wasm", ...(nativeIsThere ? (["tensorflow"] as const) : [])];

describe.each(backends)("conformance of %s with float64", (name) => {
  it("computes every operation and its gradient", async () => {
    await selectBackend({ prefer: name });
    const before = tf.memory().numTensors;
    const results = runConformance();
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
    expect(results).toHaveLength(CONFORMANCE_CASES.length);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("the suite itself", () => {
  it("notices a wrong value, a wrong gradient, a wrong shape and a kernel that is no longer missing", async () => {
    await selectBackend({ prefer: "cpu" });
    const x = seeded([2, 3], 1);
    const base = { ops: [], inputs: [x], gradient: true } as const;
    const cases: ConformanceCase[] = [
      { ...base, name: "value", compute: (a) => tf.add(a as tf.Tensor, 1e-3), reference: (a) => a },
      {
        ...base,
        name: "gradient",
        compute: (a) =>
          tf.customGrad((b) => ({ value: (b as tf.Tensor).clone(), gradFunc: (dy) => tf.mul(dy, 1.01) }))(
            a as tf.Tensor,
          ),
        reference: (a) => a,
      },
      { ...base, name: "shape", compute: (a) => tf.reshape(a as tf.Tensor, [6]), reference: (a) => a },
      {
        ...base,
        name: "missing",
        compute: (a) => tf.exp(a as tf.Tensor),
        reference: (a) => map(a, Math.exp),
        missingOn: ["cpu"],
      },
      {
        ...base,
        name: "nan",
        compute: (a) => tf.log(tf.neg(tf.square(a as tf.Tensor))),
        reference: () => build([2, 3], () => 0),
      },
    ];
    const results = runConformance(cases);
    expect(results.map(({ passed }) => passed)).toEqual([false, false, false, false, false]);
    expect(results.map(({ problem }) => problem)).toEqual([
      expect.stringMatching(/^value off by/),
      expect.stringMatching(/^gradient off by/),
      "shape [6] instead of [2,3]",
      "runs, though it is listed as missing on cpu",
      expect.stringMatching(/^value off by NaN/),
    ]);
  });

  it("covers every operation that policy and grpo compute with", () => {
    const covered = new Set(CONFORMANCE_CASES.flatMap(({ ops }) => ops));
    const packages = resolve(import.meta.dirname, "../../..");
    const used = ["policy", "grpo"].flatMap((name) => operationsIn(join(packages, name, "src")));
    const uncovered = [...new Set(used)].filter(
      (op) => !covered.has(op) && !covered.has(op.replace(/[1-6]d$/, "")) && !NOT_OPERATIONS.has(op),
    );
    // A new operation needs a case in packages/backend/src/conformance, so that every backend is checked for it.
    expect(uncovered).toEqual([]);
  });

  it("defines a gradient for each kernel at most once", () => {
    expect(new Set(DIFFERENTIABLE_KERNELS).size).toBe(DIFFERENTIABLE_KERNELS.length);
  });
});

/** Functions of tfjs-core that run no kernel of their own: memory, bookkeeping, construction from numbers. */
const NOT_OPERATIONS = new Set([
  "backend",
  "customGrad",
  "dispose",
  "engine",
  "env",
  "findBackend",
  "getBackend",
  "getGradient",
  "getKernel",
  "getKernelsForBackend",
  "grad",
  "grads",
  "keep",
  "memory",
  "nextFrame",
  "profile",
  "ready",
  "registerBackend",
  "registerGradient",
  "registerKernel",
  "removeBackend",
  "setBackend",
  "tensor",
  "tensor1d",
  "tensor2d",
  "tensor3d",
  "tensor4d",
  "tidy",
  "time",
  "unregisterKernel",
  "valueAndGrad",
  "valueAndGrads",
  "variable",
  "variableGrads",
]);

function operationsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !/\.(test|bench)\.ts$/.test(file) && !/(^|\/)testing\//.test(file))
    .flatMap((file) =>
      [...readFileSync(join(folder, file), "utf8").matchAll(/\btf\.([a-z]\w*)\(/g)].map(([, op = ""]) => op),
    );
}

/**
 * Whether a processor gains by products of bfloat16: node tools/run.mjs packages/policy/src/bfloat16-products.bench.ts
 *
 * x Wᵀ and dy W by TensorFlow's oneDNN in float32, in float32 with W in bfloat16 widened for each product (what
 * `dtype: "bfloat16"` does), and in bfloat16 with x rounded before and y widened after. Milliseconds of processor time of
 * one thread, the least of three to thirty; in brackets GFLOPS. See docs/decisions/0009.
 */
import { loadavg } from "node:os";
import { selectBackend } from "@v-triune/backend";
import * as tf from "@tensorflow/tfjs-core";

interface NativeBackend {
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
  readonly binding: {
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_BOOL: number;
    readonly TF_ATTR_STRING: number;
    executeOp(
      name: string,
      attributes: readonly object[],
      inputs: readonly number[],
      outputs: number,
    ): { id: number }[];
    deleteTensor(id: number): void;
  };
}

/** Of TensorFlow's types.proto. */
const FLOAT32 = 1;
const BFLOAT16 = 14;

await selectBackend({ prefer: "tensorflow", threads: 1 });
const backend = tf.backend() as unknown as NativeBackend;
const { binding } = backend;
const attribute = {
  type: (name: string, value: number) => ({ name, type: binding.TF_ATTR_TYPE, value }),
  flag: (name: string, value: boolean) => ({ name, type: binding.TF_ATTR_BOOL, value }),
};

function cast(id: number, from: number, to: number): number {
  const attributes = [attribute.type("SrcT", from), attribute.type("DstT", to), attribute.flag("Truncate", false)];
  return binding.executeOp("Cast", attributes, [id], 1)[0]!.id;
}

function product(x: number, w: number, type: number, transposed: boolean): number {
  const attributes = [
    attribute.flag("transpose_a", false),
    attribute.flag("transpose_b", transposed),
    attribute.type("T", type),
    { name: "_kernel", type: binding.TF_ATTR_STRING, value: "MklNameChangeOp" },
  ];
  return binding.executeOp("_MklMatMul", attributes, [x, w], 1)[0]!.id;
}

/** @param run returns what it leaves behind */
function milliseconds(run: () => number[]): number {
  let least = Infinity;
  for (let total = 0, count = 0; count < 3 || (total < 300 && count < 30); count++) {
    const before = process.cpuUsage();
    const left = run();
    const { user, system } = process.cpuUsage(before);
    for (const id of left) binding.deleteTensor(id);
    least = Math.min(least, (user + system) / 1000);
    total += (user + system) / 1000;
  }
  return least;
}

for (const [outputs, inputs] of [
  [1536, 576],
  [4864, 896],
  [11_008, 2048],
] as const) {
  const weight = tf.randomNormal([outputs, inputs], 0, 0.02, "float32", 1);
  const [whole] = backend.getInputTensorIds([weight]);
  const half = cast(whole!, FLOAT32, BFLOAT16);
  for (const rows of [1, 8, 32, 256, 1024])
    for (const transposed of [true, false]) {
      const factor = tf.randomNormal([rows, transposed ? inputs : outputs], 0, 1, "float32", 2);
      const [x] = backend.getInputTensorIds([factor]);
      const found = {
        float32: milliseconds(() => [product(x!, whole!, FLOAT32, transposed)]),
        widened: milliseconds(() => {
          const wide = cast(half, BFLOAT16, FLOAT32);
          return [wide, product(x!, wide, FLOAT32, transposed)];
        }),
        bfloat16: milliseconds(() => {
          const rounded = cast(x!, FLOAT32, BFLOAT16);
          const y = product(rounded, half, BFLOAT16, transposed);
          return [rounded, y, cast(y, BFLOAT16, FLOAT32)];
        }),
      };
      const gflops = (ms: number): string => ((2 * rows * outputs * inputs) / ms / 1e6).toFixed(0);
      const texts = Object.entries(found).map(([name, ms]) => `${name} ${ms.toFixed(2)} (${gflops(ms)})`);
      console.log(`${outputs} x ${inputs}, ${rows} rows, ${transposed ? "x Wᵀ" : "dy W"}: ${texts.join(", ")}`);
      factor.dispose();
    }
  binding.deleteTensor(half);
  weight.dispose();
}
console.log(`load ${loadavg()[0]!.toFixed(1)}`);

/** A process that multiplies while another one sends it signals. Prints how many it heard. */
import { spawn } from "node:child_process";
import * as tf from "@tensorflow/tfjs-core";
import type { OneDnnProduct } from "../native/one-dnn-product";
import { selectBackend } from "../select-backend";

await selectBackend({ prefer: "tensorflow", threads: 2 });
const backend = tf.backend() as unknown as {
  readonly oneDnnProduct: OneDnnProduct;
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
  createOutputTensor(output: object): tf.Tensor;
};
let heard = 0;
process.on("SIGWINCH", () => (heard += 1));
const sender = spawn("sh", ["-c", `while kill -WINCH ${process.pid}; do sleep 0.001; done`]);
const [a, b]: tf.Tensor2D[] = [tf.ones([1024, 96]), tf.ones([96, 288])];
const [left, right] = backend.getInputTensorIds([a!, b!]);
for (let round = 0; round < 60; round++) {
  for (let i = 0; i < 100; i++)
    backend.createOutputTensor(backend.oneDnnProduct(left!, right!, false, false)).dispose();
  await new Promise(setImmediate);
}
sender.kill();
console.log(`heard ${heard}`);

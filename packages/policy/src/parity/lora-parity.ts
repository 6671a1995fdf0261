/**
 * Adapters against peft: `lora_linear.json` (single layers), and folders with adapter_config.json,
 * adapter_model.safetensors, expected.json {case, base, loss} and expected.safetensors (logits with the adapter on and
 * merged in, gradients).
 */
import * as tf from "@tensorflow/tfjs-core";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gatherRows } from "../kernels/gather-rows";
import { ParityError } from "../input-error";
import { ModelWeights } from "../weights/model-weights";
import { largestDifference, ParityLedger, type ParityCheck, type ParityRow } from "./parity";
import { differenceOnTokens, relativeL2 } from "./model-differences";
import { referenceBatch } from "./model-case";
import { folderOf, peekJson, readReference } from "./reference-files";
import { loadVlm, openSafetensors } from "../folder/read-model";

const LINEAR = 1e-5;
const LOGITS = 2e-4;
const LOSS = 1e-5;
const GRADIENTS = 1e-4;

type Matrix = readonly (readonly number[])[];

interface LinearCases {
  readonly cases: readonly {
    readonly scaling: number;
    readonly weight: Matrix;
    readonly bias: readonly number[] | null;
    readonly x: Matrix;
    readonly target: Matrix;
    readonly output: Matrix;
    readonly grad_x: Matrix;
    readonly lora: Readonly<Record<string, Matrix>>;
    readonly grads: Readonly<Record<string, Matrix>>;
    readonly merged_weight: Matrix;
  }[];
}

interface ExpectedFile {
  readonly case: string;
  readonly base: string;
  readonly loss: number;
}

/** The check for `npm run parity`. */
export const loraParity: ParityCheck = { name: "LoRA", recognize: recognizeLora, check: checkLora };

/** Whether a folder or file holds adapters with reference values. */
export function recognizeLora(path: string): boolean {
  const folder = folderOf(path);
  return folder !== undefined && (linearFile(folder) !== undefined || modelFolders(folder).length > 0);
}

/** @throws ParityError, ModelConfigError or WeightsError when a file or the base model is missing or malformed */
export async function checkLora(path: string): Promise<ParityRow[]> {
  const folder = folderOf(path) ?? path;
  const ledger = new ParityLedger();
  const linear = linearFile(folder);
  if (linear) await checkLinear(ledger, readReference<LinearCases>(linear, ["cases"]));
  for (const model of modelFolders(folder)) await checkModel(ledger, model);
  return ledger.rows();
}

function linearFile(folder: string): string | undefined {
  const file = join(folder, "lora_linear.json");
  return Array.isArray(peekJson(file)?.["cases"]) ? file : undefined;
}

function modelFolders(folder: string): string[] {
  const holds = (path: string): boolean =>
    existsSync(join(path, "adapter_config.json")) && peekJson(join(path, "expected.json"))?.["case"] !== undefined;
  return [folder, join(folder, "lora_qwen2_5_vl")].filter(holds);
}

async function checkLinear(ledger: ParityLedger, { cases }: LinearCases): Promise<void> {
  for (const [index, reference] of cases.entries()) {
    const where = `layer ${index}`;
    const [outputs, inputs] = [reference.weight.length, reference.weight[0]!.length];
    const find = (values: Readonly<Record<string, Matrix>>, letter: string): Matrix =>
      Object.entries(values).find(([key]) => key.includes(letter))![1];
    const bias = reference.bias;
    const weights = new ModelWeights(
      [
        { name: "layer.weight", shape: [outputs, inputs], group: "language" },
        ...(bias ? [{ name: "layer.bias", shape: [outputs], group: "language" as const }] : []),
      ],
      ({ name }) => Float32Array.from(name.endsWith("bias") ? bias! : reference.weight.flat()),
      () => true,
    );
    const matrix = (values: Matrix): tf.Variable<tf.Rank.R2> =>
      tf.tidy(() => tf.variable(tf.tensor2d(values.map((row) => [...row]))));
    const adapter = {
      a: matrix(find(reference.lora, "lora_A")),
      b: matrix(find(reference.lora, "lora_B")),
      scale: reference.scaling,
    };
    const x = matrix(reference.x);
    weights.adapters.set("layer", adapter);
    const flat = (values: Matrix): Float32Array => Float32Array.from(values.flat());
    const output = tf.tidy(() => weights.project(x, ["layer"]));
    ledger.compare(
      "outputs of layers",
      largestDifference(await output.data(), flat(reference.output)).error,
      LINEAR,
      where,
    );
    const { value, grads } = tf.variableGrads(
      () =>
        tf.tidy(
          () =>
            tf.mean(
              tf.square(tf.sub(weights.project(x, ["layer"]), tf.tensor2d(reference.target.map((row) => [...row])))),
            ) as tf.Scalar,
        ),
      [x, adapter.a, adapter.b],
    );
    for (const [name, variable, expected] of [
      ["x", x, reference.grad_x],
      ["A", adapter.a, find(reference.grads, "lora_A")],
      ["B", adapter.b, find(reference.grads, "lora_B")],
    ] as const) {
      // Entries reach some tens here, where float32 has no five digits after the point: held to the largest of the
      // tensor.
      const size = Math.max(1, ...flat(expected).map(Math.abs));
      ledger.compare(
        "gradients of layers (relative)",
        largestDifference(await grads[variable.name]!.data(), flat(expected)).error / size,
        LINEAR,
        `${where}, ${name}`,
      );
    }
    ledger.compare(
      "merged weights",
      largestDifference(await weights.values("layer.weight"), flat(reference.merged_weight)).error,
      LINEAR,
      where,
    );
    tf.dispose([output, value, grads, x]);
    weights.dispose();
  }
}

async function checkModel(ledger: ParityLedger, folder: string): Promise<void> {
  const reference = readReference<ExpectedFile>(join(folder, "expected.json"), ["case", "base", "loss"]);
  const base = resolve(folder, reference.base);
  if (!existsSync(base))
    throw new ParityError({
      what: "The base model of an adapter's reference values is missing.",
      where: join(folder, "expected.json"),
      expected: base,
      fix: "keep the folders side by side as they were made",
    });
  const expected = openSafetensors(join(folder, "expected.safetensors"));
  const inputs = openSafetensors(join(base, "cases", `${reference.case}.safetensors`));
  const caseFile = readReference<Parameters<typeof referenceBatch>[0] & { labels: readonly (readonly number[])[] }>(
    join(base, "cases", `${reference.case}.json`),
    ["input_ids", "attention_mask", "labels"],
  );
  const policy = await loadVlm(base, { adapter: { folder } });
  const saved = mkdtempSync(join(tmpdir(), "v-triune-lora-"));
  try {
    const { prompts, rowOf, width } = referenceBatch(caseFile, inputs, policy.config);
    const compareLogits = async (logits: tf.Tensor, key: string, quantity: string): Promise<void> => {
      ledger.compare(
        quantity,
        differenceOnTokens((await logits.data()) as Float32Array, expected.readFloat32(key), rowOf),
        LOGITS,
        reference.case,
      );
      logits.dispose();
    };
    await compareLogits(policy.forward(prompts), "logits", "logits with the adapter");

    const rows: number[] = [];
    const targets: number[] = [];
    caseFile.labels.forEach((row, b) =>
      row.forEach((label, s) => s > 0 && label !== -100 && (rows.push(rowOf[b * width + s - 1]!), targets.push(label))),
    );
    const { value, grads } = tf.variableGrads(
      () =>
        tf.tidy(() => {
          const picked = gatherRows(policy.forward(prompts), Int32Array.from(rows));
          const hot = tf.cast(tf.oneHot(tf.tensor1d(targets, "int32"), policy.config.text.vocabSize), "float32");
          return tf.neg(tf.mean(tf.sub(tf.sum(tf.mul(picked, hot), 1), tf.logSumExp(picked, 1)))) as tf.Scalar;
        }),
      policy.parameters.map(({ variable }) => variable),
    );
    ledger.compare("loss with the adapter", Math.abs((await value.data())[0]! - reference.loss), LOSS, reference.case);
    for (const { name, variable } of policy.parameters) {
      const key = `grad.${name.replace(/\.weight$/, ".default.weight")}`;
      if (expected.has(key))
        ledger.compare(
          "gradients of A and B (relative L2)",
          relativeL2((await grads[variable.name]!.data()) as Float32Array, expected.readFloat32(key)),
          GRADIENTS,
          name,
        );
    }
    tf.dispose([value, grads]);

    // What is written must come back: the adapter alone, and merged into the model.
    await policy.save(join(saved, "adapter"));
    await policy.save(join(saved, "merged"), { adapter: "merged" });
    const again = await loadVlm(base, { adapter: { folder: join(saved, "adapter") } });
    await compareLogits(again.forward(prompts), "logits", "logits with the adapter saved and loaded");
    again.dispose();
    const merged = await loadVlm(join(saved, "merged"));
    if (expected.has("logits_merged"))
      await compareLogits(merged.forward(prompts), "logits_merged", "logits of the merged model");
    for (const key of expected.names.filter((name) => name.startsWith("merged."))) {
      const parameter = merged.parameters.find(({ name }) => name === key.slice("merged.".length));
      if (parameter)
        ledger.compare(
          "merged weights",
          largestDifference(await parameter.variable.data(), expected.readFloat32(key)).error,
          LINEAR,
          key,
        );
    }
    merged.dispose();
  } finally {
    policy.dispose();
    expected.close();
    inputs.close();
    rmSync(saved, { recursive: true, force: true });
  }
}

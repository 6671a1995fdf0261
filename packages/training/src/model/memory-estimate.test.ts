import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "@v-triune/backend";
import { createLearner } from "@v-triune/grpo";
import { type TokenizedRollout, createVlm, randomWeights } from "@v-triune/policy";
import { beforeAll, describe, expect, it } from "vitest";
import { resolveTrainingConfig } from "../config/load-training-config";
import type { TrainingConfig } from "../config/training-config";
import type { TrainingConfigInput } from "../config/training-config-schema";
import { smallModelConfig } from "../testing/small-model-config";
import { frozenGroups, learnerConfig } from "../update/learner-config";
import { type EstimateOptions, estimateMemory, fitsMemory, usesGradientCheckpointing } from "./memory-estimate";

const config = (update: TrainingConfigInput["update"] = {}) =>
  resolveTrainingConfig(
    {
      model: { init: "random", config: { ...smallModelConfig }, tokenizer: "t" },
      data: { train: "d" },
      rollout: { maxPromptTokens: 1024, maxNewTokens: 1024 },
      ...(update && { update }),
    },
    "/x",
  );

describe("gradient checkpointing", () => {
  it("auto is off where the model fits, and on where it does not", () => {
    const plain = estimateMemory(config(), smallModelConfig, { available: 64e9 });
    expect(plain.gradientCheckpointing).toBe(false);
    const tight = estimateMemory(config(), smallModelConfig, { available: plain.total });
    expect(tight.gradientCheckpointing).toBe(true);
    expect(tight.activations).toBeLessThan(plain.activations / 2);
    expect(fitsMemory(plain, plain.total)).toBe(false);
  });

  it("auto computes MLPs alone again where that is enough", () => {
    const of = (gradientCheckpointing: boolean | "mlp" | "auto", available = 64e9) =>
      estimateMemory(config({ gradientCheckpointing, microBatchTokens: 65_536 }), smallModelConfig, { available });
    const [none, mlp, all] = [of(false), of("mlp"), of(true)];
    expect(mlp.total).toBeLessThan(none.total);
    expect(all.total).toBeLessThan(mlp.total);
    // Four fifths of a machine are a run's.
    expect(of("auto", 1.26 * mlp.total)).toEqual(mlp);
    expect(of("auto", 1.24 * mlp.total)).toEqual(all);
  });

  it.each([true, "mlp", false] as const)("%s is what a person says, whatever the memory", (gradientCheckpointing) => {
    const asked = config({ gradientCheckpointing });
    for (const available of [1e6, 64e9])
      expect(estimateMemory(asked, smallModelConfig, { available }).gradientCheckpointing).toBe(gradientCheckpointing);
  });

  it("a person's choice needs no look at the model, and nothing is told", async () => {
    const told: string[] = [];
    const tell = (message: string) => void told.push(message);
    expect(await usesGradientCheckpointing(config({ gradientCheckpointing: true }), tell)).toBe(true);
    expect(told).toEqual([]);
  });
});

describe("of an update that runs, on wasm", () => {
  beforeAll(() => selectBackend({ prefer: "wasm" }));

  it.each([
    { adapter: null, gradientCheckpointing: false },
    { adapter: null, gradientCheckpointing: true },
    { adapter: { rank: 8 }, gradientCheckpointing: false },
    { adapter: { rank: 8 }, gradientCheckpointing: true },
    { adapter: null, gradientCheckpointing: "mlp" },
    { adapter: { rank: 8 }, gradientCheckpointing: "mlp" },
  ] as const)(
    "is what its tensors take, to 15 %: $adapter, checkpointing $gradientCheckpointing",
    ({ adapter, ...update }) => {
      const length = 256;
      const settings = resolveTrainingConfig(
        {
          model: { init: "random", config: { ...smallModelConfig }, tokenizer: "t", adapter },
          data: { train: "d" },
          algorithm: { advantage: "reinforce++" },
          rollout: { n: 1, promptsPerStep: 2, maxPromptTokens: length, maxNewTokens: length },
          update: { ...update, miniBatch: 2, microBatchTokens: 4 * length },
        },
        "/x",
      );
      const ids = (from: number): Int32Array =>
        Int32Array.from({ length }, (_, i) => 20 + ((i * 31 + from * 17) % 480));
      const rows = [0, 1].map((group) => ({ promptIds: ids(group), completionIds: ids(group + 7), group }));
      expectWithin15Percent(settings, rows, { promptTokens: length });
    },
  );

  it.each([false, true])("is so with pictures whose tower is trained, checkpointing %s", (gradientCheckpointing) => {
    const { vision, imageTokenId, visionStartTokenId } = smallModelConfig;
    const patches = 32;
    const pictureTokens = (patches / vision.spatialMergeSize) ** 2;
    const settings = resolveTrainingConfig(
      {
        model: { init: "random", config: { ...smallModelConfig }, tokenizer: "t" },
        data: { train: "d" },
        algorithm: { advantage: "reinforce++" },
        optimizer: { groups: { vision: { freeze: false }, connector: { freeze: false } } },
        rollout: { n: 1, promptsPerStep: 2, maxPromptTokens: 512, maxNewTokens: 32 },
        update: { gradientCheckpointing, miniBatch: 2, microBatchTokens: 4096 },
      },
      "/x",
    );
    const values = patches ** 2 * vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
    const rows = [0, 1].map((group) => {
      const promptIds = new Int32Array(pictureTokens + 8).fill(imageTokenId, 1, 1 + pictureTokens);
      promptIds[0] = visionStartTokenId;
      promptIds.fill(30, 1 + pictureTokens);
      const pixelValues = Float32Array.from({ length: values }, (_, i) => Math.sin(0.37 * i + group));
      const images = { pixelValues, gridThw: [[1, patches, patches] as const] };
      return { promptIds, completionIds: new Int32Array(32).fill(40), group, images };
    });
    expectWithin15Percent(settings, rows, { promptTokens: pictureTokens + 8, pictureTokens });
  });
});

/** Updates twice, and compares what the second one's tensors take with the estimate. */
function expectWithin15Percent(
  settings: TrainingConfig,
  rows: readonly TokenizedRollout[],
  lengths: Pick<EstimateOptions, "promptTokens" | "pictureTokens">,
): void {
  const { gradientCheckpointing } = settings.update;
  const policy = createVlm(smallModelConfig, randomWeights(smallModelConfig, { seed: 1 }), {
    freeze: frozenGroups(settings),
    ...(settings.model.adapter && { adapter: { rank: settings.model.adapter.rank } }),
    ...(gradientCheckpointing !== "auto" && { gradientCheckpointing }),
  });
  const learner = createLearner(learnerConfig(settings, policy));
  const batch = rows.map((row, i) => ({ row, advantage: 1 - 2 * i }));
  learner.update(batch);
  const peak = peakOfTensors(() => learner.update(batch));
  const { tensors } = estimateMemory(settings, smallModelConfig, { ...lengths, arithmetic: "wasm" });
  learner.dispose();
  policy.dispose();
  expect(tensors / peak).toBeGreaterThan(0.85);
  expect(tensors / peak).toBeLessThan(1.15);
}

/** Most bytes of tensors at one time, those that share their numbers counted once. */
function peakOfTensors(run: () => void): number {
  const engine = tf.engine();
  const { trackTensor, disposeTensor } = engine;
  const shared = new Map<object, number>();
  let bytes = tf.memory().numBytes;
  let peak = bytes;
  const count = ({ dataId, size }: tf.Tensor, by: 1 | -1): void => {
    const before = shared.get(dataId) ?? 0;
    shared.set(dataId, before + by);
    if (before === 0 || before + by === 0) bytes += by * 4 * size;
    peak = Math.max(peak, bytes);
  };
  engine.trackTensor = (tensor, backend) => {
    trackTensor.call(engine, tensor, backend);
    count(tensor, 1);
  };
  engine.disposeTensor = (tensor) => {
    if (!tensor.isDisposed && engine.state.tensorInfo.has(tensor.dataId)) count(tensor, -1);
    disposeTensor.call(engine, tensor);
  };
  try {
    run();
  } finally {
    Object.assign(engine, { trackTensor, disposeTensor });
  }
  return peak;
}

it("activations grow with the tokens of a micro-batch, nothing else does", () => {
  const [small, large] = [1024, 4096].map((microBatchTokens) =>
    estimateMemory(config({ microBatchTokens, gradientCheckpointing: false }), smallModelConfig, { available: 64e9 }),
  ) as [ReturnType<typeof estimateMemory>, ReturnType<typeof estimateMemory>];
  expect(large.activations).toBeCloseTo(4 * small.activations);
  expect(large.weights).toBe(small.weights);
  expect(large.moments).toBe(small.moments);
});

it("weights in bfloat16 take half the memory, and while they are used a float32 copy of the largest", () => {
  const estimate = (dtype: "bfloat16" | "float32") =>
    estimateMemory(
      resolveTrainingConfig(
        {
          model: { init: "random", config: { ...smallModelConfig }, tokenizer: "t", adapter: { rank: 2 }, dtype },
          data: { train: "d" },
        },
        "/x",
      ),
      smallModelConfig,
      { available: 64e9 },
    );
  const [half, whole] = [estimate("bfloat16"), estimate("float32")];
  // Norms, biases and the convolution stay as they are.
  expect(half.weights / whole.weights).toBeGreaterThan(0.5);
  expect(half.weights / whole.weights).toBeLessThan(0.6);
  expect(half.savedByBfloat16).toBe(0);
  expect(whole.savedByBfloat16).toBe(whole.weights - half.weights);
  const { hiddenSize, vocabSize, intermediateSize } = smallModelConfig.text;
  expect(half.passing - whole.passing).toBe(4 * hiddenSize * Math.max(vocabSize, 4 * intermediateSize));
});

it("an update of fewer tokens than a micro-batch holds takes no more than its own", () => {
  const estimate = (promptTokens?: number) =>
    estimateMemory(config({ miniBatch: 1 }), smallModelConfig, {
      available: 64e9,
      ...(promptTokens !== undefined && { promptTokens }),
    });
  expect(estimate(100).activations).toBeLessThan(estimate().activations);
  expect(estimate(1e6).activations).toBe(estimate().activations);
});

it("counts a teacher that is here: as large as the policy, or as its own folder says; none on a server", () => {
  const smaller = { ...smallModelConfig, text: { ...smallModelConfig.text, numLayers: 1 } };
  const teacherOf = (
    teacher: NonNullable<NonNullable<TrainingConfigInput["algorithm"]>["distillation"]>["teacher"],
  ) => {
    const taught = config();
    const { distillation } = resolveTrainingConfig(
      { model: "m", data: { train: "d" }, algorithm: { distillation: { teacher } } },
      "/x",
    ).algorithm;
    return estimateMemory({ ...taught, algorithm: { ...taught.algorithm, distillation } }, smallModelConfig, {
      available: 64e9,
      ...(teacher === "folder" ? { teacher: smaller } : {}),
    });
  };
  const itself = teacherOf("self");
  expect(itself.teacher).toBe(itself.weights);
  const other = teacherOf("folder");
  expect(other.teacher).toBeGreaterThan(0);
  expect(other.teacher).toBeLessThan(other.weights);
  const remote = teacherOf({ kind: "vllm", url: "http://gpu:8000" });
  expect(remote.teacher).toBe(0);
  expect(itself.total - remote.total).toBe(itself.teacher);
});

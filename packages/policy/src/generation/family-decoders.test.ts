/** Both decoders on every family: norms of queries and keys, DeepStack and interleaved positions are in each. */
import { join } from "node:path";
import { beforeAll, describe, it } from "vitest";
import { parameterShapes } from "../families/model-families";
import { OwnMemory } from "../kernels/wasm/own-memory";
import { FeatureSource } from "../model/feature-source";
import type { PromptInput } from "../model/tokenized-rollout";
import { goldenFolder } from "../parity/golden-folders";
import { randomWeights } from "../policy/random-weights";
import { useTestBackend } from "../testing/backend";
import { expectClose } from "../testing/gradient-check";
import { gridPicture } from "../testing/tiny-model";
import { ModelWeights } from "../weights/model-weights";
import type { Decoder } from "./decoder";
import { KernelDecoder } from "./kernel-decoder";
import { WasmStepKernels } from "./wasm-step-kernels";
import { TensorDecoder } from "./tensor-decoder";
import { readModelConfig } from "../folder/read-model";

beforeAll(useTestBackend);

describe.each(["qwen2_vl", "qwen3_vl"])("%s", (name) => {
  const folder = goldenFolder(name);
  it.skipIf(folder === undefined)("decodes to the same logits by ops and by kernels", () => {
    const config = readModelConfig(join(folder!, "base"));
    const values = randomWeights(config, { seed: 9, embeddingDeviation: 0.3 });
    const weights = new ModelWeights(
      parameterShapes(config),
      (shape) => values.get(shape.name),
      () => true,
    );
    const vision = new FeatureSource(weights, config, false);
    const prompts: PromptInput[] = [
      {
        promptIds: Int32Array.of(8, config.imageTokenId, config.imageTokenId, 11, 12),
        images: gridPicture(config, 2, 4, 1),
      },
      { promptIds: Int32Array.of(30, 31, 32) },
    ];
    const logits = (decoder: Decoder): Float32Array[] => {
      const { handles, logits: first } = decoder.prefill(prompts);
      const rows = handles.map((handle) => decoder.addRow(handle));
      const steps = [first.slice()];
      for (let token = 40; token < 45; token++) steps.push(decoder.step(rows, Int32Array.of(token, token + 9)).slice());
      decoder.dispose();
      return steps;
    };
    const byOps = logits(new TensorDecoder(weights, config, vision));
    const byKernels = logits(
      new KernelDecoder(new WasmStepKernels(OwnMemory.open()!, weights, config), weights, config, vision),
    );
    byOps.forEach((expected, step) => expectClose(byKernels[step]!, expected, 2e-4, `step ${step}`));
    weights.dispose();
  });
});

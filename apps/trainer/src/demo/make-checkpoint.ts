/** Makes the demonstration's checkpoints again, by the stages of warm-start.ts. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type BackendName, selectBackend } from "@v-triune/backend";
import { demoRecipe, pictureSize, writeDemoModelFolder, zoomModelFolder } from "@v-triune/demo-tasks";
import { type Processor, createProcessor, createVlm, loadVlm, readModelConfig } from "@v-triune/policy";
import { RunFolderError } from "@v-triune/training/run-folder";
import { demoModelFolder } from "./run-demo";
import { type SupervisedRowMaker, baseStage, demoInitialWeights, runWarmStage, warmStages } from "./warm-start";
import { enlargedWeights, practiceRowMaker, runZoomStage, zoomStages } from "./zoom-warm-start";

export interface MakeCheckpointOptions {
  readonly folder: string;
  readonly seed?: number;
  /**
   * `zero` and `zoom` make the models of `--zero` and `--zoom` from the committed checkpoint. Default: that checkpoint,
   * from random weights.
   */
  readonly model?: "zero" | "zoom";
  readonly backend?: "auto" | BackendName;
  readonly print?: (text: string) => void;
}

/**
 * About 10 million tokens of supervised training, some 25 minutes on native TensorFlow and longer on wasm; for the base
 * model 0.2 million, for the model that looks closer 0.9 million.
 */
export async function makeDemoCheckpoint(options: MakeCheckpointOptions): Promise<void> {
  const { seed = 1, print = (text) => void process.stdout.write(`${text}\n`) } = options;
  const folder = resolve(options.folder);
  const found = await readdir(folder).catch(() => []);
  if (found.length > 0) {
    throw new RunFolderError({
      what: "The folder for the checkpoint is not empty.",
      where: folder,
      found: found.slice(0, 5).join(", "),
      fix: "choose another one",
    });
  }
  const backend = await selectBackend({ prefer: options.backend ?? "auto" });
  print(`Backend: ${backend.description}`);
  const changes = options.model === "zoom" ? zoomModelFolder : {};
  // The files beside the weights first: the processor reads them from there.
  const template = join(tmpdir(), `v-triune-demo-${process.pid}`);
  await writeDemoModelFolder(template, changes);
  const say = (name: string, updates: number) => (progress: { update: number; loss: number; seconds: number }) =>
    print(`${name} ${progress.update}/${updates}  loss ${progress.loss.toFixed(3)}  ${progress.seconds.toFixed(0)} s`);
  // As the recipe's runs: the shipped checkpoints were made by TensorFlow's own ops.
  const { computeWith } = demoRecipe.update;
  try {
    const config = readModelConfig(template);
    const policy =
      options.model === "zero"
        ? await loadVlm(demoModelFolder, { computeWith })
        : options.model === "zoom"
          ? createVlm(config, await enlargedWeights(demoModelFolder, config, seed), {
              sourceFolder: template,
              computeWith,
            })
          : createVlm(config, demoInitialWeights(config, seed), { sourceFolder: template, computeWith });
    const [processor, endToken] = [createProcessor(template), config.eosTokenIds[0] as number];
    if (options.model === "zoom") {
      const makeRow = practiceRowMaker(processor, endToken);
      for (const stage of zoomStages)
        await runZoomStage(policy, stage, { seed, makeRow, onProgress: say(stage.name, stage.updates) });
    } else {
      const makeRow = rowMaker(processor, endToken);
      for (const stage of options.model === "zero" ? [baseStage] : warmStages)
        runWarmStage(policy, stage, { seed, makeRow, onProgress: say(stage.name, stage.updates) });
    }
    await mkdir(folder, { recursive: true });
    await writeDemoModelFolder(folder, changes);
    await policy.save(folder, { dtype: options.model === undefined ? "float32" : "bfloat16" });
    policy.dispose();
  } finally {
    await rm(template, { recursive: true, force: true });
  }
}

/** Questions as the model is asked them, answers with the end token. */
export function rowMaker(processor: Processor, endToken: number): SupervisedRowMaker {
  return ({ canvas, question }, response) => {
    const images = processor.imageProcessor.processDecoded([
      { width: pictureSize, height: pictureSize, data: canvas.pixels },
    ]);
    const content = [{ type: "image" as const }, { type: "text" as const, text: question }];
    const prompt = processor.encodeProcessed([{ role: "user", content }], images, { addGenerationPrompt: true });
    return {
      promptIds: prompt.promptIds,
      images,
      completionIds: Int32Array.from([...processor.tokenizer.encode(response), endToken]),
    };
  };
}

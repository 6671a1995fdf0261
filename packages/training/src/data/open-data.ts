import type { RowStoreNotice } from "@v-triune/data-filters";
import type { Processor, VlmConfig } from "@v-triune/policy";
import type { ToolOffer } from "@v-triune/rollouts";
import type { TrainingConfig } from "../config/training-config";
import type { Resources } from "../resources";
import { withIouThresholds } from "./adapt-iou-thresholds";
import { configuredPromptMaker } from "./configured-prompt-maker";
import { openDataThread } from "./open-data-thread";
import { DifficultySampler } from "./difficulty-sampler";
import { readAhead } from "./read-ahead";
import type { TrainingData } from "./run-data";
import { sampleByDifficulty } from "./sample-by-difficulty";
import { openTrainingSource, type TrainingSource } from "./training-data";

export interface DataOptions {
  readonly processor: Processor;
  /** The folder that the processor was read from; a thread reads it again. */
  readonly processorFolder: string;
  /** What the prompts are for. */
  readonly architecture: VlmConfig;
  /** Names that a sample's verifier may have. */
  readonly verifiers: readonly string[];
  /** What prompts say of tools. Default: nothing. */
  readonly tools?: ToolOffer | undefined;
  /** Told of rows that are left out. */
  readonly onBadRow: (message: string) => void;
  /** Told when a large set is copied to where a row can be read alone. Default: none is. */
  readonly onRowStore?: (notice: RowStoreNotice) => void;
}

/**
 * The prompts of a run: prepared in a thread of their own and ahead of the steps, or here if the run has one thread.
 *
 * @throws DatasetError when files are missing, damaged or hold no usable sample; ConfigError for a sampling or an IoU
 *   schedule that does not fit their sources
 */
export async function openData(
  config: TrainingConfig,
  { processor, processorFolder, architecture, verifiers, tools, onBadRow, onRowStore }: DataOptions,
  resources: Resources,
): Promise<TrainingData> {
  const close = (source: { close(): void }): void => source.close();
  const drawn = (source: TrainingSource, mostAhead?: number): TrainingData => {
    const { train: sets, sampling } = config.data;
    const most = mostAhead === undefined ? {} : { mostAhead };
    const data = sampling // A run.json of an earlier version does not have the key.
      ? sampleByDifficulty({
          source,
          sampler: new DifficultySampler(source.rows, sampling.difficulty, config.run.seed),
          sets,
          onBadRow,
          ...most,
        })
      : readAhead(source, onBadRow, mostAhead);
    return withIouThresholds(data, config.reward.iou);
  };
  if (config.workers !== 1) {
    const setup = { config, processorFolder, architecture, verifiers, tools, copies: onRowStore !== undefined };
    const source = await resources.open(openDataThread(setup, onRowStore), close);
    return drawn(source);
  }
  const source = await resources.open(
    openTrainingSource({
      sets: config.data.train,
      seed: config.run.seed,
      makePrompt: await configuredPromptMaker(config, processor, architecture.text.maxPositionEmbeddings, tools),
      verifiers,
      strict: config.strict,
      onRowStore,
    }),
    close,
  );
  return drawn(source, 0);
}

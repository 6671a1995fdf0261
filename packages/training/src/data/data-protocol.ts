/** What the run's thread and the data thread say to each other. */
import type { RowStoreNotice } from "@v-triune/data-filters";
import type { VlmConfig } from "@v-triune/policy";
import type { TrainingConfig } from "../config/training-config";
import type { PreparedPrompt, ToolOffer } from "@v-triune/rollouts";
import type { Draw, SourceRows, TrainingBatch } from "./training-data";
import type { PlainError } from "../threads/plain-error";

export interface DataSetup {
  readonly config: TrainingConfig;
  /** Holds tokenizer, template and the image processor's settings. */
  readonly processorFolder: string;
  /** What the prompts are for. Default: the model of `processorFolder`. */
  readonly architecture?: VlmConfig;
  readonly verifiers: readonly string[];
  readonly tools?: ToolOffer | undefined;
  /** Whether large sets are copied to where a row can be read alone. Default true. */
  readonly copies?: boolean;
}

export type ToDataThread =
  | { readonly type: "setup"; readonly setup: DataSetup }
  | { readonly type: "batch"; readonly job: number; readonly position: number; readonly count: number }
  | { readonly type: "prompts"; readonly job: number; readonly draws: readonly Draw[] }
  | { readonly type: "close" };

export type FromDataThread =
  | { readonly type: "row-store"; readonly notice: RowStoreNotice }
  | { readonly type: "opened"; readonly length: number; readonly rows: SourceRows }
  | { readonly type: "batch"; readonly job: number; readonly batch: TrainingBatch }
  | { readonly type: "prompts"; readonly job: number; readonly prompts: readonly (PreparedPrompt | string)[] }
  /** Without a job: the sets can't be opened. */
  | { readonly type: "failed"; readonly job?: number; readonly error: PlainError };

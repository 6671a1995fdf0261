import type { StoredRollout } from "@v-triune/training/browser";
import { parquetFile, type Shape } from "./parquet-file";

const text: Shape = { leaf: "text" };
const whole: Shape = { leaf: "whole" };
const real: Shape = { leaf: "real" };

/** Columns of a run's rollout files, with what each takes of a rollout. */
const COLUMNS: readonly (readonly [name: string, shape: Shape, valueOf: (rollout: StoredRollout) => unknown])[] = [
  ["step", whole, ({ step }) => step],
  ["group_index", whole, ({ group }) => group],
  ["sample_index", whole, ({ sample }) => sample],
  ["data_source", text, ({ dataSource }) => dataSource],
  ["task", text, ({ task }) => task],
  ["id", text, ({ id }) => id],
  ["prompt", text, ({ prompt }) => prompt],
  ["response", text, ({ response }) => response],
  ["ground_truth", text, ({ groundTruth }) => groundTruth],
  ["image_paths", { list: text }, ({ imagePaths }) => imagePaths],
  ["image_sizes", { list: { list: whole } }, ({ imageSizes }) => imageSizes],
  ["boxes", text, ({ boxes }) => boxes],
  ["prompt_tokens", whole, ({ promptTokens }) => promptTokens],
  ["response_tokens", whole, ({ responseTokens }) => responseTokens],
  ["stripped_tokens", whole, ({ strippedTokens }) => strippedTokens],
  ["truncated", { leaf: "boolean" }, ({ truncated }) => truncated],
  ["status", text, ({ status }) => status],
  ["reason", text, ({ reason }) => reason],
  ["accuracy", real, ({ accuracy }) => accuracy],
  ["format", real, ({ format }) => format],
  ["reward", real, ({ reward }) => reward],
  ["advantage", real, ({ advantage }) => advantage],
  ["metrics", { map: real }, ({ metrics }) => metrics],
  ["additions", { map: real }, ({ additions }) => additions],
  ["token_ids", { list: whole }, ({ tokenIds }) => Array.from(tokenIds)],
];

/** A step's rollouts as `rollouts/step-000012.parquet` of a run folder. */
export function rolloutFile(rollouts: readonly StoredRollout[]): Uint8Array {
  return parquetFile(
    Object.fromEntries(COLUMNS.map(([name, shape]) => [name, shape])),
    rollouts.map((rollout) => Object.fromEntries(COLUMNS.map(([name, , valueOf]) => [name, valueOf(rollout)]))),
  );
}

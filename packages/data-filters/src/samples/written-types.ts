/**
 * The layout in the two forms that a writer needs: as DuckDB types, and as the features that the Python package
 * `datasets` reads from the Parquet footer (key `huggingface`). Without the features it shows pictures as structs of
 * bytes.
 */
import { BLOB, BOOLEAN, FLOAT, LIST, STRUCT, VARCHAR, type DuckDBType } from "@duckdb/node-api";
import { ORSTA_LAYOUT, type LayoutNode } from "./orsta-layout";

const LEAF_TYPES = { text: VARCHAR, number: FLOAT, boolean: BOOLEAN, bytes: BLOB } as const;

/** The DuckDB type of a node on disk. Numbers are float32. */
export function duckdbType(node: LayoutNode): DuckDBType {
  if ("leaf" in node) return LEAF_TYPES[node.leaf];
  if ("list" in node) return LIST(duckdbType(node.list));
  return STRUCT(Object.fromEntries(Object.entries(node.record).map(([key, child]) => [key, duckdbType(child)])));
}

const FEATURE_TYPES = { text: "string", number: "float32", boolean: "bool", bytes: "binary" } as const;

/** The features of `datasets` (4.x spelling); the pictures are `Image`. */
function feature(node: LayoutNode): unknown {
  if (node === (ORSTA_LAYOUT.images as { list: LayoutNode }).list) return { _type: "Image" };
  if ("leaf" in node) return { dtype: FEATURE_TYPES[node.leaf], _type: "Value" };
  if ("list" in node) return { feature: feature(node.list), _type: "List" };
  return Object.fromEntries(Object.entries(node.record).map(([key, child]) => [key, feature(child)]));
}

/** The value of the footer key `huggingface`. */
export function huggingfaceFooter(layout: Readonly<Record<string, LayoutNode>> = ORSTA_LAYOUT): string {
  const features = Object.fromEntries(Object.entries(layout).map(([key, node]) => [key, feature(node)]));
  return JSON.stringify({ info: { features } });
}

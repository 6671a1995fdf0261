/** The package for a browser: the layout of corpus files and what is said about files that do not have it. */
export { foreignBytes, type ForeignFile } from "../duckdb/foreign-bytes";
export { keyOfFolder } from "../samples/folder-keys";
export { expectedOf, missingColumn, wrongType, type ColumnPlace } from "../samples/layout-errors";
export { FULL_LAYOUT, type LayoutNode } from "../samples/orsta-layout";

/**
 * A path as the pattern that DuckDB's readers take for it alone. `read_parquet` and its like read every path as a glob:
 * `q[1].parquet` would be the file `q1.parquet`.
 *
 * ```ts
 * exactPath("data/q[1].parquet") // "data/q[[]1].parquet"
 * ```
 */
export function exactPath(path: string): string {
  const escaped = path.replace(/[*?[]/g, "[$&]");
  // DuckDB takes `~` for the home folder, and `s3:`, `file:`, .. for other file systems.
  return /^(~|[a-z][a-z0-9+.-]*:)/i.test(escaped) && !/^[a-z]:[\\/]/i.test(escaped) ? `./${escaped}` : escaped;
}

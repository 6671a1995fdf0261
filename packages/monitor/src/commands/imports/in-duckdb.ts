import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";

/** Works with a DuckDB of its own, without extensions, which is closed afterwards. */
export async function inDuckDB<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  try {
    return await work(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

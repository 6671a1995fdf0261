import { expect, it } from "vitest";
import { queryRows, withDatabase } from "./database";
import { bytesOf, MemoryBudget } from "./memory-budget";

it.each([
  ["500MB", 500e6],
  ["1.5 GiB", 1.5 * 2 ** 30],
  ["2gb", 2e9],
  ["80%", undefined],
  ["much", undefined],
])("reads %s as %s bytes", (size, bytes) => expect(bytesOf(size)).toBe(bytes));

it("leaves a small limit to DuckDB as it is, with one worker thread beside it", async () => {
  await withDatabase({ memoryLimit: "50MB" }, async (connection) => {
    const budget = await MemoryBudget.open(connection, "50MB");
    const [row] = await queryRows(connection, "SELECT current_setting('memory_limit') AS size");
    expect(bytesOf(String(row?.size))).toBeGreaterThan(49e6);
    expect(budget.workers(8)).toBe(1);
  });
});

it("gives DuckDB less beside worker threads, and its share back after them", async () => {
  await withDatabase({ memoryLimit: "1GB" }, async (connection) => {
    const limit = async (): Promise<number> => {
      const [row] = await queryRows(connection, "SELECT current_setting('memory_limit') AS size");
      return bytesOf(String(row?.size)) ?? 0;
    };
    const budget = await MemoryBudget.open(connection, "1GB");
    const own = await limit();
    expect(own).toBeGreaterThan(0.49e9);
    expect(own).toBeLessThanOrEqual(1e9);
    const count = budget.workers(4);
    expect(count).toBeGreaterThanOrEqual(1);
    expect(budget.workers(1)).toBe(1);
    const beside = await budget.withWorkers(count, limit);
    expect(beside).toBeLessThan(own);
    expect(await budget.withWriter(limit)).toBeLessThan(own);
    expect(await limit()).toBe(own);
    const failing = budget.withWorkers(count, async () => Promise.reject(new Error("stop")));
    await expect(failing).rejects.toThrow("stop");
    expect(await limit()).toBe(own);
  });
});

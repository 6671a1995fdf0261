import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { hardwareTable, withTable } from "./hardware-table";

const page = readFileSync(join(import.meta.dirname, "../docs/hardware.md"), "utf8");

it("docs/hardware.md shows what the memory estimate says now (npm run hardware)", async () => {
  const table = await hardwareTable();
  expect(page).toContain(table);
  expect(withTable(page.replace(table, table.replace("16 GB", "1 GB")), table)).toBe(page);
});

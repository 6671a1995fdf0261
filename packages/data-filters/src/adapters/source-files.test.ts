import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { wrongLayout } from "./source-files";

it("says that the path of a source is a file, where a folder is meant", () => {
  expect(wrongLayout(fileURLToPath(import.meta.url), "*.csv").message).toMatch(
    /expected: +a folder with \*\.csv\n +found: +a file\n +fix: +set path to the folder that holds it/,
  );
});

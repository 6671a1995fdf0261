import { VTriuneError } from "@v-triune/errors";
import { describe, expect, it } from "vitest";
import { DatasetError } from "./dataset-error";

describe("DatasetError", () => {
  const details = {
    code: "image-count",
    file: "a.parquet",
    row: 7,
    field: "images",
    expected: "one picture for each <image> mark of the prompt (1)",
    found: "0 pictures",
    fix: "put one <image> in the prompt for each picture, in the order of the pictures",
  } as const;

  it("begins with the place and reads well at 80 columns", () => {
    const { message } = new DatasetError(details);
    expect(message).toBe(
      [
        "a.parquet, row 7, field images",
        "  expected: one picture for each <image> mark of the prompt (1)",
        "  found:    0 pictures",
        "  fix:      put one <image> in the prompt for each picture, in the order of the",
        "            pictures",
      ].join("\n"),
    );
    for (const line of message.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("keeps a long place on the first line", () => {
    const file = `${"a folder with spaces/".repeat(5)}a.parquet`;
    expect(new DatasetError({ ...details, file }).message.split("\n")[0]).toBe(`${file}, row 7, field images`);
    const { file: _, row: __, field: ___, ...nowhere } = details;
    expect(new DatasetError(nowhere).message.split("\n")[0]).toBe("data set");
  });

  it("has its details as fields, with a sentence of its own", () => {
    const cause = new Error("inner");
    const error = new DatasetError({ ...details, cause });
    expect(error).toMatchObject({ ...details, cause, where: "a.parquet, row 7, field images", name: "DatasetError" });
    expect(error.what).toBe("The prompt and its pictures do not match.");
    expect(VTriuneError.isInstance(error)).toBe(true);
  });
});

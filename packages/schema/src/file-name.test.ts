import { describe, expect, it } from "vitest";
import { DatasetError } from "./dataset-error";
import { parquetFileName, parseParquetFileName } from "./file-name";

describe("file names", () => {
  it.each([
    ["train_math_mmmath_3539.parquet", { split: "train", task: "math", source: "mmmath", count: 3539, copies: 1 }],
    [
      "train_puzzle_puzzlevqa_2648_x2.parquet",
      { split: "train", task: "puzzle", source: "puzzlevqa", count: 2648, copies: 2 },
    ],
    [
      "test_detection_coco_test_multi_2000.parquet",
      { split: "test", task: "detection", source: "coco_test_multi", count: 2000, copies: 1 },
    ],
  ])("%s", (name, parts) => {
    expect(parquetFileName(parts)).toBe(name);
    expect(parseParquetFileName(`some/folder/${name}`)).toEqual(parts);
  });

  it("refuses a part that could not be read back", () => {
    expect(() => parquetFileName({ split: "train", task: "math", source: "a-b", count: 1 })).toThrow(DatasetError);
    expect(parseParquetFileName("data.parquet")).toBeNull();
  });
});

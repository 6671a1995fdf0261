import { expect, it } from "vitest";
import { countImageMarks } from "./image-marks";

it("counts picture marks", () => {
  expect(["", "<image>", "<image>a<image>", "<images>"].map(countImageMarks)).toEqual([0, 1, 2, 0]);
});

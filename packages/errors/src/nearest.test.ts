import { expect, it } from "vitest";
import { nearest } from "./nearest";

it("suggests the candidate that a misspelled word stands for, if one is near enough", () => {
  expect(nearest("clever", ["clevr", "d3"])).toBe("clevr");
  expect(nearest("something", ["clevr", "d3"])).toBeNull();
  expect(nearest("trian", ["train", "eval"])).toBe("train");
  expect(nearest("Train", ["eval", "train"])).toBe("train");
});

it("suggests the first candidate that begins with a word of three letters or more", () => {
  expect(nearest("coco", ["ovdeval", "coco-single", "coco-multi"])).toBe("coco-single");
  expect(nearest("co", ["coco-single"])).toBeNull();
});

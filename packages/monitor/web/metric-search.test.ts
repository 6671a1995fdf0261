import { expect, it } from "vitest";
import { nameSearch } from "./metric-search";

const names = ["reward/iou", "verifier/map@50", "actor/grad_norm", "actor/entropy", "val-core/a.b/acc"];
const found = (text: string) => names.filter(nameSearch(text).matches);

it("takes a part of a name, a glob or a regular expression", () => {
  expect(found("")).toEqual(names);
  expect(found("NORM")).toEqual(["actor/grad_norm"]);
  expect(found("iou|map")).toEqual(["reward/iou", "verifier/map@50"]);
  expect(found("actor/*")).toEqual(["actor/grad_norm", "actor/entropy"]);
  expect(found("*/a.b/*")).toEqual(["val-core/a.b/acc"]);
  expect(found("*entropy")).toEqual(["actor/entropy"]);
  expect(found("^actor.*y$")).toEqual(["actor/entropy"]);
  expect(found("a.b")).toEqual(["val-core/a.b/acc"]);
});

it("says why a text is no pattern, and finds nothing then", () => {
  expect(nameSearch("actor/(").problem).toMatch(/^This is no regular expression: .+\.$/);
  expect(found("actor/(")).toEqual([]);
  expect(nameSearch("actor/*").problem).toBeUndefined();
});

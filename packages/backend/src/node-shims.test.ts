import { expect, it } from "vitest";
import { installNodeShims } from "./node-shims";

it("gives a Node without them util.isNullOrUndefined and util.isArray", () => {
  const util: Record<string, unknown> = {};
  installNodeShims(util);
  const { isNullOrUndefined, isArray } = util as Record<string, (x: unknown) => boolean>;
  expect([null, undefined, 0, ""].map((x) => isNullOrUndefined?.(x))).toEqual([true, true, false, false]);
  expect([[], {}].map((x) => isArray?.(x))).toEqual([true, false]);
});

it("replaces those of an older Node, which warn when they are called", () => {
  const warns = (): boolean => {
    throw new Error("deprecated");
  };
  const util: Record<string, (x: unknown) => boolean> = { isNullOrUndefined: warns, isArray: warns };
  installNodeShims(util);
  expect([util["isNullOrUndefined"]?.(null), util["isArray"]?.([])]).toEqual([true, true]);
});

import { expect, it } from "vitest";
import { installNodeShims } from "./node-shims";

it("gives a Node without them util.isNullOrUndefined and util.isArray", () => {
  const util: Record<string, unknown> = {};
  installNodeShims(util);
  const { isNullOrUndefined, isArray } = util as Record<string, (x: unknown) => boolean>;
  expect([null, undefined, 0, ""].map((x) => isNullOrUndefined?.(x))).toEqual([true, true, false, false]);
  expect([[], {}].map((x) => isArray?.(x))).toEqual([true, false]);
});

it("leaves those of an older Node alone", () => {
  const own = (): boolean => true;
  const util = { isNullOrUndefined: own, isArray: own };
  installNodeShims(util);
  expect(util).toEqual({ isNullOrUndefined: own, isArray: own });
});

import { describe, expect, it } from "vitest";
import { Budget } from "./budget";
import { TokenReader } from "./token-reader";

const reading = (text: string, limits = {}): TokenReader => {
  const types = [...text, "eof"];
  return new TokenReader(new Budget(limits), {
    types,
    texts: [...text, ""],
    starts: types.map((_, i) => i),
    source: text,
  });
};

describe("TokenReader", () => {
  it("goes back to where an alternative began, in every respect", () => {
    const reader = reading("|ab");
    const failing = (inner: TokenReader): string =>
      inner.enclosed("|", () => {
        inner.countWrap();
        inner.markBroken();
        return inner.deeper(() => inner.untilDifferential(() => inner.fail()));
      });
    expect(reader.attempt(failing)).toBeUndefined();
    expect(reader.depth).toEqual({ levels: 0, wraps: 0 });
    expect(reader.isBroken).toBe(false);
    expect(reader.closes()).toBe(false);
    expect(reader.sourceBetween(0, 3)).toBe("|ab");
  });

  it("remembers what did not fit by the rule and the place, and tries it elsewhere", () => {
    const reader = reading("aab");
    let tries = 0;
    const parseB = (inner: TokenReader): string => {
      tries++;
      return inner.expect("b");
    };
    expect(reader.attempt(parseB)).toBeUndefined();
    expect(reader.attempt(parseB)).toBeUndefined();
    expect(tries).toBe(1);
    expect(reader.attempt((inner) => inner.expect("a"))).toBe("a");
    expect(reader.attempt(parseB)).toBeUndefined();
    reader.take();
    expect(reader.attempt(parseB)).toBe("b");
    expect(tries).toBe(3);
  });

  it("knows the closer of an opener, and lets a bar close only itself", () => {
    const read = (text: string, opener: string): string =>
      reading(text).enclosed(opener, (inner) => `${inner.closes()}${inner.take()}`);
    expect(read("(a)", "(")).toBe("falsea");
    expect(read("|a|", "|")).toBe("falsea");
    expect(reading("|a|").enclosed("|", (inner) => inner.take() + inner.closes())).toBe("atrue");
    expect(() => read("(a]", "(")).toThrow();
  });

  it("ends at its limits", () => {
    const reader = reading("a");
    const nested = (inner: TokenReader): string => inner.deeper(nested);
    expect(reader.attempt(nested)).toBeUndefined();
    const poor = reading("a", { fuel: 3 });
    expect(() => poor.attempt((inner) => inner.take())).toThrow("the step budget is spent");
  });
});

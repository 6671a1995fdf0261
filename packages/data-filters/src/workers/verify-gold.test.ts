import { describe, expect, it } from "vitest";
import { verifyGold } from "./verify-gold";

describe("verifyGold", () => {
  it.each(["4", "\\frac{1}{2}", "3.5", "50 %", "red", "禾不锈钢", "STOP", "5:00"])("%s can be verified", (answer) => {
    expect(verifyGold(answer)).toBe("yes");
  });

  it.each(["", "}{"])("%j cannot", (answer) => {
    expect(verifyGold(answer)).not.toBe("yes");
  });
});

import { describe, expect, it } from "vitest";
import { explain } from "./explain";
import { hasRealGolds, realGolds } from "./testing/real-golds";
import { WRAPPINGS } from "./testing/wrappings";

const verdictOf = (gold: string, response: string) => explain(gold, response).verdict;
/** Dollar signs around a text that has its own are no formula. */
const sources = realGolds().map(([source, golds]) => ({ source, golds }));
const wrappingsOf = (gold: string) => WRAPPINGS.filter(([name]) => name !== "dollar signs" || !gold.includes("$"));

describe.skipIf(!hasRealGolds)("gold answers of real data sets", () => {
  it.each(sources)("$source: none is skipped, each is met in twelve wrappings", ({ golds }) => {
    expect(golds.filter((gold) => verdictOf(gold, gold) === "skipped")).toEqual([]);
    const missed = golds.flatMap((gold) =>
      wrappingsOf(gold).flatMap(([name, wrap]) => (verdictOf(gold, wrap(gold)) === "right" ? [] : [[name, gold]])),
    );
    expect(missed).toEqual([]);
  });

  it.each(sources)("$source: less than 0.3 % of the pairs of different golds pass", ({ source, golds }) => {
    let pairs = 0;
    const passed: string[] = [];
    for (const gold of golds)
      for (const other of golds) {
        if (gold === other) continue;
        pairs++;
        if (verdictOf(gold, `\\boxed{${other}}`) === "right") passed.push(`${gold} <- ${other}`);
      }
    // Most of these are equal: $$5$$ and $5$, 12 and 12.00, 3/4 and 0.75.
    console.log(`${source}: ${passed.length} of ${pairs} pairs pass, ${((100 * passed.length) / pairs).toFixed(3)} %`);
    expect(passed.length / pairs, passed.join("\n")).toBeLessThan(0.003);
  });
});

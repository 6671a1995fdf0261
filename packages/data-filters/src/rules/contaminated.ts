/** The rule of `decontaminate:`: a row whose question or picture a benchmark has would make its score worthless. */
import type { FilterRule } from "./filter-rule";

/** Drops rows that have a text or a picture of a benchmark. */
export function contaminated(): FilterRule {
  return {
    name: "contaminated",
    reason: "a benchmark has its question or its picture",
    scope: "row",
    needs: ["contamination"],
    parameters: {},
    sql: () => "contamination IS NOT NULL",
  };
}

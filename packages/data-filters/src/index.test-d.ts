/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import {
  curate,
  type CurationReport,
  explainRow,
  type FilterRule,
  passAtK,
  readSamples,
  type SourceAdapter,
  writeSamples,
} from "@v-triune/data-filters";
import type { Sample } from "@v-triune/schema";
import { expectTypeOf } from "vitest";

expectTypeOf(
  curate({ sources: [{ source: "clevr", path: "raw" }], output: "corpus" }),
).resolves.toEqualTypeOf<CurationReport>();
// @ts-expect-error a curation has an output folder
void curate({ sources: [] });
// @ts-expect-error a source has a path
void curate({ sources: [{ source: "clevr" }], output: "corpus" });

for await (const sample of readSamples("corpus/*.parquet")) expectTypeOf(sample).toEqualTypeOf<Sample>();
declare const samples: readonly Sample[];
expectTypeOf(writeSamples("a.parquet", samples)).resolves.toHaveProperty("contentHash");
expectTypeOf<Awaited<ReturnType<typeof explainRow>>["droppedBy"]>().toEqualTypeOf<string | null>();
expectTypeOf(passAtK).returns.toBeNumber();

const rule: FilterRule = {
  name: "short",
  reason: "too short",
  scope: "row",
  parameters: {},
  sql: () => "length(question) < 3",
};
expectTypeOf(rule.scope).toEqualTypeOf<"row" | "set">();
// @ts-expect-error a rule says why a row is gone
const silent: FilterRule = { name: "short", scope: "row", parameters: {}, sql: () => "true" };
void silent;
expectTypeOf<ReturnType<SourceAdapter["read"]>>().toExtend<AsyncIterable<{ readonly question: string }>>();

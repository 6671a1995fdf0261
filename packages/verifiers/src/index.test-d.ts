/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import {
  createVerifierRegistry,
  mathverify,
  type Verdict,
  type Verifier,
  type VerifierRegistry,
} from "@v-triune/verifiers";
import { checkVerifier, type ConformanceFinding } from "@v-triune/verifiers/conformance";
import { matchBoxes } from "@v-triune/verifiers/detection";
import { parse, verify } from "@v-triune/verifiers/math";
import { expectTypeOf } from "vitest";

declare const verdict: Verdict;
// @ts-expect-error the accuracy of a verdict is known only after its status
void verdict.accuracy;
if (verdict.status === "scored") {
  expectTypeOf(verdict.accuracy).toBeNumber();
  expectTypeOf(verdict.metrics).toEqualTypeOf<Readonly<Record<string, number>>>();
} else {
  expectTypeOf(verdict.reason).toBeString();
}
expectTypeOf<Verdict["status"]>().toEqualTypeOf<"scored" | "skipped" | "error">();

expectTypeOf(mathverify).toExtend<Verifier>();
expectTypeOf(createVerifierRegistry([mathverify])).toEqualTypeOf<VerifierRegistry>();
expectTypeOf<VerifierRegistry["get"]>().toEqualTypeOf<(name: string) => Verifier>();
// @ts-expect-error verifiers are synchronous
createVerifierRegistry([{ name: "slow", verify: async () => verdict }]);
// @ts-expect-error a sample has its gold answer
mathverify.verify("4", {});

expectTypeOf(verify(parse("1"), parse("2"))).toBeBoolean();
expectTypeOf(matchBoxes([{ bbox: [0, 0, 1, 1], label: "cat" }], [])[0]?.iou).toEqualTypeOf<number | undefined>();
// @ts-expect-error a box has four corners
matchBoxes([{ bbox: [0, 0, 1], label: "cat" }], []);
expectTypeOf(checkVerifier(mathverify, { samples: [] })).toEqualTypeOf<ConformanceFinding[]>();

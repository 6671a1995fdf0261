/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import { type ErrorDetails, formatError, VTriuneError } from "@v-triune/errors";
import { expectTypeOf } from "vitest";

class PortError extends VTriuneError {
  override readonly name = "PortError";
  declare readonly code: "in-use" | "forbidden";
}

expectTypeOf(new PortError({ what: "The port is in use." }).code).toEqualTypeOf<"in-use" | "forbidden">();
expectTypeOf<VTriuneError["fix"]>().toEqualTypeOf<string | undefined>();
expectTypeOf<VTriuneError>().toExtend<Error>();
// @ts-expect-error an error says what is wrong
void new VTriuneError({ fix: "try again" });

declare const caught: unknown;
if (VTriuneError.isInstance(caught)) expectTypeOf(caught.what).toBeString();
// @ts-expect-error before that, it can be anything
void caught.what;
expectTypeOf(formatError).parameter(0).toEqualTypeOf<ErrorDetails>();

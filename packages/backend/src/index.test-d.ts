/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import { type BackendChoice, type BackendName, NativeInstallError, selectBackend } from "@v-triune/backend";
import { expectTypeOf } from "vitest";

expectTypeOf(selectBackend()).resolves.toEqualTypeOf<BackendChoice>();
expectTypeOf<BackendName>().toEqualTypeOf<"tensorflow-gpu" | "tensorflow" | "webgpu" | "wasm" | "cpu">();
// @ts-expect-error there is no such backend
void selectBackend({ prefer: "webgl" });
expectTypeOf<BackendChoice["passedOver"][number]>().toExtend<{ name: BackendName; reason: string; howToGet: string }>();
expectTypeOf<NativeInstallError>().toExtend<Error>();
// @ts-expect-error the codes of an install's errors are known, and text is not one of them
expectTypeOf<NativeInstallError["code"]>().toEqualTypeOf<string>();

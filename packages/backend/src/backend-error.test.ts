import { VTriuneError } from "@v-triune/errors";
import { expect, it } from "vitest";
import { BackendError, briefReason, NativeInstallError, OutOfMemoryError } from "./backend-error";

it("can be told apart and carry their details and cause", () => {
  const cause = new Error("no space");
  const install = new NativeInstallError({ code: "disk", what: "The disk is full.", cause });
  expect(install).toBeInstanceOf(VTriuneError);
  expect([install.name, install.code, install.cause, install.message]).toEqual([
    "NativeInstallError",
    "disk",
    cause,
    "The disk is full.",
  ]);
  const memory = new OutOfMemoryError({ backend: "wasm", shape: [2, 3], what: "No memory is left." });
  expect(memory).toBeInstanceOf(BackendError);
  expect([memory.name, memory.shape, memory.kernel]).toEqual(["OutOfMemoryError", [2, 3], undefined]);
});

it("fit into a part of a line", () => {
  expect(briefReason(new BackendError({ what: "It does not work." }))).toBe("It does not work");
  expect(briefReason(new BackendError({ what: "It does not work.", found: "a crash" }))).toBe(
    "It does not work (a crash)",
  );
});

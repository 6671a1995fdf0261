import { describe, expect, it } from "vitest";
import { BackendError, formatErrorParts, NativeInstallError, OutOfMemoryError, wrapText } from "./backend-error";

describe("formatErrorParts", () => {
  it("labels each part and stays within 80 columns", () => {
    const text = formatErrorParts({
      what: "There is too little room on the disk",
      where: "/cache",
      expected: "1.5 GiB free while installing",
      found: "12.0 MiB free",
      todo: "Make room, or name a folder on another disk in V_TRIUNE_NATIVE_DIR and run the command once more.",
    });
    expect(text.split("\n")).toEqual([
      "There is too little room on the disk.",
      "  where:     /cache",
      "  expected:  1.5 GiB free while installing",
      "  found:     12.0 MiB free",
      "  do:        Make room, or name a folder on another disk in V_TRIUNE_NATIVE_DIR",
      "             and run the command once more.",
    ]);
  });

  it("leaves out what is not told", () => {
    expect(formatErrorParts({ what: "It failed", found: "" })).toBe("It failed.");
  });
});

describe("wrapText", () => {
  it("keeps a word that is longer than the line whole", () => {
    const path = `/${"x".repeat(100)}`;
    expect(wrapText(`see ${path} there`, "  ", 40)).toEqual(["  see", `  ${path}`, "  there"]);
  });
});

describe("the typed errors", () => {
  it("can be told apart and carry their parts and cause", () => {
    const cause = new Error("no space");
    const install = new NativeInstallError("disk", { what: "The disk is full" }, { cause });
    expect([install.name, install.code, install.cause, install.message]).toEqual([
      "NativeInstallError",
      "disk",
      cause,
      "The disk is full.",
    ]);
    const memory = new OutOfMemoryError({ backend: "wasm", shape: [2, 3], parts: { what: "No memory" } });
    expect(memory).toBeInstanceOf(BackendError);
    expect([memory.name, memory.shape, memory.kernel]).toEqual(["OutOfMemoryError", [2, 3], undefined]);
  });
});

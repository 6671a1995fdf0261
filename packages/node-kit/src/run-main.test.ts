import { VTriuneError } from "@v-triune/errors";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runMain } from "./run-main";

let printed = "";
const exitCode = process.exitCode;
beforeEach(() => {
  printed = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = exitCode;
});

describe("runMain", () => {
  it("exits with what the command returns", async () => {
    await runMain(async () => 3);
    expect(process.exitCode).toBe(3);
    expect(printed).toBe("");
  });

  it("prints an error that a person can fix as it is, and exits with 2", async () => {
    await runMain(async () => {
      throw new VTriuneError({ what: "The port is in use.", fix: "choose another port" });
    });
    expect(process.exitCode).toBe(2);
    expect(printed).toBe("The port is in use.\n  fix:      choose another port\n");
  });

  it("prints a fault of the program with its stack, and exits with 1", async () => {
    await runMain(async () => {
      throw new TypeError("x is not a function");
    });
    expect(process.exitCode).toBe(1);
    expect(printed).toMatch(/^TypeError: x is not a function\n\s+at [^]*\nThis is a fault of the program/);
    await runMain(async () => Promise.reject("text"));
    expect(printed).toContain("\ntext\nThis is a fault");
  });
});

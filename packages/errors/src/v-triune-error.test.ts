import { describe, expect, it, vi } from "vitest";
import { VTriuneError } from "./v-triune-error";

class PortError extends VTriuneError {
  override readonly name = "PortError";
  declare readonly code: "in-use" | "forbidden";
}

const details = {
  what: "The port is in use.",
  where: "--port 8000",
  expected: "a free port",
  found: `another process, ${"which has run for days, ".repeat(5)}and goes on`,
  fix: "choose another port",
  code: "in-use",
};

describe("VTriuneError", () => {
  it("has its details as fields and as a message of 80 columns", () => {
    const error = new PortError(details);
    expect(error).toMatchObject(details);
    expect(error.message.split("\n")[0]).toBe("The port is in use.");
    expect(error.message.split("\n").at(-1)).toBe("  fix:      choose another port");
    for (const line of error.message.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("can be sent to another thread and made again there", () => {
    const sent = structuredClone(new PortError({ ...details, cause: () => {} }).details);
    expect(sent).toEqual(details);
    expect(new PortError(sent).message).toBe(new PortError(details).message);
  });

  it("leaves out what is not given, and keeps the cause", () => {
    const cause = new Error("EADDRINUSE");
    const error = new PortError({ what: "The port is in use.", cause });
    expect(error.message).toBe("The port is in use.");
    expect(error.cause).toBe(cause);
    expect("cause" in new PortError({ what: "The port is in use." })).toBe(false);
  });

  it("keeps a path whole and the line breaks of a text", () => {
    const path = `/${"a-long-folder-name/".repeat(6)}x`;
    const { message } = new VTriuneError({ what: "No such file.", where: path, found: "one\ntwo" });
    expect(message).toBe(`No such file.\n  where:    ${path}\n  found:    one\n            two`);
  });

  it("recognizes errors of another copy of the package, and nothing else", async () => {
    vi.resetModules();
    const copy = await import("./v-triune-error");
    expect(copy.VTriuneError).not.toBe(VTriuneError);
    const foreign = new copy.VTriuneError({ what: "Of another copy." });
    expect(foreign).not.toBeInstanceOf(VTriuneError);
    expect(VTriuneError.isInstance(foreign)).toBe(true);
    expect(VTriuneError.isInstance(new PortError(details))).toBe(true);
    for (const other of [new Error("x"), { what: "x", fix: "y" }, null, undefined, "text"])
      expect(VTriuneError.isInstance(other)).toBe(false);
  });
});

import { expect, it } from "vitest";
import { ConfigError } from "@v-triune/errors";
import { DashboardError } from "@v-triune/monitor/dashboard";
import { VerifierLoadError } from "@v-triune/rewards/isolated";
import { UnknownVerifierError } from "@v-triune/verifiers";
import { reportError } from "./report-error";

it.each([
  new ConfigError({ what: "A key is odd.", where: "a.yaml:3", found: "one two three ".repeat(12), fix: "remove it" }),
  new UnknownVerifierError("mathverfy", ["mathverify", "detection"]),
  new DashboardError({ what: "Another program listens on the dashboard's port.", where: "127.0.0.1:6070" }),
  new VerifierLoadError({
    what: "A verifier module cannot be imported.",
    where: "file:///mine.mjs",
    found: "no such file",
  }),
])("prints an error that a person can fix as it is, with exit code 2: $name", (error) => {
  expect(reportError(error, false)).toEqual({ text: error.message, exitCode: 2 });
  for (const line of error.message.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

it("calls any other error a fault of the program, with exit code 1", () => {
  const { text, exitCode } = reportError(
    Object.assign(new Error("odd"), { fix: "none", expected: "a", found: "b" }),
    false,
  );
  expect(exitCode).toBe(1);
  expect(text).toMatch(/^Unexpected failure\. Error: odd\nThis is a fault of the program/);
});

it("says of a failed write what to do, wherever it failed", () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), {
    code: "ENOSPC",
    syscall: "write",
    path: "/runs/a/metrics.jsonl",
  });
  expect(reportError(full, false)).toEqual({
    exitCode: 2,
    text:
      "A file can't be written. What was saved before is untouched.\n  where:    /runs/a/metrics.jsonl\n" +
      "  found:    the disk is full (ENOSPC)\n  fix:      free some space, or choose a folder on another disk",
  });
  // What Node makes of mkdir with its parents on a read-only file system.
  const readOnly = Object.assign(new Error("ENOENT: no such file or directory, mkdir '/mnt/ro/run'"), {
    code: "ENOENT",
    syscall: "mkdir",
    path: "/mnt/ro/run",
  });
  expect(reportError(readOnly, false).text).toMatch(/the file system is read-only \(EROFS\)[^]*choose a folder/);
  // A missing file that is read is not a failed write.
  expect(
    reportError(
      Object.assign(new Error("ENOENT: no such file or directory, open 'x'"), {
        code: "ENOENT",
        syscall: "open",
        path: "x",
      }),
      false,
    ).exitCode,
  ).toBe(1);
});

import { expect, it } from "vitest";
import { ConfigError } from "@v-triune/errors";
import { reportError } from "./report-error";

it("keeps to 80 columns, whichever package the error is of", () => {
  const error = Object.assign(
    new Error(
      `A file of the model folder is missing.\n  where:    /models/none/config.json\n  do:       ${"give a folder in Hugging Face layout ".repeat(3).trim()}`,
    ),
    { fix: "" },
  );
  const { text, exitCode } = reportError(error, false);
  expect(exitCode).toBe(2);
  expect(text.split("\n").slice(0, 3)).toEqual([
    "A file of the model folder is missing.",
    "  where:    /models/none/config.json",
    "  do:       give a folder in Hugging Face layout give a folder in Hugging Face",
  ]);
  expect(text.split("\n")[3]).toBe("            layout give a folder in Hugging Face layout");
  const own = new ConfigError({
    what: "A key is odd.",
    where: "a.yaml:3",
    found: "one two three ".repeat(12),
    fix: "put it right",
  });
  expect(reportError(own, false).text).toBe(own.message);
});

it("says of a failed write what to do, wherever it failed", () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), {
    code: "ENOSPC",
    syscall: "write",
    path: "/runs/a/metrics.jsonl",
  });
  expect(reportError(full, false)).toEqual({
    exitCode: 2,
    text: "A file can't be written. What was saved before is untouched.\n  where:    /runs/a/metrics.jsonl\n  found:    the disk is full (ENOSPC)\n  fix:      free some space, or choose a folder on another disk",
  });
  // What Node makes of mkdir with its parents on a read-only file system.
  const readOnly = Object.assign(new Error("ENOENT: no such file or directory, mkdir '/mnt/ro/run'"), {
    code: "ENOENT",
    syscall: "mkdir",
    path: "/mnt/ro/run",
  });
  expect(reportError(readOnly, false).text).toMatch(/the file system is read-only \(EROFS\)[^]*choose a folder/);
  // A file that is read and is not there is no failed write.
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

import { readFileSync } from "node:fs";

/** What decides whether TensorFlow's libraries run on a machine. */
export interface PlatformFacts {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** The C library's version; undefined with musl. */
  readonly glibc: string | undefined;
  /** The CPU's feature flags; undefined where they cannot be read. */
  readonly cpuFlags: ReadonlySet<string> | undefined;
}

/** This machine's facts. */
export function platformFacts(): PlatformFacts {
  const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return {
    platform: process.platform,
    arch: process.arch,
    glibc: report.header.glibcVersionRuntime,
    cpuFlags: cpuFlags(),
  };
}

function cpuFlags(): ReadonlySet<string> | undefined {
  try {
    const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1];
    return line === undefined ? undefined : new Set(line.split(" "));
  } catch {
    return undefined;
  }
}

/**
 * Every error class that a package exports is a VTriuneError, so that all print alike and no caller has to know them by
 * name.
 */
import { join } from "node:path";
import { VTriuneError } from "@v-triune/errors";
import { describe, expect, it } from "vitest";
import { publishedPackages } from "./workspace.mjs";

const root = join(import.meta.dirname, "..");

/** Classes that do not extend VTriuneError yet, as "package: class". Remove what you convert; nothing is added. */
const NOT_CONVERTED: readonly string[] = [];

/** Entries that are programs: they would act on this process. */
const PROGRAM = /-(worker|thread)$/;

interface Entry {
  readonly name: string;
  readonly source: string;
}

const entries: readonly Entry[] = publishedPackages(root).flatMap(({ directory, manifest }) =>
  Object.entries(manifest.exports ?? {}).flatMap(([subpath, target]) => {
    const source = typeof target === "object" ? target["@v-triune/source"] : undefined;
    if (source === undefined || PROGRAM.test(subpath)) return [];
    return [{ name: join(manifest.name, subpath), source: join(directory, source) }];
  }),
);

type ErrorClass = (abstract new (...args: never) => Error) & { readonly name: string };

const isErrorClass = (value: unknown): value is ErrorClass =>
  typeof value === "function" && (value.prototype as unknown) instanceof Error;

/** RangeError and TypeError tell a programmer of a wrong call. */
const isForProgrammers = ({ prototype }: ErrorClass): boolean =>
  prototype instanceof RangeError || prototype instanceof TypeError;

describe("error classes", () => {
  it("are in the entries that this test loads", () => {
    expect(entries.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "@v-triune/schema",
        "@v-triune/rewards/isolated",
        "@v-triune/monitor/dashboard",
        "v-triune",
      ]),
    );
  });

  it("extend VTriuneError", async () => {
    const others = new Set<string>();
    const all = new Set<string>();
    for (const { name, source } of entries) {
      const exports = (await import(source)) as Record<string, unknown>;
      for (const value of Object.values(exports)) {
        if (!isErrorClass(value) || isForProgrammers(value)) continue;
        const label = `${name
          .split("/")
          .slice(0, name.startsWith("@") ? 2 : 1)
          .join("/")}: ${value.name}`;
        all.add(label);
        if (!(value === VTriuneError || (value.prototype as unknown) instanceof VTriuneError)) others.add(label);
      }
    }
    expect([...others].sort()).toEqual([...NOT_CONVERTED].sort());
    expect(all.size).toBeGreaterThan(15);
  });
});

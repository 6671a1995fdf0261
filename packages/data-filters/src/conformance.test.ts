import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { adapterFor } from "./adapters/index";
import { clevr } from "./adapters/clevr";
import type { SourceAdapter } from "./adapters/source-adapter";
import { checkFilterRule, checkSourceAdapter } from "./conformance";
import { buildRule, rules } from "./rules/catalogue";

const realdata = resolve(import.meta.dirname, "../../../../shared/realdata");
if (!existsSync(realdata))
  console.warn("skipped: adapters on real samples, which are not beside this checkout (../shared/realdata)");

describe("checkFilterRule", () => {
  it.each(Object.keys(rules))("finds nothing in %s", async (name) => {
    expect(await checkFilterRule(buildRule(name === "cap" ? { rule: name, max: 20 } : name))).toEqual([]);
  });

  it("finds a bad name, a bad reason, wrong SQL and a dependence on threads", async () => {
    const rule = { scope: "row" as const, parameters: {} };
    expect(await checkFilterRule({ ...rule, name: "My Rule", reason: "", sql: () => "true" })).toMatchObject([
      { rule: "name" },
      { rule: "reason" },
    ]);
    expect((await checkFilterRule({ ...rule, name: "a", reason: "because", sql: () => "nope" }))[0]).toMatchObject({
      rule: "sql",
    });
    let calls = 0;
    const unsteady = { ...rule, name: "a", reason: "because", sql: () => `row < ${10 * ++calls}` };
    expect(await checkFilterRule(unsteady)).toMatchObject([{ rule: "threads" }]);
  });
});

describe("checkSourceAdapter", () => {
  it.skipIf(!existsSync(realdata)).each([
    ["geometry3k", "geometry3k"],
    ["mmk12", "mmk12"],
    ["puzzlevqa", "puzzlevqa"],
    ["scienceqa", "scienceqa"],
    ["visualpuzzles", "visualpuzzles"],
    ["chartqa", "chartqa"],
    ["chartx", "chartx"],
    ["tablevqa", "tablevqabench"],
    ["coco", "coco"],
    ["clevr", "clevr"],
    ["estvqa", "estvqa"],
  ])("finds nothing in %s", async (source, folder) => {
    expect(await checkSourceAdapter(adapterFor(source), `${realdata}/${folder}`)).toEqual([]);
  });

  it("finds what breaks the contract", async () => {
    let reading = 0;
    const bad: SourceAdapter = {
      info: { ...clevr.info, fileSource: "a b" },
      async *read() {
        reading++;
        const row = {
          id: "1",
          question: "<image>?",
          answer: `${reading}`,
          pictures: [{ name: "", file: "x" }],
          boxes: [],
        };
        yield row;
        yield row;
      },
    };
    const found = new Set((await checkSourceAdapter(bad, ".")).map((finding) => finding.rule));
    expect([...found].sort()).toEqual([
      "boxes",
      "info",
      "layout-error",
      "marks",
      "pictures",
      "stable-order",
      "unique-id",
    ]);
  });
});

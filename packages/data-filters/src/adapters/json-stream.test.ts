import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { jsonLines, jsonMembers, type JsonMember } from "./json-stream";

const folder = mkdtempSync(join(tmpdir(), "json-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string | Buffer): string {
  const path = join(folder, "a.json");
  writeFileSync(path, text);
  return path;
}

async function all(members: AsyncIterable<JsonMember>): Promise<JsonMember[]> {
  const list: JsonMember[] = [];
  for await (const member of members) list.push(member);
  return list;
}

describe("jsonMembers", () => {
  it("gives what JSON.parse gives, for lists and objects, at the root and at a key", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue()),
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.boolean(),
        async (list, object, indent) => {
          const write = (value: unknown) => file(JSON.stringify(value, null, indent ? 2 : undefined));
          const clean = (value: unknown) => JSON.parse(JSON.stringify(value));
          expect((await all(jsonMembers(write(list)))).map((m) => m.value)).toEqual(clean(list));
          const asObject = (members: JsonMember[]) => members.map((m) => [m.key, m.value]);
          expect(asObject(await all(jsonMembers(write(object))))).toEqual(Object.entries(clean(object)));
          const nested = write({ info: { wanted: [1], a: "}" }, wanted: list, after: object });
          expect((await all(jsonMembers(nested, "wanted"))).map((m) => m.value)).toEqual(clean(list));
          const inner = write({ list, wanted: object, more: 3 });
          expect(asObject(await all(jsonMembers(inner, "wanted")))).toEqual(Object.entries(clean(object)));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("crosses chunk borders inside strings and characters", async () => {
    const long = Array.from({ length: 40 }, (_, i) => ({ i, text: 'é"\\{[,:'.repeat(20_000 + i) }));
    const members = await all(jsonMembers(file(JSON.stringify({ before: long.slice(0, 5), rows: long })), "rows"));
    expect(members.map((m) => m.value)).toEqual(long);
  });

  it.each(['[{"a": 1}, {"a"', '{"rows": [1, 2', "", "[1, tru]", "<html>"])("refuses %j", async (text) => {
    await expect(all(jsonMembers(file(text)))).rejects.toMatchObject({ name: "DatasetError", code: "unreadable" });
  });

  it("says that a key is missing", async () => {
    await expect(all(jsonMembers(file('{"a": [1]}'), "rows"))).rejects.toMatchObject({
      code: "wrong-layout",
      field: "rows",
    });
  });
});

describe("jsonLines", () => {
  it("names the line that is cut", async () => {
    await expect(all(jsonLines(file('{"a": 1}\n\n{"a": ')))).rejects.toMatchObject({ code: "unreadable", row: 2 });
  });

  it("names the line that is not UTF-8", async () => {
    const latin1 = Buffer.from('{"a": "x"}\n{"a": "größer"}\n', "latin1");
    await expect(all(jsonLines(file(latin1)))).rejects.toMatchObject({
      code: "unreadable",
      row: 1,
      fix: expect.stringContaining("UTF-8"),
    });
    const [own] = await all(jsonLines(file('{"a": "\uFFFD"}')));
    expect(own?.value).toEqual({ a: "\uFFFD" });
  });
});

/** Tools of a module in a thread of their own: what one of them does reaches nobody else. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Tool, callTool } from "@v-triune/rollouts/tools";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type IsolatedTools, openIsolatedTools } from "./isolated-tools";

const folder = mkdtempSync(join(tmpdir(), "v-triune-tools-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
function moduleOf(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return pathToFileURL(join(folder, name)).href;
}

/** Does what its argument says. */
const OBEDIENT = `
  const schema = { "~standard": { version: 1, vendor: "test", validate: (value) =>
    typeof value?.do === "string" ? { value } : { issues: [{ message: "do must be a text" }] } } };
  export default {
    name: "obedient", description: "Obeys.", schema, parameters: { type: "object" },
    async call({ do: what }, { pictures, promptPictures }) {
      if (what === "hang") for (;;);
      if (what === "never") await new Promise(() => {});
      if (what === "exit") process.exit(3);
      if (what === "fill memory") { const hoard = []; for (;;) hoard.push(new Array(100_000).fill(hoard.length)); }
      if (what === "throw") throw new TypeError("boom\\nsecond line");
      if (what === "throw later") { setTimeout(() => { throw new Error("later"); }); await new Promise(() => {}); }
      if (what === "function") return { text: "x", more: () => 1 };
      if (what === "nothing") return;
      if (what === "look") {
        const { width, height, data } = await pictures[1].pixels();
        return { text: \`\${promptPictures} of \${pictures.length}, \${width} x \${height}, \${data[5]}, seen \${pictures[1].seen.width}\`,
          pictures: [await pictures[1].pixels()], lookedAt: { picture: 1, box: [0, 0, 500, 500] } };
      }
      return { text: \`did \${what}\` };
    },
  };`;

const pixels = { width: 2, height: 2, data: Uint8Array.from({ length: 12 }, (_, index) => index) };
const picture = { width: 2, height: 2, seen: { width: 28, height: 28 }, pixels: () => Promise.resolve(pixels) };
const context = { pictures: [picture, picture], promptPictures: 1 };

describe("the tools of a module", () => {
  let apart: IsolatedTools;
  beforeAll(async () => {
    apart = await openIsolatedTools(moduleOf("obedient.mjs", OBEDIENT), { deadlineMs: 1500, memoryMb: 32 });
  });
  afterAll(() => apart.close());
  const told = async (what: unknown): Promise<string> =>
    (await callTool({ name: "obedient", arguments: what }, apart.tools, context)).text;

  it("are described, checked and called as in the process itself", async () => {
    expect(apart.tools.map(({ name, description, parameters }) => [name, description, parameters])).toEqual([
      ["obedient", "Obeys.", { type: "object" }],
    ]);
    expect(await told({ do: "it" })).toBe("did it");
    expect(await told({ do: 4 })).toBe("error: do must be a text");
    const looked = await callTool({ name: "obedient", arguments: { do: "look" } }, apart.tools, context);
    expect(looked).toMatchObject({
      text: "1 of 2, 2 x 2, 5, seen 28",
      pictures: [{ width: 2, height: 2 }],
      lookedAt: { picture: 1, box: [0, 0, 500, 500] },
    });
  });

  it("cost nobody else anything, whatever one call does", async () => {
    const asked = [
      "a",
      "hang",
      "b",
      "exit",
      "c",
      "throw",
      "never",
      "d",
      "throw later",
      "fill memory",
      "function",
      "nothing",
    ];
    const answers = await Promise.all(asked.map((what) => told({ do: what })));
    expect(answers).toEqual([
      "did a",
      "error: no result within 1.5 s",
      "did b",
      "error: the tool failed: it ended its thread with code 3",
      "did c",
      "error: boom",
      "error: no result within 1.5 s",
      "did d",
      "error: the tool failed: later",
      expect.stringMatching(/^error: (the tool failed: it used more than 32 MB|no result within 1.5 s)$/),
      expect.stringMatching(/^error: the tool returned /),
      "error: the tool returned nothing",
    ]);
    expect(await told({ do: "it again" })).toBe("did it again");
  });

  it("have the whole deadline each, however long they wait for the others and for this process", async () => {
    const busy = {
      ...picture,
      pixels: async () => (await new Promise((resolve) => setTimeout(resolve, 1800)), pixels),
    };
    const slow = callTool({ name: "obedient", arguments: { do: "look" } }, apart.tools, {
      ...context,
      pictures: [busy, busy],
    });
    const waits = told({ do: "it" });
    const until = performance.now() + 1700;
    while (performance.now() < until);
    expect((await slow).text).toContain("2 x 2");
    expect(await waits).toBe("did it");
  });
});

it("loads tools in TypeScript, several of a module", async () => {
  const text = `
    const schema = { "~standard": { version: 1 as const, vendor: "test", validate: (value: unknown) => ({ value }) } };
    const tool = (name: string) => ({ name, description: "", schema, parameters: {}, call: () => ({ text: name }) });
    export default ["one", "two"].map(tool);`;
  const apart = await openIsolatedTools(moduleOf("two.ts", text), { deadlineMs: 1000, memoryMb: 64 });
  const call = (tools: readonly Tool[]) => callTool({ name: "two", arguments: {} }, tools, context);
  expect((await call(apart.tools)).text).toBe("two");
  await apart.close();
  expect((await call(apart.tools)).text).toBe("error: the run has ended");
});

it.each([
  ["no-tool.mjs", "export default 4;", /exports no tool\.[^]*found: {4}4/],
  ["broken.mjs", "export default {", /cannot be imported\.[^]*broken\.mjs/],
  ["exits.mjs", "process.exit(7);", /cannot be loaded\.[^]*ended its thread with code 7[^]*top level/],
  [
    "strange.mjs",
    `export default { name: "a", description: "", schema: {}, parameters: { f() {} }, call() {} };`,
    /cannot be/,
  ],
])("says why the module %s cannot be used", async (name, text, message) => {
  await expect(openIsolatedTools(moduleOf(name, text), { deadlineMs: 1000, memoryMb: 64 })).rejects.toThrow(message);
});

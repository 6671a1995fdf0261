import { describe, expect, it } from "vitest";
import { expectedOutput, markdownExamples, withExamples } from "./markdown-examples";

const page = [
  "# Title",
  "",
  "<!-- examples/a/b.ts -->",
  "```ts",
  "old();",
  "```",
  "Text.",
  "```ts",
  "unmarked();",
  "```",
  "```sh",
  "npm test",
  "```",
  "",
].join("\n");

describe("markdownExamples", () => {
  it("finds TypeScript blocks, with and without a file", () => {
    expect(markdownExamples(page)).toEqual([
      { file: "examples/a/b.ts", code: "old();\n", line: 4 },
      { file: null, code: "unmarked();\n", line: 8 },
    ]);
  });
});

describe("withExamples", () => {
  it("replaces the code of marked blocks and nothing else", () => {
    const written = withExamples(page, (file) => `// ${file}\nprice("$1");\n`);
    expect(written).toBe(page.replace("old();", () => '// examples/a/b.ts\nprice("$1");'));
    expect(withExamples(written, () => "old();\n")).toBe(page);
  });
});

describe("expectedOutput", () => {
  it("is the comment lines at the end", () => {
    expect(expectedOutput("// why\ncall();\n// one\n//   two\n")).toBe("one\n  two");
    expect(expectedOutput("call();\n")).toBe("");
    expect(expectedOutput("call();\n// one")).toBe("one");
  });
});

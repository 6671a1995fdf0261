import { expect, it } from "vitest";
import { createCurationView } from "./curation-view";

function fakeStream(isTTY: boolean, columns?: number) {
  const written: string[] = [];
  return {
    written,
    stream: { isTTY, columns, write: (text: string) => written.push(text) > 0 } as unknown as NodeJS.WriteStream,
  };
}

it("writes a line a subject where output is no terminal", () => {
  const { written, stream } = fakeStream(false);
  const view = createCurationView(stream);
  for (const rows of [1, 2, 3]) view.update({ phase: "read", what: "clevr", rows });
  view.update({ phase: "rules", what: "x".repeat(200), rows: 1 });
  view.close();
  expect(written[0]).toBe("reading clevr\n");
  expect(written).toHaveLength(2);
  expect(written[1]!.trim().length).toBeLessThanOrEqual(80);
});

it.each([40, 0, undefined])("keeps to one line of a terminal that says it has %s columns", (columns) => {
  const { written, stream } = fakeStream(true, columns);
  const clock = { at: 0 };
  const view = createCurationView(stream, () => clock.at);
  view.update({ phase: "pictures", what: "a-source-with-quite-a-long-name-for-40-columns", rows: 1500, of: 2000 });
  view.update({ phase: "pictures", what: "a-source-with-quite-a-long-name-for-40-columns", rows: 1501, of: 2000 });
  clock.at = 150;
  view.update({ phase: "pictures", what: "a-source-with-quite-a-long-name-for-40-columns", rows: 1502, of: 2000 });
  view.close();
  expect(written).toHaveLength(3);
  expect(written[1]).toContain("1,502 of 2,000 rows");
  for (const text of written) expect(text.replace("\r\u001b[K", "").length).toBeLessThan(columns || 80);
});

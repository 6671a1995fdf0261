/**
 * Geometry3K (math): one folder per problem with `data.json` and `img_diagram.png`. The owner's answer is a letter. A
 * sample asks for the choice's value instead, without listing the choices, so that it cannot be guessed.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError, sourceInfo } from "@v-triune/schema";
import { bareFormula, choiceText } from "./owner-text";
import type { AdapterContext, SourceAdapter, SourceRow } from "./source-adapter";
import { filesBelow, wrongLayout } from "./source-files";
import { eachRecord, requiredText, textOf, type TableRecord } from "./table-records";

const info = sourceInfo("geometry3k");

export const geometry3k: SourceAdapter = {
  info,
  read(context): AsyncIterable<SourceRow> {
    return eachRecord(context, problems(context), (record) => {
      const choices = Array.isArray(record.value.choices)
        ? record.value.choices.map((choice) => textOf(choice) ?? "")
        : [];
      const folder = dirname(record.file);
      const name = folder.slice(context.folder.replace(/\/$/, "").length + 1);
      const graph = record.value.problem_type_graph;
      return {
        id: name,
        question: textOf(record.value.annotat_text) ?? requiredText(record, "problem_text"),
        answer: bareFormula(choiceText(requiredText(record, "answer"), choices)),
        pictures: [{ name: `${name}/img_diagram.png`, file: join(folder, "img_diagram.png") }],
        ...(Array.isArray(graph) && typeof graph[0] === "string" ? { category: graph[0] } : {}),
      };
    });
  },
};

async function* problems(context: AdapterContext): AsyncGenerator<TableRecord> {
  const files = filesBelow(context.folder, /(^|\/)data\.json$/);
  if (files.length === 0) throw wrongLayout(context.folder, info.files.join("; "), info.url);
  for (const [row, relative] of files.entries()) {
    const file = join(context.folder, relative);
    try {
      const value: unknown = JSON.parse(readFileSync(file, "utf8"));
      if (isRecord(value)) yield { file, row, value };
      else context.bad(new DatasetError({ code: "wrong-type", file, expected: "an object", found: typeof value }));
    } catch (error) {
      if (error instanceof DatasetError) throw error;
      context.bad(new DatasetError({ code: "unreadable", file, expected: "JSON", found: String(error), cause: error }));
    }
  }
}

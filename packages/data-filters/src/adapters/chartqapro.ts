/**
 * ChartQAPro (chart): the Hugging Face export. `Question` and `Answer` are lists. In a conversation the last answer is
 * scored, and the turns before it are part of the question. `Paragraph` is context.
 */
import { DatasetError, sourceInfo } from "@v-triune/schema";
import type { SourceAdapter, SourceRow } from "./source-adapter";
import { PictureIndex } from "./source-files";
import { eachRecord, picturesOf, recordId, tableRecords, textOf } from "./table-records";

const info = sourceInfo("chartqapro");

export const chartqapro: SourceAdapter = {
  info,
  read(context): AsyncIterable<SourceRow> {
    const pictures = new PictureIndex(context.folder);
    return eachRecord(
      context,
      tableRecords(context, /\.(parquet|jsonl?)$/i, info.files.join("; "), info.url),
      (record) => {
        const questions = texts(record.value.Question);
        const answers = texts(record.value.Answer);
        const question = questions.at(-1);
        const answer = answers.at(-1);
        if (question === undefined || answer === undefined || questions.length !== answers.length) {
          throw new DatasetError({
            code: "bad-value",
            file: record.file,
            row: record.row,
            field: "Question",
            expected: "as many questions as answers, at least one",
            found: `${questions.length} questions, ${answers.length} answers`,
          });
        }
        const turns = questions.slice(0, -1).map((turn, i) => `${turn}\n${answers[i] ?? ""}`);
        const paragraph = textOf(record.value.Paragraph)?.trim() ?? "";
        const id = recordId(context, record);
        return {
          id,
          question: [...(paragraph === "" ? [] : [paragraph]), ...turns, question].join("\n"),
          answer,
          pictures: picturesOf(record.value.image, context, pictures, `${id.replaceAll("/", "-")}.png`),
          category: textOf(record.value["Question Type"]) ?? "",
        };
      },
    );
  },
};

function texts(cell: unknown): string[] {
  const list = Array.isArray(cell) ? cell : [cell];
  return list.map(textOf).filter((text) => text !== null);
}

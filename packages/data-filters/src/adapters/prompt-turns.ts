/**
 * Prompts as owners write them: turns of a system, a user and an assistant, whose contents are text or parts, with
 * `<image>` at the places of pictures. A sample has one mark for each picture.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { countImageMarks, DatasetError, IMAGE_MARK, type PromptMessage } from "@v-triune/schema";
import { withoutImageMarks } from "./owner-text";
import { shown, textOf, type TableRecord } from "./table-records";

/** A prompt in the two forms of a row. */
export interface RowPrompt {
  readonly question: string;
  /** Missing if the marks are where they are put anyway: before the question. */
  readonly turns?: readonly PromptMessage[];
}

/**
 * A question with the pictures at the places of its marks. Without marks, the pictures come first.
 *
 * @param pictures number of pictures of the record
 * @throws DatasetError `image-count` if it has marks, but not one for each picture
 */
export function questionPrompt(record: TableRecord, field: string, text: string, pictures: number): RowPrompt {
  checkMarks(record, field, countImageMarks(text), pictures);
  return placedPrompt(text, pictures);
}

/**
 * As `questionPrompt`, for published questions: marks that do not fit to the pictures are left out, and a rule reports
 * a missing picture.
 */
export function placedPrompt(text: string, pictures: number): RowPrompt {
  const question = withoutImageMarks(text);
  const isAtStart = countImageMarks(text.replace(/^(\s*<image>)+/, "")) === 0;
  const isPlaced = !isAtStart && countImageMarks(text) === pictures;
  return isPlaced ? { question, turns: [{ role: "user", content: text }] } : { question };
}

/**
 * The turns of a prompt. Pictures without marks come before the first turn of the user.
 *
 * @param cell a list of `{role, content}`, or that list as JSON. A content is text, or a list of parts
 *   `{type: "text", text}` and `{type: "image"}`.
 * @param pictures number of pictures of the record
 * @throws DatasetError for a prompt of another form, or one whose marks and pictures differ in number
 */
export function turnsPrompt(record: TableRecord, field: string, cell: unknown, pictures: number): RowPrompt {
  const list = jsonCell(cell);
  const wrong = (expected: string, found: unknown): DatasetError =>
    new DatasetError({ code: "wrong-type", file: record.file, row: record.row, field, expected, found: shown(found) });
  if (!Array.isArray(list) || list.length === 0) throw wrong("a list of messages, one by the user", list);
  const turns = list.map((turn: unknown): PromptMessage => {
    const role = isRecord(turn) ? textOf(turn.role) : null;
    const content = isRecord(turn) ? contentText(turn.content) : null;
    if (role === null || content === null) throw wrong("messages of a role and a content of text and pictures", turn);
    return { role, content };
  });
  const isUser = ({ role }: PromptMessage): boolean => role === "user" || role === "human";
  const asked = turns.filter(isUser);
  if (asked.length === 0) throw wrong("a list of messages, one by the user", list);
  const marks = turns.reduce((sum, { content }) => sum + countImageMarks(content), 0);
  checkMarks(record, field, marks, pictures);
  const first = turns.findIndex(isUser);
  const marked = turns.map((turn, i) =>
    marks === 0 && i === first ? { ...turn, content: `${IMAGE_MARK.repeat(pictures)}${turn.content}` } : turn,
  );
  return { question: withoutImageMarks(asked.map(({ content }) => content).join("\n")), turns: marked };
}

/** A cell that may be JSON text. */
export function jsonCell(cell: unknown): unknown {
  if (typeof cell !== "string" || !/^\s*[[{]/.test(cell)) return cell;
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}

/** The text of a content, with a mark for each part that is a picture. Null for other parts, such as videos. */
function contentText(content: unknown): string | null {
  const text = textOf(content);
  if (text !== null || !Array.isArray(content)) return text;
  const parts = content.map((part: unknown) => {
    if (!isRecord(part)) return textOf(part);
    const type = textOf(part.type) ?? "";
    if (/^(image|image_url|input_image)$/.test(type)) return IMAGE_MARK;
    return /^(text|input_text|)$/.test(type) ? textOf(part.text ?? part.content) : null;
  });
  return parts.includes(null) ? null : parts.join("");
}

function checkMarks(record: TableRecord, field: string, marks: number, pictures: number): void {
  if (marks === 0 || marks === pictures) return;
  throw new DatasetError({
    code: "image-count",
    file: record.file,
    row: record.row,
    field,
    expected: `a picture for each ${IMAGE_MARK} mark (${marks})`,
    found: `${pictures} picture${pictures === 1 ? "" : "s"}`,
    fix: `add the missing pictures, or write ${IMAGE_MARK} in another way where it is a word of the question`,
  });
}

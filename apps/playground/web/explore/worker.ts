/** Reads files beside the page, which stays smooth. */
import { ChangeListeners, memoryBackend } from "../../../../packages/monitor/web/memory-backend";
import { answerMessages } from "../../../../packages/monitor/web/message-backend";
import { recognize } from "../../src/explore/chosen";
import { CorpusFile } from "../../src/explore/corpus-file";
import { readRolloutFiles, readRun } from "../../src/explore/run-folder";
import type { Message, Question, RunAnswer, RunQuestion } from "./protocol";

/** What is open. */
interface Reading {
  corpus: CorpusFile | undefined;
  search: AbortController;
}

const reading: Reading = { corpus: undefined, search: new AbortController() };

const say = (message: Message, transfer: Transferable[] = []): void => postMessage(message, { transfer });
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

addEventListener("message", ({ data }: MessageEvent<Question>) => {
  answer(data).then(
    ({ value, transfer = [] }) => say({ type: "answer", id: data.id, value }, transfer),
    (error: unknown) => say({ type: "failed", id: data.id, problem: textOf(error) }),
  );
});

async function answer(question: Question): Promise<{ value: unknown; transfer?: Transferable[] }> {
  if (question.name === "recognize") return { value: await recognize(question.given) };
  if (question.name === "run") return { value: await openRun(question.given) };
  if (question.name === "open") {
    const corpus = await CorpusFile.open(question.given);
    reading.corpus = corpus;
    // After the first page has been read, which a person waits for.
    setTimeout(() => void checkAll(corpus));
    return { value: corpus.summary };
  }
  const { corpus } = reading;
  if (corpus === undefined) throw new Error("No file is open.");
  switch (question.name) {
    case "find":
      reading.search.abort(new Error("Another search began."));
      reading.search = new AbortController();
      return {
        value: await corpus.find(
          question.given,
          (found) => say({ type: "found", id: question.id, found }),
          reading.search.signal,
        ),
      };
    case "rows":
      return { value: await corpus.rows(question.given) };
    default: {
      // Copies: what was read stays for the row's neighbors.
      const pictures = (await corpus.pictures(question.given)).map((bytes) => bytes && bytes.slice());
      return { value: pictures, transfer: pictures.flatMap((bytes) => bytes?.buffer ?? []) };
    }
  }
}

/** The address lasts as long as this worker. */
const address = (bytes: Uint8Array): string => URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));

async function openRun({ chosen, port }: RunQuestion): Promise<RunAnswer> {
  const run =
    chosen.kind === "run"
      ? await readRun(chosen.run, address)
      : await readRolloutFiles(chosen.files, chosen.corpora, address);
  answerMessages(port, memoryBackend(run, new ChangeListeners()));
  return { id: run.summary().id, hasNumbers: chosen.kind === "run" };
}

async function checkAll(corpus: CorpusFile): Promise<void> {
  const tell = (problem: string | null): void => {
    if (reading.corpus === corpus) say({ type: "checked", summary: corpus.summary, problem });
  };
  try {
    await corpus.check(() => tell(null));
  } catch (error) {
    tell(textOf(error));
  }
}

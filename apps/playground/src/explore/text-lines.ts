/** The lines of a file, one by one, so that large files are never in memory as a whole. */
import { unreadable, type NamedFile } from "./file-kind";

/** @throws DatasetError if the file cannot be read */
export async function* textLines({ path, blob }: NamedFile): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = blob.stream().getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw unreadable(path, cause);
    });
    rest += decoder.decode(value, { stream: !done });
    const lines = rest.split("\n");
    rest = lines.pop()!;
    yield* lines;
    if (done) break;
  }
  if (rest !== "") yield rest;
}

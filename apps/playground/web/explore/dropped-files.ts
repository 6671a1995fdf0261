/** Files that were dropped on the page or chosen, with their paths in the folder. */
import { DatasetError } from "@v-triune/schema";
import type { NamedFile } from "../../src/explore/file-kind";

/** More is no folder of a run or a corpus. */
const MOST_FILES = 20_000;

/** Of an input element. */
export function chosenFiles(list: FileList | null): NamedFile[] {
  return [...(list ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, blob: file }));
}

/** Of a drop; folders are searched. @throws DatasetError for a folder with too many files */
export async function droppedFiles(data: DataTransfer): Promise<NamedFile[]> {
  // The list is empty after the event: entries are taken first.
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length === 0) return chosenFiles(data.files);
  const found: NamedFile[] = [];
  for (const entry of entries) await search(entry, found);
  return found;
}

async function search(entry: FileSystemEntry, found: NamedFile[]): Promise<void> {
  if (entry.isFile) {
    const blob = await new Promise<File>((fulfill, reject) => (entry as FileSystemFileEntry).file(fulfill, reject));
    if (found.push({ path: entry.fullPath.replace(/^\//, ""), blob }) <= MOST_FILES) return;
    throw new DatasetError({
      code: "wrong-layout",
      expected: `a folder with at most ${MOST_FILES} files`,
      found: "more",
      fix: "drop the folder of one run or one corpus",
    });
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A reader gives a hundred entries at a time, and none when it is done.
    const entries = await new Promise<FileSystemEntry[]>((fulfill, reject) => reader.readEntries(fulfill, reject));
    if (entries.length === 0) return;
    for (const one of entries) await search(one, found);
  }
}

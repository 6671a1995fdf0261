/** Files that were dropped on the page or chosen, with their paths in the folder. */
import type { NamedFile } from "../../src/explore/file-kind";
import { MOST_FILES } from "../../src/explore/most-files";

/** Of an input element. */
export function chosenFiles(list: FileList | null): NamedFile[] {
  return [...(list ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, blob: file }));
}

/**
 * Of a drop; folders are searched.
 *
 * @returns reads them, each time as they are then
 */
export function droppedFiles(data: DataTransfer): () => Promise<NamedFile[]> {
  // The lists are empty after the event: what is in them is taken first.
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const files = chosenFiles(data.files);
  return async () => {
    if (entries.length === 0) return files;
    const found: NamedFile[] = [];
    for (const entry of entries) await search(entry, found);
    return found;
  };
}

/** A folder with more than `MOST_FILES` is not searched to its end. */
async function search(entry: FileSystemEntry, found: NamedFile[]): Promise<void> {
  if (found.length > MOST_FILES) return;
  if (entry.isFile) {
    const blob = await new Promise<File>((fulfill, reject) => (entry as FileSystemFileEntry).file(fulfill, reject));
    found.push({ path: entry.fullPath.replace(/^\//, ""), blob });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A reader gives a hundred entries at a time, and none when it is done.
    const entries = await new Promise<FileSystemEntry[]>((fulfill, reject) => reader.readEntries(fulfill, reject));
    if (entries.length === 0) return;
    for (const one of entries) await search(one, found);
  }
}

/**
 * Judgments on disk, by their content: a file per request, named by the hash of all that decides the reply. Processes
 * may share a folder; a file appears whole or not at all, and one that cannot be read counts as missing.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "@v-triune/node-kit/atomic-write";
import { isRecord } from "@v-triune/node-kit/is-record";

export interface JudgmentCache {
  /** @returns the reply's text */
  read(key: string): Promise<string | undefined>;
  write(key: string, text: string): Promise<void>;
}

/** The name of a request with this content. */
export const judgmentKey = (content: unknown): string =>
  createHash("sha256").update(JSON.stringify(content)).digest("hex");

/** @param folder made when the first judgment is written; null: nothing is kept */
export function openJudgmentCache(folder: string | null): JudgmentCache {
  if (folder === null) return { read: async () => undefined, write: async () => {} };
  // 256 folders, as some file systems are slow with many files in one.
  const path = (key: string): string => join(folder, key.slice(0, 2), `${key.slice(2)}.json`);
  return {
    async read(key) {
      try {
        const value: unknown = JSON.parse(await readFile(path(key), "utf8"));
        return isRecord(value) && typeof value["text"] === "string" ? value["text"] : undefined;
      } catch {
        return undefined;
      }
    },
    write: (key, text) => writeFileAtomic(path(key), `${JSON.stringify({ text })}\n`),
  };
}

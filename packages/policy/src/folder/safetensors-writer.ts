/**
 * Writes a safetensors file so that a crash leaves the old one: to a temporary name beside it, synced, then renamed.
 * Tensors are fetched one at a time, so a checkpoint is never in memory twice. Order and padding are those of
 * huggingface/safetensors (wider elements first, then by name; the header padded with spaces to 8 bytes), so that every
 * tensor is aligned and the same tensors give the same bytes.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { replaceFile } from "@v-triune/node-kit/atomic-write";
import { WeightsError } from "../input-error";
import { encodeSafetensors, type SafetensorsEntry } from "../safetensors/encode";

/**
 * Writes `path`; an older file is replaced only when all of the new one is on the disk.
 *
 * ```ts
 * await writeSafetensors("out/model.safetensors", [{ name: "w", shape: [2, 2], data: new Float32Array(4) }]);
 * ```
 *
 * @param metadata `__metadata__`. Default `{format: "pt"}`, which transformers asks for
 * @throws WeightsError when a tensor's data does not fit its shape, a name comes twice, or the disk is full
 */
export async function writeSafetensors(
  path: string,
  entries: Iterable<SafetensorsEntry>,
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  try {
    await replaceFile(path, async (temporary) => {
      const descriptor = openSync(temporary, "w");
      try {
        for await (const bytes of encodeSafetensors(path, entries, metadata)) writeAll(descriptor, bytes);
      } finally {
        closeSync(descriptor);
      }
    });
  } catch (cause) {
    throw cause instanceof WeightsError ? cause : writeError(path, cause);
  }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(descriptor, bytes, done, bytes.length - done);
}

function writeError(path: string, cause: unknown): unknown {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  if (code === undefined) return cause;
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new WeightsError({
    what: full ? "The disk is full; the weights were not saved." : "The weights cannot be written.",
    where: path,
    found: (cause as Error).message,
    fix: full
      ? "free some space, then go on or save again; what was saved before is untouched"
      : "check that the folder exists and is writable",
    cause,
  });
}

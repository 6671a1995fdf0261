/**
 * Writes a safetensors file so that a crash leaves the old one: to a temporary name beside it, synced, then renamed.
 * Tensors are fetched one at a time, so a checkpoint is never in memory twice. Order and padding are those of
 * huggingface/safetensors (wider elements first, then by name; the header padded with spaces to 8 bytes), so that every
 * tensor is aligned and the same tensors give the same bytes.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { replaceFile } from "@v-triune/node-kit/atomic-write";
import { WeightsError } from "../input-error";
import { DTYPE_BYTES, floatToBfloat16, floatToHalf, type SafetensorsDtype } from "./dtype";

/** Values of a tensor, row-major. Floats are converted to the entry's dtype; integers must match it. */
export type TensorData = Float32Array | Int32Array | Uint8Array;

/** One tensor to write. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly shape: readonly number[];
  /** Float32Array → F32, F16, BF16; Int32Array → I32, I64; Uint8Array → U8, BOOL. Default F32. */
  readonly dtype?: SafetensorsDtype;
  /** The values, or a function that fetches them just before they are written. */
  readonly data: TensorData | (() => TensorData | Promise<TensorData>);
}

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
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Promise<void> {
  const ordered = [...entries].sort(
    (a, b) => DTYPE_BYTES[dtypeOf(b)] - DTYPE_BYTES[dtypeOf(a)] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  const header = headerBytes(path, ordered, metadata);
  try {
    await replaceFile(path, async (temporary) => {
      const descriptor = openSync(temporary, "w");
      try {
        writeAll(descriptor, header);
        for (const entry of ordered) {
          const data = typeof entry.data === "function" ? await entry.data() : entry.data;
          writeTensor(path, descriptor, entry, data);
        }
      } finally {
        closeSync(descriptor);
      }
    });
  } catch (cause) {
    throw cause instanceof WeightsError ? cause : writeError(path, cause);
  }
}

function dtypeOf(entry: SafetensorsEntry): SafetensorsDtype {
  return entry.dtype ?? "F32";
}

function sizeOf(entry: SafetensorsEntry): number {
  return entry.shape.reduce((product, n) => product * n, 1);
}

function headerBytes(
  path: string,
  ordered: readonly SafetensorsEntry[],
  metadata: Readonly<Record<string, string>>,
): Buffer {
  const header = new Map<string, unknown>([["__metadata__", metadata]]);
  let offset = 0;
  for (const entry of ordered) {
    if (header.has(entry.name))
      throw new WeightsError({
        what: "Two tensors of the file have the same name.",
        where: `${path}, tensor ${entry.name}`,
      });
    const end = offset + sizeOf(entry) * DTYPE_BYTES[dtypeOf(entry)];
    header.set(entry.name, { dtype: dtypeOf(entry), shape: entry.shape, data_offsets: [offset, end] });
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)), "utf8");
  const padded = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  padded.writeBigUInt64LE(BigInt(padded.length - 8), 0);
  json.copy(padded, 8);
  return padded;
}

function writeTensor(path: string, descriptor: number, entry: SafetensorsEntry, data: TensorData): void {
  if (data.length !== sizeOf(entry)) {
    throw new WeightsError({
      what: "A tensor does not fit its shape.",
      where: `${path}, tensor ${entry.name}`,
      expected: `${sizeOf(entry)} values for [${entry.shape.join(", ")}]`,
      found: `${data.length} values`,
    });
  }
  const dtype = dtypeOf(entry);
  const encode = encoder(dtype, data);
  if (!encode) {
    throw new WeightsError({
      what: "A tensor cannot be written as this type.",
      where: `${path}, tensor ${entry.name}`,
      expected: "float → F32, F16, BF16; int32 → I32, I64; uint8 → U8, BOOL",
      found: `${data.constructor.name} → ${dtype}`,
    });
  }
  const block = 1 << 20;
  for (let start = 0; start < data.length; start += block)
    writeAll(descriptor, encode(start, Math.min(start + block, data.length)));
}

type Encode = (start: number, end: number) => Uint8Array;

function encoder(dtype: SafetensorsDtype, data: TensorData): Encode | undefined {
  const asStored: Encode = (start, end) => {
    const part = data.subarray(start, end);
    return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  };
  if (data instanceof Uint8Array) return dtype === "U8" || dtype === "BOOL" ? asStored : undefined;
  if (data instanceof Int32Array) {
    if (dtype === "I32") return asStored;
    return dtype === "I64"
      ? (start, end) => new Uint8Array(BigInt64Array.from(data.subarray(start, end), BigInt).buffer)
      : undefined;
  }
  if (dtype === "F32") return asStored;
  const convert = dtype === "F16" ? floatToHalf : dtype === "BF16" ? floatToBfloat16 : undefined;
  return convert && ((start, end) => asBytes(data.subarray(start, end), convert));
}

/** By a plain loop: `Uint16Array.from` takes fifty times as long. */
function asBytes(values: Float32Array, convert: (value: number) => number): Uint8Array {
  const words = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) words[i] = convert(values[i]!);
  return new Uint8Array(words.buffer);
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

/** Tensors as the bytes of a safetensors file, in the order in which they are written. */
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
 * The file's bytes in pieces of about a megabyte: the header, then the tensors, the widest types first.
 *
 * @param path names the file in errors
 * @param metadata `__metadata__`. Default `{format: "pt"}`, which transformers asks for
 * @throws WeightsError when a tensor's data does not fit its shape, or a name comes twice
 */
export async function* encodeSafetensors(
  path: string,
  entries: Iterable<SafetensorsEntry>,
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): AsyncGenerator<Uint8Array> {
  const ordered = [...entries].sort(
    (a, b) => DTYPE_BYTES[dtypeOf(b)] - DTYPE_BYTES[dtypeOf(a)] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  yield headerBytes(path, ordered, metadata);
  for (const entry of ordered) {
    const data = typeof entry.data === "function" ? await entry.data() : entry.data;
    yield* tensorBytes(path, entry, data);
  }
}

/** The file's bytes in one piece. @throws WeightsError as {@link encodeSafetensors} */
export async function safetensorsBytes(name: string, entries: Iterable<SafetensorsEntry>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  // A piece may be a view of a tensor that is trained on.
  for await (const piece of encodeSafetensors(name, entries)) pieces.push(piece.slice());
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
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
): Uint8Array {
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
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padded = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true);
  padded.set(json, 8);
  return padded;
}

function* tensorBytes(path: string, entry: SafetensorsEntry, data: TensorData): Generator<Uint8Array> {
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
  for (let start = 0; start < data.length; start += block) yield encode(start, Math.min(start + block, data.length));
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

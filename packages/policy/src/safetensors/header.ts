/**
 * The header of a safetensors file, read as if the file were hostile.
 *
 *     8 bytes   N, the header's length (u64, little-endian)
 *     N bytes   JSON: {"__metadata__"?: {string: string}, "<name>": {"dtype", "shape", "data_offsets": [begin, end]}, ..}
 *     rest      the data; offsets count from its first byte
 *
 * Source: the format's README and `Metadata::validate` of huggingface/safetensors 0.6. As there, a header is at most
 * 100,000,000 bytes, and the tensors, ordered by offset, tile the data exactly: no hole, no overlap, nothing behind the
 * last. A duplicate key, which JSON.parse would silently drop, leaves a hole and is caught by that.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { isLfsPointer, lfsPointerProblem, type ModelFiles, type OpenFile } from "../files/model-files";
import { WeightsError } from "../input-error";
import { DTYPE_BYTES, isSupportedDtype, type SafetensorsDtype } from "./dtype";

/** The longest header that is read, in bytes; the reference implementation's limit. */
export const MAX_HEADER_BYTES = 100_000_000;

const REFETCH = "fetch the file again; its size or checksum will differ from the publisher's";

/** One tensor as its header describes it. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly size: number;
  readonly byteLength: number;
  /** The file that holds it. */
  readonly file: string;
  /** Position of its first byte in that file. */
  readonly position: number;
}

/** A file's header. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads and checks the header of one safetensors file; the data is not touched.
 *
 * @throws WeightsError when the file is absent, cut short, or its header breaks a rule of the format
 */
export function safetensorsHeaderFrom(files: ModelFiles, name: string): SafetensorsHeader {
  const open = files.open(name);
  try {
    return parseHeader(files, name, open);
  } finally {
    open.close();
  }
}

function parseHeader(files: ModelFiles, fileName: string, open: OpenFile): SafetensorsHeader {
  const file = files.pathOf(fileName);
  const fileSize = open.size;
  if (fileSize < 8) {
    throw new WeightsError({
      what: "The weights file is too short to be a safetensors file.",
      where: file,
      expected: "at least 8 bytes",
      found: `${fileSize} bytes`,
      fix: REFETCH,
    });
  }
  const start = new Uint8Array(64);
  open.read(start, 0);
  if (isLfsPointer(new TextDecoder("latin1").decode(start)))
    throw new WeightsError({ what: "A weights file was not downloaded.", ...lfsPointerProblem(files, fileName) });
  const length = new DataView(start.buffer).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new WeightsError({
      what: "The header of the weights file claims to be too large.",
      where: file,
      expected: `at most ${MAX_HEADER_BYTES} bytes`,
      found: `${length} bytes`,
      fix: "check that this is a safetensors file; no real checkpoint has such a header",
    });
  }
  const headerBytes = Number(length);
  if (headerBytes + 8 > fileSize) {
    throw new WeightsError({
      what: "The weights file is cut off inside its header.",
      where: file,
      expected: `a header of ${headerBytes} bytes`,
      found: `${fileSize - 8} bytes behind the length field`,
      fix: REFETCH,
    });
  }
  const bytes = new Uint8Array(headerBytes);
  for (let done = 0, got = 1; got > 0 && done < headerBytes; done += got)
    got = open.read(bytes.subarray(done), 8 + done);
  const json = parseJson(file, bytes);

  const dataStart = headerBytes + 8;
  const tensors = new Map<string, TensorInfo>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(json)) {
    if (name === "__metadata__") metadata = checkMetadata(file, entry);
    else tensors.set(name, checkTensor(file, name, entry, dataStart, fileSize));
  }
  checkTiling(file, [...tensors.values()], dataStart, fileSize);
  return { tensors, metadata };
}

function parseJson(file: string, bytes: Uint8Array): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new WeightsError({
      what: "The header of the weights file is not JSON.",
      where: file,
      expected: "a JSON object behind the first 8 bytes",
      found: reason(cause),
      fix: REFETCH,
      cause,
    });
  }
  if (bytes[0] !== 0x7b || !isRecord(json)) {
    throw new WeightsError({
      what: "The header of the weights file is not a JSON object.",
      where: file,
      expected: '"{" as its first byte',
      fix: REFETCH,
    });
  }
  return json;
}

function checkMetadata(file: string, entry: unknown): Record<string, string> {
  if (!isRecord(entry) || Object.values(entry).some((value) => typeof value !== "string")) {
    throw new WeightsError({
      what: "The metadata of the weights file is malformed.",
      where: `${file}, key __metadata__`,
      expected: "an object of strings",
      found: show(entry),
    });
  }
  return entry as Record<string, string>;
}

function checkTensor(file: string, name: string, entry: unknown, dataStart: number, fileSize: number): TensorInfo {
  const where = `${file}, tensor ${name}`;
  if (!isRecord(entry))
    throw new WeightsError({
      what: "A tensor's header entry is malformed.",
      where,
      expected: "{dtype, shape, data_offsets}",
      found: show(entry),
    });
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isSupportedDtype(dtype)) {
    throw new WeightsError({
      what: "A tensor has an element type that is not supported.",
      where,
      expected: Object.keys(DTYPE_BYTES).join(", "),
      found: show(dtype),
      fix: "use an unquantized checkpoint (bf16, f16 or f32)",
    });
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw new WeightsError({
      what: "A tensor's shape is malformed.",
      where,
      expected: "an array of whole numbers",
      found: show(shape),
    });
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw new WeightsError({
      what: "A tensor's data offsets are malformed.",
      where,
      expected: "[begin, end]",
      found: show(offsets),
    });
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end || dataStart + end > fileSize) {
    throw new WeightsError({
      what: "A tensor lies outside of its file.",
      where,
      expected: `offsets within the ${fileSize - dataStart} bytes of data`,
      found: `[${begin}, ${end}]`,
      fix: `${REFETCH}, or it was cut off`,
    });
  }
  const size = (shape as number[]).reduce((product, n) => product * n, 1);
  const byteLength = size * DTYPE_BYTES[dtype];
  if (byteLength !== end - begin) {
    throw new WeightsError({
      what: "A tensor's shape and its number of bytes disagree.",
      where,
      expected: `${byteLength} bytes for ${dtype} [${shape.join(", ")}]`,
      found: `${end - begin} bytes`,
      fix: REFETCH,
    });
  }
  return { name, dtype, shape: shape as number[], size, byteLength, file, position: dataStart + begin };
}

function checkTiling(file: string, tensors: TensorInfo[], dataStart: number, fileSize: number): void {
  tensors.sort((a, b) => a.position - b.position || a.byteLength - b.byteLength);
  let next = dataStart;
  let previous = "the header";
  for (const tensor of tensors) {
    if (tensor.position !== next) {
      throw new WeightsError({
        what:
          tensor.position < next
            ? "Two tensors of the weights file overlap."
            : "The weights file has bytes that belong to no tensor.",
        where: `${file}, tensor ${tensor.name}`,
        expected: `to begin at offset ${next - dataStart}, right behind ${previous}`,
        found: `offset ${tensor.position - dataStart}`,
        fix: REFETCH,
      });
    }
    next += tensor.byteLength;
    previous = `tensor ${tensor.name}`;
  }
  if (next !== fileSize) {
    throw new WeightsError({
      what: "The weights file has bytes that belong to no tensor.",
      where: file,
      expected: `an end at byte ${next}, right behind ${previous}`,
      found: `${fileSize} bytes`,
      fix: REFETCH,
    });
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

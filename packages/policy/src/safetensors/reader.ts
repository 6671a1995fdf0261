/**
 * Reads weights tensor by tensor with positional file reads: besides the tensor that is asked for, at most 4 MiB of a
 * file are in memory. A folder may hold one `model.safetensors` or shards behind `model.safetensors.index.json`.
 */
import { isLfsPointer, lfsPointerProblem, type ModelFiles, type OpenFile, readText } from "../files/model-files";
import { WeightsError } from "../input-error";
import { convertToFloat32, DTYPE_BYTES, type SafetensorsDtype } from "./dtype";
import { safetensorsHeaderFrom, type TensorInfo } from "./header";

const CHUNK_BYTES = 4 << 20;
const INDEX_FILE = "model.safetensors.index.json";

/** Open weights: the tensors' names, and their values on demand. */
export interface SafetensorsReader {
  /** The file or folder that was opened. */
  readonly path: string;
  /** Tensor names, sorted. */
  readonly names: readonly string[];
  /** `__metadata__` of the file (of the first shard where there are several). */
  readonly metadata: Readonly<Record<string, string>>;
  has(name: string): boolean;
  /** @throws WeightsError when there is no tensor of that name */
  info(name: string): TensorInfo;
  /**
   * The values as float32, row-major, whatever they are stored as (I64 and F64 are rounded).
   *
   * @param out where they are put. Default: a new array
   * @throws WeightsError when there is no tensor of that name, or the file ended early
   * @throws RangeError when `out` has another length than the tensor
   */
  readFloat32(name: string, out?: Float32Array): Float32Array;
  /**
   * The values of an integer tensor.
   * @throws WeightsError when the tensor holds floats or a value outside of int32
   */
  readInt32(name: string): Int32Array;
  /**
   * The bytes as they are in the file, a copy.
   *
   * @param out where they are put. Default: a new array
   * @throws RangeError when `out` has another length than the tensor
   */
  readBytes(name: string, out?: Uint8Array): Uint8Array;
  /** Closes the files. Reading afterwards opens them again. */
  close(): void;
}

/**
 * Opens the weights among a model's files.
 *
 * @param name a `.safetensors` file, or a sharded index (`*.safetensors.index.json`). Default: whichever there is.
 * @param path what errors call the weights. Default: the file, or all files
 * @throws WeightsError when nothing readable is there; the message names the file and tensor, what was expected, what
 *   was found, and what to do
 */
export function safetensorsFrom(
  files: ModelFiles,
  name?: string,
  path: string = name === undefined ? files.where : files.pathOf(name),
): SafetensorsReader {
  const { shards, weightMap } = name === undefined ? locate(files) : locateFile(files, name);
  const tensors = new Map<string, TensorInfo>();
  let metadata: Readonly<Record<string, string>> | undefined;
  for (const shard of shards) {
    const header = safetensorsHeaderFrom(files, shard);
    metadata ??= header.metadata;
    for (const [tensor, info] of header.tensors) {
      // A shard may hold more than the index lists; the index decides, as in transformers.
      if (weightMap && weightMap.get(tensor) !== shard) continue;
      tensors.set(tensor, info);
    }
  }
  for (const [tensor, shard] of weightMap ?? []) {
    if (tensors.has(tensor)) continue;
    throw new WeightsError({
      what: "A shard does not hold a tensor that the index says it holds.",
      where: `${files.pathOf(shard)}, tensor ${tensor}`,
      expected: `the tensor, as listed in ${name === undefined ? INDEX_FILE : path}`,
      found: "no such tensor",
      fix: "fetch all shards and the index from the same revision",
    });
  }
  return new FileReader(
    path,
    new Map(shards.map((shard) => [files.pathOf(shard), () => files.open(shard)])),
    tensors,
    metadata ?? {},
  );
}

class FileReader implements SafetensorsReader {
  readonly names: readonly string[];
  readonly #opened = new Map<string, OpenFile>();
  #chunk: Uint8Array | undefined;

  /** @param files how each file is opened, by its path */
  constructor(
    readonly path: string,
    readonly files: ReadonlyMap<string, () => OpenFile>,
    readonly tensors: ReadonlyMap<string, TensorInfo>,
    readonly metadata: Readonly<Record<string, string>>,
  ) {
    this.names = [...tensors.keys()].sort();
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  info(name: string): TensorInfo {
    const info = this.tensors.get(name);
    if (info) return info;
    throw new WeightsError({
      what: "A tensor is missing from the weights.",
      where: this.path,
      expected: `a tensor named ${name}`,
      found: `${this.names.length} tensors, ${nearest(name, this.names)}`,
      fix: "check that the weights belong to this config.json",
    });
  }

  readFloat32(name: string, out?: Float32Array): Float32Array {
    const info = this.info(name);
    out ??= new Float32Array(info.size);
    if (out.length !== info.size)
      throw new RangeError(`readFloat32: ${name} has ${info.size} values, the array ${out.length}`);
    if (info.dtype === "F32") {
      this.#read(info, 0, new Uint8Array(out.buffer, out.byteOffset, out.byteLength));
      return out;
    }
    const width = DTYPE_BYTES[info.dtype];
    // One for all tensors: buffers that are not collected at once would take memory beside the weights.
    this.#chunk ??= new Uint8Array(CHUNK_BYTES);
    for (let done = 0; done < info.byteLength; done += CHUNK_BYTES) {
      const piece = this.#chunk.subarray(0, Math.min(CHUNK_BYTES, info.byteLength - done));
      this.#read(info, done, piece);
      convertToFloat32(info.dtype, piece, out, done / width);
    }
    return out;
  }

  readInt32(name: string): Int32Array {
    const info = this.info(name);
    const bytes = this.readBytes(name);
    const view = new DataView(bytes.buffer);
    const read = integerReader(info, view);
    const out = new Int32Array(info.size);
    for (let i = 0; i < info.size; i++) {
      const value = read(i);
      if (value < -2147483648 || value > 2147483647) {
        throw new WeightsError({
          what: "An integer does not fit into 32 bits.",
          where: `${info.file}, tensor ${name}, element ${i}`,
          found: String(value),
        });
      }
      out[i] = Number(value);
    }
    return out;
  }

  readBytes(name: string, out?: Uint8Array): Uint8Array {
    const info = this.info(name);
    out ??= new Uint8Array(info.byteLength);
    if (out.length !== info.byteLength)
      throw new RangeError(`readBytes: ${name} has ${info.byteLength} bytes, the array ${out.length}`);
    this.#read(info, 0, out);
    return out;
  }

  close(): void {
    for (const file of this.#opened.values()) file.close();
    this.#opened.clear();
  }

  /** Fills `out` from the tensor's bytes, starting `skip` bytes into it. */
  #read(info: TensorInfo, skip: number, out: Uint8Array): void {
    let file = this.#opened.get(info.file);
    if (file === undefined) this.#opened.set(info.file, (file = this.files.get(info.file)!()));
    let done = 0;
    while (done < out.length) {
      const got = file.read(out.subarray(done), info.position + skip + done);
      if (got === 0) {
        throw new WeightsError({
          what: "The weights file ended while a tensor was read.",
          where: `${info.file}, tensor ${info.name}`,
          expected: `${info.byteLength} bytes`,
          found: `${skip + done} bytes`,
          fix: "do not change the file while it is in use",
        });
      }
      done += got;
    }
  }
}

function integerReader(info: TensorInfo, view: DataView): (index: number) => number | bigint {
  const readers: Partial<Record<SafetensorsDtype, (index: number) => number | bigint>> = {
    I64: (i) => view.getBigInt64(i * 8, true),
    I32: (i) => view.getInt32(i * 4, true),
    I16: (i) => view.getInt16(i * 2, true),
    I8: (i) => view.getInt8(i),
    U8: (i) => view.getUint8(i),
    BOOL: (i) => view.getUint8(i),
  };
  const read = readers[info.dtype];
  if (read) return read;
  throw new WeightsError({
    what: "A tensor does not hold integers.",
    where: `${info.file}, tensor ${info.name}`,
    expected: Object.keys(readers).join(", "),
    found: info.dtype,
  });
}

interface Located {
  /** Names of the files. */
  readonly shards: readonly string[];
  /** The file of each tensor, where an index says it. */
  readonly weightMap?: ReadonlyMap<string, string>;
}

function locateFile(files: ModelFiles, name: string): Located {
  return name.endsWith(".json") ? readIndex(files, name) : { shards: [name] };
}

function locate(files: ModelFiles): Located {
  for (const name of ["model.safetensors", INDEX_FILE]) if (files.has(name)) return locateFile(files, name);
  const entries = files.names();
  const others = entries.filter((name) => name.endsWith(".safetensors"));
  if (others.length === 1) return { shards: [others[0]!] };
  const pickled = entries.filter((name) => /\.(bin|pt|pth|gguf)$/.test(name));
  throw new WeightsError({
    what: "The model folder has no weights.",
    where: files.where,
    expected: `model.safetensors, or ${INDEX_FILE} with its shards`,
    found:
      others.length > 1
        ? `${others.length} .safetensors files and no index`
        : entries.length === 0
          ? "an empty folder"
          : entries.slice(0, 8).join(", "),
    fix:
      pickled.length > 0
        ? `save ${pickled[0]} as safetensors (transformers: save_pretrained)`
        : `fetch the weights too (${files.howToGet()}), or give another folder`,
  });
}

function readIndex(files: ModelFiles, indexName: string): Located {
  const index = files.pathOf(indexName);
  const text = readText(files, indexName);
  if (isLfsPointer(text))
    throw new WeightsError({
      what: "The index of a sharded checkpoint was not downloaded.",
      ...lfsPointerProblem(files, indexName),
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new WeightsError({
      what: "The index of a sharded checkpoint is not JSON.",
      where: index,
      found: String(cause),
      fix: "fetch the file again",
      cause,
    });
  }
  const map: unknown =
    typeof json === "object" && json !== null ? (json as Record<string, unknown>)["weight_map"] : undefined;
  if (typeof map !== "object" || map === null || Array.isArray(map)) {
    throw new WeightsError({
      what: "The index of a sharded checkpoint has no weight_map.",
      where: index,
      expected: '{"weight_map": {"<tensor>": "<file>"}}',
    });
  }
  const weightMap = new Map<string, string>();
  const shards = new Set<string>();
  for (const [name, file] of Object.entries(map)) {
    // The index comes with the download; it may name files beside it only.
    if (typeof file !== "string" || /[/\\]/.test(file) || !file.endsWith(".safetensors")) {
      throw new WeightsError({
        what: "The index of a sharded checkpoint names an impossible file.",
        where: `${index}, tensor ${name}`,
        expected: "the name of a .safetensors file beside the index",
        found: JSON.stringify(file),
      });
    }
    weightMap.set(name, file);
    shards.add(file);
  }
  const missing = [...shards].filter((name) => !files.has(name));
  if (missing.length > 0) {
    throw new WeightsError({
      what: "Shards of the checkpoint are missing.",
      where: files.where,
      expected: `${shards.size} shards`,
      found: `all but ${missing.slice(0, 5).join(", ")}${missing.length > 5 ? ` and ${missing.length - 5} more` : ""}`,
      fix: `fetch the missing files: ${files.howToGet(missing)}`,
    });
  }
  return { shards: [...shards].sort(), weightMap };
}

/** A hint for a name that does not exist: the one that shares most of its beginning and its end. */
function nearest(name: string, names: readonly string[]): string {
  let best = names[0];
  let score = -1;
  for (const candidate of names) {
    const limit = Math.min(name.length, candidate.length);
    let head = 0;
    while (head < limit && name[head] === candidate[head]) head++;
    let tail = 0;
    while (tail < limit - head && name.at(-1 - tail) === candidate.at(-1 - tail)) tail++;
    if (head + tail > score) [best, score] = [candidate, head + tail];
  }
  return best === undefined ? "none" : `the nearest is ${best}`;
}

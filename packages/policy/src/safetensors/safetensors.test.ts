import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WeightsError } from "../input-error";
import { floatToBfloat16, floatToHalf, halfToFloat } from "./dtype";
import { openSafetensors } from "../folder/read-model";
import { writeSafetensors } from "../folder/safetensors-writer";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-safetensors-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file with any header and `data` bytes behind it. */
function handMade(
  name: string,
  header: unknown,
  data: number,
  options: { length?: bigint; text?: string } = {},
): string {
  const json = Buffer.from(options.text ?? JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(options.length ?? BigInt(json.length));
  const file = join(folder, name);
  writeFileSync(file, Buffer.concat([prefix, json, Buffer.alloc(data)]));
  return file;
}

function errorOf(action: () => unknown): WeightsError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(WeightsError);
    return error as WeightsError;
  }
  throw new Error("nothing was thrown");
}

describe("writing and reading", () => {
  it("gives back every type, and floats rounded to the stored type", async () => {
    const file = join(folder, "round-trip.safetensors");
    const floats = Float32Array.of(0, -0, 1, 1.0009765625, -3.1413, 65504, 1e-7, Infinity);
    await writeSafetensors(file, [
      { name: "f32", shape: [2, 4], data: floats },
      { name: "bf16", shape: [8], dtype: "BF16", data: () => floats },
      { name: "f16", shape: [4, 2], dtype: "F16", data: async () => floats },
      { name: "i64", shape: [2], dtype: "I64", data: Int32Array.of(-5, 7) },
      { name: "i32", shape: [1, 2], dtype: "I32", data: Int32Array.of(-2147483648, 2147483647) },
      { name: "u8", shape: [3], dtype: "U8", data: Uint8Array.of(0, 127, 255) },
      { name: "scalar", shape: [], data: Float32Array.of(4) },
      { name: "empty", shape: [0, 3], data: new Float32Array(0) },
    ]);
    const reader = openSafetensors(file);
    expect(reader.names).toEqual(["bf16", "empty", "f16", "f32", "i32", "i64", "scalar", "u8"]);
    expect(reader.metadata).toEqual({ format: "pt" });
    expect(reader.readFloat32("f32")).toEqual(floats);
    expect([...reader.readFloat32("bf16")]).toEqual([0, -0, 1, 1, -3.140625, 65536, 1.0011717677116394e-7, Infinity]);
    expect([...reader.readFloat32("f16")]).toEqual([
      0,
      -0,
      1,
      1.0009765625,
      -3.140625,
      65504,
      1.1920928955078125e-7,
      Infinity,
    ]);
    expect([...reader.readInt32("i64")]).toEqual([-5, 7]);
    expect([...reader.readInt32("i32")]).toEqual([-2147483648, 2147483647]);
    expect([...reader.readBytes("u8")]).toEqual([0, 127, 255]);
    expect(reader.info("i32").shape).toEqual([1, 2]);
    expect([...reader.readFloat32("scalar")]).toEqual([4]);
    expect(reader.readFloat32("empty")).toHaveLength(0);
    reader.close();
    expect(readdirSync(folder).filter((name) => name.includes(".tmp"))).toEqual([]);
  });

  it("reads a tensor larger than its buffer in pieces", async () => {
    const file = join(folder, "large.safetensors");
    const count = 3_000_001;
    await writeSafetensors(file, [
      { name: "w", shape: [count], dtype: "BF16", data: Float32Array.from({ length: count }, (_, i) => i % 251) },
    ]);
    const values = openSafetensors(file).readFloat32("w");
    expect(values.length).toBe(count);
    expect(values.every((value, i) => value === i % 251)).toBe(true);
  });

  it("writes the same bytes for the same tensors in any order", async () => {
    const entries = ["b", "a", "c"].map((name, i) => ({ name, shape: [1], data: Float32Array.of(i) }));
    await writeSafetensors(join(folder, "one"), entries);
    await writeSafetensors(join(folder, "two"), [entries[2]!, entries[1]!, entries[0]!]);
    expect(readFileSync(join(folder, "one"))).toEqual(readFileSync(join(folder, "two")));
  });

  it("leaves the old file when writing fails half-way", async () => {
    const file = join(folder, "kept.safetensors");
    await writeSafetensors(file, [{ name: "w", shape: [1], data: Float32Array.of(1) }]);
    const failing = () => Promise.reject(new Error("device lost"));
    await expect(
      writeSafetensors(file, [
        { name: "w", shape: [1], data: Float32Array.of(2) },
        { name: "x", shape: [1], data: failing },
      ]),
    ).rejects.toThrow("device lost");
    expect([...openSafetensors(file).readFloat32("w")]).toEqual([1]);
    expect(readdirSync(folder).filter((name) => name.includes(".tmp"))).toEqual([]);
  });

  it("refuses data that does not fit, a name used twice and a missing folder", async () => {
    const file = join(folder, "never.safetensors");
    await expect(writeSafetensors(file, [{ name: "w", shape: [2, 2], data: new Float32Array(3) }])).rejects.toThrow(
      /tensor\s+w\n.*4 values for \[2, 2\]\n.*3 values/,
    );
    const twice = { name: "w", shape: [1], data: new Float32Array(1) };
    await expect(writeSafetensors(file, [twice, twice])).rejects.toThrow(WeightsError);
    await expect(writeSafetensors(join(folder, "no", "w.safetensors"), [twice])).rejects.toThrow(
      "The weights cannot be written.",
    );
    await expect(
      writeSafetensors(file, [{ name: "w", shape: [1], dtype: "I64", data: new Float32Array(1) }]),
    ).rejects.toThrow("Float32Array → I64");
  });
});

describe("half precision", () => {
  it("takes every half to float32 and back", () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = halfToFloat(bits);
      if (!Number.isNaN(value)) expect(floatToHalf(value)).toBe(bits);
    }
    expect(halfToFloat(0x7e00)).toBeNaN();
    expect(floatToHalf(NaN)).toBe(0x7e00);
  });

  it("rounds to the nearest, ties to even", () => {
    expect(floatToHalf(2049)).toBe(floatToHalf(2048));
    expect(floatToHalf(2051)).toBe(floatToHalf(2052));
    expect(floatToHalf(65520)).toBe(0x7c00);
    expect(floatToHalf(2 ** -25)).toBe(0);
    expect(floatToHalf(1.5 * 2 ** -25)).toBe(1);
    expect(floatToBfloat16(1.00390625)).toBe(0x3f80);
    expect(floatToBfloat16(1.01171875)).toBe(0x3f82);
    expect(floatToBfloat16(NaN) & 0x7fff).toBeGreaterThan(0x7f80);
  });

  it("is off by at most half a unit in the last place", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -60000, max: 60000 }), (value) => {
        const back = halfToFloat(floatToHalf(value));
        return Math.abs(back - value) <= Math.max(Math.abs(value) * 2 ** -11, 2 ** -25);
      }),
    );
  });
});

describe("sharded checkpoints", () => {
  async function sharded(name: string): Promise<string> {
    const path = join(folder, name);
    mkdirSync(path);
    await writeSafetensors(join(path, "model-00001-of-00002.safetensors"), [
      { name: "a", shape: [1], data: Float32Array.of(1) },
    ]);
    await writeSafetensors(join(path, "model-00002-of-00002.safetensors"), [
      { name: "b", shape: [1], data: Float32Array.of(2) },
    ]);
    return path;
  }
  const index = (map: Record<string, unknown>) => JSON.stringify({ metadata: { total_size: 8 }, weight_map: map });

  it("reads each tensor from its shard", async () => {
    const path = await sharded("shards");
    writeFileSync(
      join(path, "model.safetensors.index.json"),
      index({ a: "model-00001-of-00002.safetensors", b: "model-00002-of-00002.safetensors" }),
    );
    const reader = openSafetensors(path);
    expect(reader.names).toEqual(["a", "b"]);
    expect([reader.readFloat32("a")[0], reader.readFloat32("b")[0]]).toEqual([1, 2]);
    expect(openSafetensors(join(path, "model.safetensors.index.json")).names).toEqual(["a", "b"]);
  });

  it("names a missing shard, a tensor that is not in its shard, and a path that leaves the folder", async () => {
    const path = await sharded("broken-shards");
    const file = join(path, "model.safetensors.index.json");
    writeFileSync(file, index({ a: "model-00001-of-00002.safetensors", b: "model-00009.safetensors" }));
    expect(errorOf(() => openSafetensors(path)).found).toBe("all but model-00009.safetensors");
    writeFileSync(file, index({ a: "model-00001-of-00002.safetensors", b: "model-00001-of-00002.safetensors" }));
    expect(errorOf(() => openSafetensors(path)).where).toContain("tensor b");
    writeFileSync(file, index({ a: "../../etc/x.safetensors" }));
    expect(errorOf(() => openSafetensors(path)).what).toContain("impossible file");
    writeFileSync(file, "{}");
    expect(errorOf(() => openSafetensors(path)).what).toContain("no weight_map");
  });
});

describe("files that are not what they claim", () => {
  const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
    dtype: "F32",
    shape,
    data_offsets: [begin, end],
  });

  it.each([
    ["no file", () => join(folder, "absent.safetensors"), "no such weights"],
    ["an empty header", () => handMade("a", {}, 0, { text: "" }), "not JSON"],
    ["a header of 4 GB", () => handMade("b", {}, 0, { length: 4_294_967_296n }), "too large"],
    ["a header longer than the file", () => handMade("c", {}, 0, { length: 5000n }), "cut off inside its header"],
    ["a header that is not JSON", () => handMade("d", {}, 0, { text: "{nope}" }), "not JSON"],
    ["a header that is an array", () => handMade("e", [], 0), "not a JSON object"],
    ["data cut off", () => handMade("f", { w: f32(0, 16) }, 12), "outside of its file"],
    ["offsets in the wrong order", () => handMade("g", { w: f32(8, 0, [2]) }, 8), "outside of its file"],
    ["two tensors that overlap", () => handMade("h", { v: f32(0, 8), w: f32(4, 12) }, 12), "overlap"],
    ["a hole between tensors", () => handMade("i", { v: f32(0, 4), w: f32(8, 12) }, 12), "belong to no tensor"],
    ["bytes behind the last tensor", () => handMade("j", { v: f32(0, 4) }, 12), "belong to no tensor"],
    [
      "a key that comes twice",
      () => handMade("k", {}, 8, { text: `{"w":${JSON.stringify(f32(0, 4))},"w":${JSON.stringify(f32(4, 8))}}` }),
      "belong to no tensor",
    ],
    [
      "a type of a quantized checkpoint",
      () => handMade("l", { w: { dtype: "F8_E4M3", shape: [4], data_offsets: [0, 4] } }, 4),
      "not supported",
    ],
    ["a shape that disagrees with its bytes", () => handMade("m", { w: f32(0, 16, [3]) }, 16), "disagree"],
    ["a negative dimension", () => handMade("n", { w: f32(0, 4, [-1]) }, 4), "shape is malformed"],
    [
      "offsets that are strings",
      () => handMade("o", { w: { dtype: "F32", shape: [1], data_offsets: ["0", "4"] } }, 4),
      "offsets are malformed",
    ],
    ["metadata that is not strings", () => handMade("p", { __metadata__: { a: 1 } }, 0), "metadata"],
  ])("refuses %s", (_, make, message) => {
    expect(errorOf(() => openSafetensors(make())).what).toContain(message);
  });

  it("refuses a file shorter than its length field", () => {
    const file = join(folder, "tiny");
    writeFileSync(file, "1234");
    expect(errorOf(() => openSafetensors(file)).found).toBe("4 bytes");
  });

  it("says which tensor lies outside, what was expected and what to do", () => {
    const file = handMade("cut.safetensors", { "model.norm.weight": f32(0, 16) }, 12);
    expect(errorOf(() => openSafetensors(file))).toMatchObject({
      what: "A tensor lies outside of its file.",
      where: `${file}, tensor model.norm.weight`,
      expected: "offsets within the 12 bytes of data",
      found: "[0, 16]",
      fix: "fetch the file again; its size or checksum will differ from the publisher's, or it was cut off",
    });
  });

  it("names the nearest tensor when one is missing", async () => {
    const file = join(folder, "names.safetensors");
    await writeSafetensors(
      file,
      ["model.norm.weight", "lm_head.weight"].map((name) => ({ name, shape: [1], data: new Float32Array(1) })),
    );
    expect(errorOf(() => openSafetensors(file).readFloat32("model.norm.weights")).found).toBe(
      "2 tensors, the nearest is model.norm.weight",
    );
    expect(errorOf(() => openSafetensors(file).readInt32("lm_head.weight")).what).toContain("does not hold integers");
  });

  it("says what to do with a folder of pickled weights", () => {
    const path = join(folder, "pickled");
    mkdirSync(path);
    writeFileSync(join(path, "pytorch_model.bin"), "1234");
    expect(errorOf(() => openSafetensors(path)).fix).toContain("pytorch_model.bin");
  });
});

import { mkdtempSync, rmSync, truncateSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { zipOf } from "../testing/fixtures";
import { crc32 } from "./png-chunks";
import { inspectBytes, inspectPicture, turnPoint } from "./inspect-picture";
import { PictureSpool, readPictureBytes } from "./picture-reference";
import { readZipMember, zipMembers } from "./zip-archive";

const folder = mkdtempSync(join(tmpdir(), "pictures-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** 40 × 20: red left, blue right, one green row on top. */
function pattern(): Sharp {
  const pixels = Buffer.alloc(40 * 20 * 3);
  for (let y = 0; y < 20; y++) {
    for (let x = 0; x < 40; x++) pixels[(y * 40 + x) * 3 + (y < 4 ? 1 : x < 20 ? 0 : 2)] = 255;
  }
  return sharp(pixels, { raw: { width: 40, height: 20, channels: 3 } });
}

const look = { decode: true, hash: false };

describe("inspectBytes", () => {
  it("keeps an ordinary picture as it is", async () => {
    for (const bytes of [
      await pattern().png().toBuffer(),
      await pattern().jpeg().toBuffer(),
      await pattern().webp().toBuffer(),
    ]) {
      expect(await inspectBytes(bytes, look)).toMatchObject({
        error: null,
        width: 40,
        height: 20,
        changes: [],
        bytes: null,
      });
    }
  });

  it.each([3, 6, 8])("turns a picture of EXIF orientation %i as a viewer shows it", async (orientation) => {
    const bytes = await pattern().jpeg({ quality: 100 }).withMetadata({ orientation }).toBuffer();
    const found = await inspectBytes(bytes, look);
    const sides = orientation >= 5 ? { width: 20, height: 40 } : { width: 40, height: 20 };
    expect(found).toMatchObject({ ...sides, storedWidth: 40, storedHeight: 20, orientation, changes: ["turned"] });
    // The middle of the stored left half is where turnPoint says it is, and red there.
    const [x, y] = turnPoint(5, 12, orientation, 40, 20).map(Math.floor) as [number, number];
    const { data, info } = await sharp(found.bytes ?? bytes)
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject(sides);
    const at = (y * info.width + x) * info.channels;
    expect([...data.subarray(at, at + 3)].map((v) => v > 128)).toEqual([true, false, false]);
    expect((await sharp(found.bytes ?? bytes).metadata()).orientation ?? 1).toBe(1);
  });

  it("makes CMYK, 16-bit and GIF pictures 8-bit sRGB", async () => {
    const cmyk = await inspectBytes(await pattern().toColourspace("cmyk").jpeg().toBuffer(), look);
    expect(cmyk).toMatchObject({ error: null, changes: ["cmyk"] });
    const deep = await inspectBytes(await pattern().toColourspace("rgb16").png().toBuffer(), look);
    expect(deep).toMatchObject({ error: null, changes: ["16 bit"] });
    const gif = await inspectBytes(await pattern().gif().toBuffer(), look);
    expect(gif).toMatchObject({ error: null, changes: ["gif"] });
    for (const found of [cmyk, deep, gif]) {
      expect(await sharp(found.bytes ?? Buffer.alloc(0)).metadata()).toMatchObject({
        space: "srgb",
        depth: "uchar",
        width: 40,
      });
    }
  });

  describe("of a PNG", () => {
    /** A PNG with a chunk in front of its pixels, or behind them. */
    const withChunk = async (name: string, data: Buffer, where: "IDAT" | "IEND" = "IDAT"): Promise<Buffer> => {
      const png = await pattern().png().toBuffer();
      const at = png.indexOf(where) - 4;
      const chunk = Buffer.alloc(data.length + 12);
      chunk.writeUInt32BE(data.length, 0);
      chunk.write(name, 4);
      data.copy(chunk, 8);
      chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), data.length + 8);
      return Buffer.concat([png.subarray(0, at), chunk, png.subarray(at)]);
    };
    const spoiled = async (name: string, data: Buffer): Promise<Buffer> => {
      const png = await withChunk(name, data);
      const end = png.indexOf(name) + 4 + data.length;
      png[end] = (png[end] as number) ^ 0xff;
      return png;
    };
    const long = deflateSync(Buffer.alloc(2 ** 20 + 1, "x"));
    const text = (key: string, ...more: Buffer[]): Buffer =>
      Buffer.concat([Buffer.from(`${key}\0`, "latin1"), ...more]);
    const international = Buffer.from([1, 0, 0x65, 0x6e, 0, 0]);

    it.each<[string, () => Promise<Buffer>]>([
      ["a wrong checksum of text", () => spoiled("tEXt", text("Comment", Buffer.from("hello")))],
      ["a wrong checksum of a chunk that nobody knows", () => spoiled("prVt", Buffer.from("x"))],
      ["1 MB of zTXt", () => withChunk("zTXt", text("c", Buffer.from([0]), long))],
      ["1 MB of zTXt behind the pixels", () => withChunk("zTXt", text("c", Buffer.from([0]), long), "IEND")],
      ["1 MB of iTXt", () => withChunk("iTXt", text("c", international, long))],
      ["an unknown compression", () => withChunk("zTXt", text("c", Buffer.from([1]), long))],
      ["a short pHYs", () => withChunk("pHYs", Buffer.alloc(4))],
    ])("with %s writes it again, with the same pixels", async (_, make) => {
      const found = await inspectBytes(await make(), look);
      expect(found).toMatchObject({ error: null, changes: ["png chunks"] });
      const again = found.bytes ?? new Uint8Array(0);
      expect(await inspectBytes(again, look)).toMatchObject({ error: null, changes: [] });
      expect(await sharp(again).raw().toBuffer()).toEqual(await pattern().raw().toBuffer());
    });

    it("with ordinary text keeps the bytes", async () => {
      const short = deflateSync(Buffer.alloc(2 ** 20, "x"));
      for (const png of [
        await withChunk("tEXt", text("Comment", Buffer.alloc(2_000_000, "x"))),
        await withChunk("zTXt", text("c", Buffer.from([0]), short)),
        await withChunk("iTXt", text("c", international, short)),
      ])
        expect(await inspectBytes(png, look)).toMatchObject({ error: null, changes: [], bytes: null });
    });
  });

  it("says why a picture cannot be used", async () => {
    const errorOf = async (bytes: Uint8Array | string): Promise<string | null> =>
      (await inspectBytes(Buffer.from(bytes as string), look)).error;
    expect(await errorOf("<html>404</html>")).toMatch(/^a web page \(HTML\): download/);
    expect(await errorOf("version https://git-lfs.github.com/spec/v1\n")).toMatch(/Git LFS pointer.*git lfs pull/);
    expect(await errorOf("BM\0\0\0\0")).toMatch(/^a BMP picture.*PNG or JPEG/);
    expect(await errorOf((await pattern().png().toBuffer()).toString("base64"))).toMatch(/base64/);
    expect(await errorOf("\0\u0001\u0002")).toBe("not a picture of a known format");
    expect(await errorOf((await pattern().jpeg().toBuffer()).subarray(0, 300))).toMatch(/^damaged or cut off/);
    expect(await errorOf("")).toBe("an empty file");
    const noise = sharp({
      create: {
        width: 200,
        height: 200,
        channels: 3,
        background: "white",
        noise: { type: "gaussian", mean: 128, sigma: 40 },
      },
    });
    const whole = await noise.jpeg().toBuffer();
    expect((await inspectBytes(whole, look)).error).toBeNull();
    expect((await inspectBytes(whole.subarray(0, whole.length / 2), look)).error).toMatch(
      /end|premature|truncated|VipsJpeg/i,
    );
    for (const format of ["jpeg", "png", "webp"] as const) {
      for (const progressive of format === "webp" ? [false] : [false, true]) {
        const bytes = await noise.clone().toFormat(format, { progressive }).toBuffer();
        expect((await inspectBytes(bytes, look)).error).toBeNull();
        // The last hundredth is missing, or all but the head.
        for (const share of [0.99, 0.6, 0.1])
          expect((await inspectBytes(bytes.subarray(0, bytes.length * share), look)).error).not.toBeNull();
      }
    }
    expect((await inspectPicture({ name: "x", file: join(folder, "none.png") }, look)).error).toBe("no such file");
  });

  it("gives similar pictures similar hashes, and others different ones", async () => {
    const hash = async (image: Sharp): Promise<bigint> =>
      BigInt(`0x${(await inspectBytes(await image.toBuffer(), { decode: true, hash: true })).hash}`);
    const bits = (a: bigint, b: bigint): number => (a ^ b).toString(2).replaceAll("0", "").length;
    const original = await hash(pattern().png());
    expect(
      bits(original, await hash(sharp(await pattern().resize(160, 80).png().toBuffer()).jpeg({ quality: 70 }))),
    ).toBeLessThanOrEqual(6);
    const gradient = Buffer.from(Array.from({ length: 64 * 64 }, (_, i) => (i % 64) * 4));
    expect(
      bits(original, await hash(sharp(gradient, { raw: { width: 64, height: 64, channels: 1 } }).png())),
    ).toBeGreaterThan(10);
  });
});

describe("turnPoint", () => {
  it.each([
    [1, [2, 3]],
    [2, [38, 3]],
    [3, [38, 17]],
    [4, [2, 17]],
    [5, [3, 2]],
    [6, [17, 2]],
    [7, [17, 38]],
    [8, [3, 38]],
  ])("orientation %i", (orientation, expected) => {
    expect(turnPoint(2, 3, orientation, 40, 20)).toEqual(expected);
  });
});

describe("PictureSpool", () => {
  it("returns what was added", () => {
    const spool = new PictureSpool(join(folder, "spool.bin"));
    const parts = ["a", "bcd", ""].map((text) => Buffer.from(text));
    const references = parts.map((part, i) => spool.add(part, `${i}`));
    expect(references.map((reference) => Buffer.from(readPictureBytes(reference)).toString())).toEqual([
      "a",
      "bcd",
      "",
    ]);
    spool.close();
    expect(references[1]).toMatchObject({ name: "1", offset: 1, length: 3 });
  });
});

describe("zip archives", () => {
  const archive = join(folder, "a.zip");
  it("reads stored and deflated members", () => {
    const long = Buffer.alloc(10_000, "abc");
    writeFileSync(archive, zipOf({ "images/a.png": long, "b.txt": Buffer.from("text"), "ü.png": Buffer.from("u") }));
    expect(zipMembers(archive)).toEqual(["images/a.png", "b.txt", "ü.png"]);
    expect(Buffer.from(readZipMember(archive, "images/a.png")).equals(long)).toBe(true);
    expect(Buffer.from(readZipMember(archive, "b.txt")).toString()).toBe("text");
    expect(() => readZipMember(archive, "none")).toThrow(expect.objectContaining({ code: "missing-file" }));
  });

  it("refuses one that is cut off", () => {
    truncateSync(archive, statSync(archive).size - 30);
    expect(() => zipMembers(archive)).toThrow(expect.objectContaining({ code: "unreadable", file: archive }));
  });
});

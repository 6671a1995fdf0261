import { mkdtempSync, rmSync, truncateSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { zipOf } from "../testing/fixtures";
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

  it("says why a picture cannot be used", async () => {
    expect((await inspectBytes(Buffer.from("<html>404</html>"), look)).error).toMatch(/unsupported image format/);
    expect((await inspectBytes(new Uint8Array(0), look)).error).not.toBeNull();
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

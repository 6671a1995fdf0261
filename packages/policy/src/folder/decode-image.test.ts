import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ImageError } from "../input-error";
import { goldenFolder } from "../parity/golden-folders";
import type { RgbImage } from "../image-processor/bicubic-resize";
import { decodeImage } from "./decode-image";

interface Expected {
  readonly width: number;
  readonly height: number;
  readonly sha256: string;
}

const formats = goldenFolder("image_formats");
const expected: Record<string, Expected & { mode: string; oriented?: Expected }> =
  formats === undefined ? {} : JSON.parse(readFileSync(join(formats, "expected.json"), "utf8")).files;
const describePixels = ({ width, height, data }: RgbImage): Expected => ({
  width,
  height,
  sha256: createHash("sha256").update(data).digest("hex"),
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-images-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function errorOf(promise: Promise<unknown>): Promise<ImageError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ImageError);
  return error as ImageError;
}

describe.skipIf(formats === undefined)("formats: the bytes of Pillow", () => {
  it.each(Object.entries(expected))("%s", async (name, { width, height, sha256, oriented }) => {
    const path = join(formats!, name);
    expect(describePixels(await decodeImage(path, { orientation: "ignore" }))).toEqual({ width, height, sha256 });
    expect(describePixels(await decodeImage(readFileSync(path)))).toEqual(oriented ?? { width, height, sha256 });
  });

  it("keeps the high byte of 16-bit gray when asked", async () => {
    const { data } = await decodeImage(join(formats!, "grey_16.png"), { sixteenBitGray: "scale" });
    // Clipped, nearly all of it would be 255.
    expect(data.reduce((sum, value) => sum + value, 0) / data.length).toBeGreaterThan(110);
    expect(data.reduce((sum, value) => sum + value, 0) / data.length).toBeLessThan(145);
  });
});

describe("raw pixels", () => {
  it("take gray, RGB and RGBA, alpha on white", async () => {
    expect([...(await decodeImage({ width: 2, height: 1, data: Uint8Array.of(7, 9) })).data]).toEqual([
      7, 7, 7, 9, 9, 9,
    ]);
    expect([...(await decodeImage({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3) })).data]).toEqual([1, 2, 3]);
    expect([
      ...(
        await decodeImage({
          width: 3,
          height: 1,
          data: Uint8Array.of(10, 20, 30, 0, 10, 20, 30, 255, 0, 100, 200, 128),
        })
      ).data,
    ]).toEqual([255, 255, 255, 10, 20, 30, 127, 177, 227]);
  });

  it.each([
    [2, 2, 5],
    [0, 4, 0],
    [1.5, 2, 9],
  ])("refuse %d x %d with %d bytes", async (width, height, length) => {
    expect((await errorOf(decodeImage({ width, height, data: new Uint8Array(length) }, { name: "row 7" }))).where).toBe(
      "row 7",
    );
  });
});

describe("pictures that cannot be used", () => {
  const noise = (width: number, height: number) =>
    sharp(
      Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919) >> 3),
      { raw: { width, height, channels: 3 } },
    );

  it.each<[string, () => Promise<Uint8Array>, string]>([
    ["nothing", async () => new Uint8Array(0), "no bytes"],
    ["a text", async () => Buffer.from("<html>404 Not Found</html>"), "26 bytes that begin with 3c68746d6c3e3430"],
    [
      "a drawing that would be rendered",
      async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      "svg",
    ],
  ])("%s is no picture", async (_, make, found) => {
    const error = await errorOf(decodeImage(await make(), { name: "dataset.parquet, row 3" }));
    expect(error).toMatchObject({
      what: "This is not a picture that can be read.",
      where: "dataset.parquet, row 3",
      expected: "a JPEG, PNG, WebP, GIF, TIFF or AVIF file",
      found,
    });
  });

  it.each(["jpeg", "png", "webp", "gif", "tiff"] as const)("a %s that is cut off", async (format) => {
    const whole = await noise(90, 70).toFormat(format).toBuffer();
    const error = await errorOf(decodeImage(whole.subarray(0, Math.floor(whole.length * 0.6)), { name: "cut" }));
    expect(error.where).toBe("cut");
    expect(["A picture cannot be decoded.", "This is not a picture that can be read."]).toContain(error.what);
  });

  it("a damaged checksum", async () => {
    const bytes = await noise(40, 40).png().toBuffer();
    bytes[bytes.length >> 1]! ^= 0xff;
    expect((await errorOf(decodeImage(bytes))).what).toBe("A picture cannot be decoded.");
  });

  it("20,000 x 20,000 pixels, refused before they are decoded", async () => {
    const file = join(folder, "huge.jpg");
    const jpeg = await noise(32, 32).jpeg().toBuffer();
    const frame = jpeg.indexOf(Buffer.of(0xff, 0xc0));
    jpeg.writeUInt16BE(20_000, frame + 5);
    jpeg.writeUInt16BE(20_000, frame + 7);
    writeFileSync(file, jpeg);
    const before = process.memoryUsage().rss;
    const error = await errorOf(decodeImage(file));
    expect(error.message).toBe(
      `A picture has too many pixels.\n  where:    ${file}\n  expected: at most 178956970 pixels\n  found:    20000 x 20000 = 400000000 pixels\n` +
        "  fix:      scale the picture down first, or raise maxInputPixels",
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });

  it("a missing file, a folder", async () => {
    expect((await errorOf(decodeImage(join(folder, "no.png")))).what).toBe("A picture cannot be read.");
    expect((await errorOf(decodeImage(folder))).what).toBe("A picture cannot be read.");
  });

  it("stray bytes behind the picture are no reason to refuse it", async () => {
    const jpeg = await noise(30, 20).jpeg().toBuffer();
    const file = join(folder, "stray.jpg");
    writeFileSync(file, Buffer.concat([jpeg, Buffer.from("stray")]));
    expect(describePixels(await decodeImage(file))).toEqual(describePixels(await decodeImage(jpeg)));
  });
});

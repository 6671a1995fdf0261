/**
 * Inspects one picture: does it decode, how large is it as a viewer shows it, and must it be encoded again before an
 * image processor reads it? Pictures with an EXIF rotation are rotated, CMYK and 16-bit pictures become 8-bit sRGB, and
 * formats that some processors cannot read (GIF, TIFF, ..) become PNG. A PNG that Pillow refuses is encoded again. All
 * other pictures keep their bytes.
 */
import { createHash } from "node:crypto";
import sharp from "sharp";
import { pictureFault } from "./picture-fault";
import { readPictureBytes, type PictureReference } from "./picture-reference";
import { pngFault } from "./png-chunks";

/** What the inspection of a picture found. */
export interface PictureInspection {
  /** Why the picture cannot be used, or null. */
  readonly error: string | null;
  /** Size in pixels as a viewer shows it; 0 if it does not decode. */
  readonly width: number;
  readonly height: number;
  /** Size as stored, before EXIF rotates it. */
  readonly storedWidth: number;
  readonly storedHeight: number;
  /** EXIF orientation 1..8. */
  readonly orientation: number;
  /** What was changed: `turned`, `cmyk`, `16 bit`, `png chunks`, a format's name. */
  readonly changes: readonly string[];
  /** 64-bit difference hash in hexadecimal, for near-duplicates.ts; null if it was not asked for. */
  readonly hash: string | null;
  /** SHA-1 of the original bytes in hexadecimal: copies under other names have the same. */
  readonly digest: string;
  /** The new bytes if the picture had to be encoded again, or null. */
  readonly bytes: Uint8Array | null;
}

/** Why a missing picture cannot be used. */
export const NO_SUCH_FILE = "no such file";
/** Twice Pillow's MAX_IMAGE_PIXELS, from which it raises DecompressionBombError. */
const MOST_PIXELS = 2 * 89_478_485;
/** Formats that every processor reads. */
const KEPT_FORMATS: ReadonlySet<string> = new Set(["jpeg", "png", "webp"]);

/**
 * Reads, decodes and checks a picture. Never throws for what is wrong with the picture: that is in `error`.
 *
 * @param options.decode whether to decode every pixel, which finds files that are cut off, or only the header
 * @param options.hash whether to compute the difference hash
 */
export async function inspectPicture(
  reference: PictureReference,
  options: { readonly decode: boolean; readonly hash: boolean },
): Promise<PictureInspection> {
  let bytes: Uint8Array;
  try {
    bytes = readPictureBytes(reference);
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!missing) return broken(messageOf(error));
    const isOnWeb = /^https?:/i.test(reference.name);
    return broken(isOnWeb ? `${NO_SUCH_FILE}: download it beside the table` : NO_SUCH_FILE);
  }
  return inspectBytes(bytes, options);
}

/** As `inspectPicture`, from encoded bytes. */
export async function inspectBytes(
  bytes: Uint8Array,
  options: { readonly decode: boolean; readonly hash: boolean },
): Promise<PictureInspection> {
  try {
    const image = sharp(bytes, { failOn: "truncated" });
    const meta = await image.metadata();
    const storedWidth = meta.width ?? 0;
    const storedHeight = meta.height ?? 0;
    if (storedWidth === 0 || storedHeight === 0) return broken("0 × 0 pixels");
    const orientation = meta.orientation ?? 1;
    const format = meta.format ?? "unknown";
    const changes: string[] = [];
    if (orientation !== 1) changes.push("turned");
    if (meta.space === "cmyk") changes.push("cmyk");
    if (meta.depth === "ushort" || meta.space === "rgb16" || meta.space === "grey16") changes.push("16 bit");
    if (!KEPT_FORMATS.has(format)) changes.push(format);
    if (storedWidth * storedHeight > MOST_PIXELS)
      return broken(`more than ${MOST_PIXELS} pixels, which Pillow refuses`);
    if (pngFault(bytes) !== null) changes.push("png chunks");
    const turned = orientation >= 5;
    const size = { width: turned ? storedHeight : storedWidth, height: turned ? storedWidth : storedHeight };
    let converted: Uint8Array | null = null;
    if (changes.length > 0) {
      const upright = image.clone().autoOrient().toColourspace("srgb");
      converted = await (
        format === "jpeg" ? upright.jpeg({ quality: 95, chromaSubsampling: "4:4:4" }) : upright.png()
      ).toBuffer();
    } else if (options.decode) {
      // The smallest output for which the decoder reads every row: a file that is cut off lacks its last rows.
      await image
        .clone()
        .extract({ left: 0, top: storedHeight - 1, width: storedWidth, height: 1 })
        .raw()
        .toBuffer();
    }
    const hash = options.hash ? await differenceHash(converted ?? bytes) : null;
    const digest = createHash("sha1").update(bytes).digest("hex");
    return { error: null, ...size, storedWidth, storedHeight, orientation, changes, hash, digest, bytes: converted };
  } catch (error) {
    return broken(pictureFault(bytes, error));
  }
}

/**
 * Difference hash: the picture in gray at 9 × 8, one bit per pixel, set if it is darker than its right neighbor.
 * Pictures that look the same have equal or similar hashes, no matter their size and compression.
 */
async function differenceHash(bytes: Uint8Array): Promise<string> {
  const gray = await sharp(bytes).resize(9, 8, { fit: "fill" }).grayscale().raw().toBuffer();
  let hash = 0n;
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) {
      const left = gray[y * 9 + x] ?? 0;
      const right = gray[y * 9 + x + 1] ?? 0;
      hash = (hash << 1n) | (left < right ? 1n : 0n);
    }
  }
  return hash.toString(16).padStart(16, "0");
}

/**
 * Where a point of the stored picture is in the rotated one.
 *
 * @param orientation EXIF orientation, 1..8
 * @param width stored width, pixels
 * @param height stored height, pixels
 */
export function turnPoint(
  x: number,
  y: number,
  orientation: number,
  width: number,
  height: number,
): readonly [number, number] {
  switch (orientation) {
    case 2:
      return [width - x, y];
    case 3:
      return [width - x, height - y];
    case 4:
      return [x, height - y];
    case 5:
      return [y, x];
    case 6:
      return [height - y, x];
    case 7:
      return [height - y, width - x];
    case 8:
      return [y, width - x];
    default:
      return [x, y];
  }
}

function broken(error: string): PictureInspection {
  return {
    error,
    width: 0,
    height: 0,
    storedWidth: 0,
    storedHeight: 0,
    orientation: 1,
    changes: [],
    hash: null,
    digest: "",
    bytes: null,
  };
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (
    text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .at(-1)
      ?.trim()
      .slice(0, 120) ?? "cannot be read"
  );
}

/**
 * Looks at one picture: does it decode, how large is it as a viewer shows it, and must it be re-encoded before a model's
 * processor sees it? EXIF-rotated pictures are turned, CMYK and 16-bit ones become 8-bit sRGB, and formats that not every
 * processor reads (GIF, TIFF, ..) become PNG. Everything else keeps its bytes.
 */
import { createHash } from "node:crypto";
import sharp from "sharp";
import { readPictureBytes, type PictureReference } from "./picture-reference";

/** What is known of a picture after a look at it. */
export interface PictureInspection {
  /** Why the picture cannot be used; null when it can. */
  readonly error: string | null;
  /** Size as shown, pixels; 0 when it does not decode. */
  readonly width: number;
  readonly height: number;
  /** Size as stored, before it is turned. */
  readonly storedWidth: number;
  readonly storedHeight: number;
  /** EXIF orientation 1..8. */
  readonly orientation: number;
  /** What was changed: `turned`, `cmyk`, `16 bit`, a format's name. */
  readonly changes: readonly string[];
  /** 64-bit difference hash (see `near-duplicates`), hexadecimal; null unless asked for. */
  readonly hash: string | null;
  /** SHA-1 of the bytes as they were, hexadecimal: the same picture under another name has the same. */
  readonly digest: string;
  /** The re-encoded bytes, when they had to change. */
  readonly bytes: Uint8Array | null;
}

/** Formats that every processor reads. */
const KEPT_FORMATS: ReadonlySet<string> = new Set(["jpeg", "png", "webp"]);

/**
 * Reads, decodes and judges a picture. Never throws for what is wrong with the picture: that is in `error`.
 *
 * @param options.decode decode every pixel (finds cut-off files), not the header only
 * @param options.hash compute the difference hash
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
    return broken(missing ? "no such file" : messageOf(error));
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
    const turned = orientation >= 5;
    const size = { width: turned ? storedHeight : storedWidth, height: turned ? storedWidth : storedHeight };
    let converted: Uint8Array | null = null;
    if (changes.length > 0) {
      const upright = image.clone().autoOrient().toColourspace("srgb");
      converted = await (
        format === "jpeg" ? upright.jpeg({ quality: 95, chromaSubsampling: "4:4:4" }) : upright.png()
      ).toBuffer();
    } else if (options.decode) {
      // The smallest output that still makes the decoder read every row: a file that is cut off lacks its last ones.
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
    return broken(messageOf(error));
  }
}

/**
 * Difference hash: the picture in grey at 9 × 8, one bit for each pixel that is darker than its right neighbour. Equal or
 * near hashes are pictures that look the same whatever their size and compression.
 */
async function differenceHash(bytes: Uint8Array): Promise<string> {
  const grey = await sharp(bytes).resize(9, 8, { fit: "fill" }).greyscale().raw().toBuffer();
  let hash = 0n;
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) {
      const left = grey[y * 9 + x] ?? 0;
      const right = grey[y * 9 + x + 1] ?? 0;
      hash = (hash << 1n) | (left < right ? 1n : 0n);
    }
  }
  return hash.toString(16).padStart(16, "0");
}

/**
 * A point of the stored picture as it lies in the turned one.
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

#!/usr/bin/env python3
"""Small pictures in every format and mode that the image decoder reads, with the RGB bytes transformers makes of them.

  python generate.py [--out DIR] [--seed N]       needs transformers 5.x, Pillow, numpy

expected.json: for each file the mode Pillow opens it in, its size and the sha256 of convert_to_rgb's bytes (row-major
HWC); "oriented" the same after ImageOps.exif_transpose, where that changes something.
"""

import argparse, hashlib, json, os, struct, warnings, zlib
import numpy as np
import PIL
import transformers
from PIL import Image, ImageCms, ImageOps
from transformers.image_transforms import convert_to_rgb

warnings.filterwarnings("ignore")
W, H = 23, 17


def png16(path, values, colour_type):
    """Pillow writes no 16-bit colour, so these files are put together by hand."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour_type, 0, 0, 0)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def draw(out, rng):
    y, x = np.mgrid[0:H, 0:W]

    def smooth(channels):
        waves = [
            127 + 90 * np.sin(x / (3 + 2 * k) + y / (5 + k)) + 12 * rng.standard_normal((H, W)) for k in range(channels)
        ]
        return np.stack(waves, -1).clip(0, 255).astype(np.uint8)

    at = lambda name: os.path.join(out, name)
    rgb, grey, ink = Image.fromarray(smooth(3)), Image.fromarray(smooth(1)[..., 0]), Image.fromarray(smooth(4), "CMYK")
    alpha = Image.fromarray(((x * 255) // (W - 1)).astype(np.uint8))
    rgba = Image.merge("RGBA", [*rgb.split(), alpha])
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        rgb.save(at(f"colour_{name}.jpg"), quality=90, subsampling=sampling)
    rgb.save(at("progressive.jpg"), quality=80, progressive=True)
    grey.save(at("grey.jpg"))
    ink.save(at("cmyk.jpg"), quality=92)
    rgb.save(at("profile.jpg"), icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for orientation in range(2, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        rgb.save(at(f"orientation_{orientation}.jpg"), exif=exif, quality=90)
    rgb.save(at("colour.png"))
    rgba.save(at("alpha.png"))
    grey.save(at("grey.png"))
    Image.merge("LA", [grey, alpha]).save(at("grey_alpha.png"))
    grey.convert("1").save(at("one_bit.png"))
    palette = rgb.quantize(40)
    palette.save(at("palette.png"))
    rgb.quantize(7).save(at("palette_4_bits.png"), bits=4)
    palette.save(at("palette_one_transparent.png"), transparency=3)
    palette.save(at("palette_alpha.png"), transparency=bytes(range(0, 200, 5)))
    grey.save(at("grey_key.png"), transparency=int(np.asarray(grey)[3, 3]))
    rgb.save(at("colour_key.png"), transparency=tuple(int(v) for v in np.asarray(rgb)[3, 3]))
    for name, channels, colour_type in (("grey", 1, 0), ("colour", 3, 2), ("grey_alpha", 2, 4), ("alpha", 4, 6)):
        png16(at(f"{name}_16.png"), rng.integers(0, 65536, (H, W, channels)), colour_type)
    png16(at("grey_16_dark.png"), rng.integers(0, 300, (H, W, 1)), 0)
    frames = [Image.fromarray(smooth(3)) for _ in range(3)]
    rgb.save(at("colour.gif"))
    palette.save(at("transparent.gif"), transparency=4)
    frames[0].save(at("animated.gif"), save_all=True, append_images=frames[1:])
    rgb.save(at("lossy.webp"), quality=80)
    rgba.save(at("alpha.webp"), quality=80)
    rgba.save(at("lossless.webp"), lossless=True, exact=True)
    frames[0].save(at("animated.webp"), save_all=True, append_images=frames[1:], lossless=True)
    rgb.save(at("colour.tif"), compression="tiff_lzw")
    grey.save(at("grey.tif"))
    ink.save(at("cmyk.tif"))


def describe(image):
    pixels = convert_to_rgb(image, return_numpy=True)
    return {
        "width": image.width,
        "height": image.height,
        "sha256": hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest(),
    }


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    ap.add_argument("--seed", type=int, default=19)
    a = ap.parse_args()
    os.makedirs(a.out, exist_ok=True)
    draw(a.out, np.random.default_rng(a.seed))
    files = {}
    for name in sorted(os.listdir(a.out)):
        if name.endswith((".py", ".json", ".md")):
            continue
        image = Image.open(os.path.join(a.out, name))
        files[name] = {"mode": image.mode, **describe(image)}
        if image.getexif().get(0x112, 1) != 1:
            files[name]["oriented"] = describe(ImageOps.exif_transpose(image))
    versions = {"transformers": transformers.__version__, "pillow": PIL.__version__, "numpy": np.__version__}
    with open(os.path.join(a.out, "expected.json"), "w") as f:
        json.dump({"versions": versions, "files": files}, f, indent=1)
        f.write("\n")


main()

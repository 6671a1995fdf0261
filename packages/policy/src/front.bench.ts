/**
 * Speed of what lies before the model: picture → patches, text ↔ ids, safetensors → float32.
 *
 *     npm run bench -- policy/src/front
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { goldenFolder } from "./parity/golden-folders";
import { decodeImage } from "./folder/decode-image";
import { createImageProcessor, openSafetensors, loadTokenizer } from "./folder/read-model";
import { writeSafetensors } from "./folder/safetensors-writer";

/**
 * The median time of one call, in ms, over a second of them; it keeps the noise of a shared machine out better than the
 * mean.
 */
async function median(run: () => unknown): Promise<number> {
  for (let i = 0; i < 3; i++) await run();
  const times: number[] = [];
  const end = performance.now() + 1000;
  while (times.length < 5 || performance.now() < end) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

/** Prints one line: what, how long a call takes, and how much of `unit` it gets through in a second. */
async function report(name: string, amount: number, unit: string, run: () => unknown): Promise<void> {
  const ms = await median(run);
  console.log(
    `${name.padEnd(52)} ${ms.toFixed(2).padStart(9)} ms  ${((amount / ms) * 1000).toFixed(1).padStart(8)} ${unit}/s`,
  );
}

/** Smooth colors with some grain, as a photograph compresses and resizes. */
function picture(width: number, height: number) {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    data[i] = 128 + 90 * Math.sin(x / 40 + (i % 3)) * Math.cos(y / 55) + ((i * 2654435761) >>> 28);
  }
  return { width, height, data };
}

const processor = createImageProcessor();
for (const [width, height] of [
  [480, 320],
  [640, 480],
  [1920, 1080],
] as const) {
  const image = picture(width, height);
  const [, rows, columns] = processor.grid(width, height);
  await report(
    `resize and cut ${width} x ${height} to ${columns * 14} x ${rows * 14}`,
    (width * height) / 1e6,
    "MP",
    () => processor.processDecoded([image]),
  );
}
const photo = picture(640, 480);
const encoded = sharp(photo.data, { raw: { width: 640, height: 480, channels: 3 } });
const [jpeg, png] = await Promise.all([encoded.clone().jpeg().toBuffer(), encoded.clone().png().toBuffer()]);
await report("decode a JPEG of 640 x 480", 0.3072, "MP", () => decodeImage(jpeg));
await report("decode a PNG of 640 x 480", 0.3072, "MP", () => decodeImage(png));

const golden = goldenFolder("tokenizer");
if (golden !== undefined) {
  const tokenizer = loadTokenizer(golden);
  const text =
    "What is the area of the triangle in the image? Think step by step and put the final answer in \\boxed{}. The side is 12 cm.\n".repeat(
      100,
    );
  const ids = tokenizer.encode(text);
  await report(`encode ${ids.length} tokens`, ids.length / 1e6, "M tokens", () => tokenizer.encode(text));
  await report(`decode ${ids.length} tokens`, ids.length / 1e6, "M tokens", () => tokenizer.decode(ids));
  await report(`stream ${ids.length} tokens`, ids.length / 1e6, "M tokens", () => {
    const stream = tokenizer.stream();
    for (const id of ids) stream.push(id);
    return stream.end();
  });
}

const folder = mkdtempSync(join(tmpdir(), "v-triune-bench-"));
const values = Float32Array.from({ length: 1 << 24 }, (_, i) => i % 1000);
await writeSafetensors(
  join(folder, "w.safetensors"),
  (["F32", "BF16", "F16"] as const).map((dtype) => ({ name: dtype, shape: [1 << 24], dtype, data: values })),
);
const reader = openSafetensors(join(folder, "w.safetensors"));
for (const dtype of ["F32", "BF16", "F16"])
  await report(`read 16.8 M values stored as ${dtype}`, 16.777, "M values", () => reader.readFloat32(dtype));
reader.close();
rmSync(folder, { recursive: true, force: true });

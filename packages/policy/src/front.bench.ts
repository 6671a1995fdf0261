/**
 * Speed of what lies before the model: picture → patches, text ↔ ids, safetensors → float32.
 *
 *     npx vitest bench --run packages/policy/src/front.bench.ts
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, bench, describe } from "vitest";
import { decodeImage } from "./image-processor/decode-image";
import { createImageProcessor } from "./image-processor/image-processor";
import { goldenFolder } from "./parity/golden-folders";
import { openSafetensors } from "./safetensors/reader";
import { writeSafetensors } from "./safetensors/writer";
import { loadTokenizer } from "./tokenizer/tokenizer";

const time = { time: 1500, warmupTime: 300 };

/** Smooth colours with some grain, as a photograph compresses and resizes. */
function picture(width: number, height: number) {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    data[i] = 128 + 90 * Math.sin(x / 40 + (i % 3)) * Math.cos(y / 55) + ((i * 2654435761) >>> 28);
  }
  return { width, height, data };
}

describe("picture → patches (decoded already)", () => {
  const processor = createImageProcessor();
  for (const [width, height] of [[480, 320], [640, 480], [1920, 1080]] as const) {
    const image = picture(width, height);
    bench(`${width} x ${height} = ${((width * height) / 1e6).toFixed(2)} MP`, () => void processor.processDecoded([image]), time);
  }
  const small = createImageProcessor({ maxPixels: 12544 });
  const image = picture(480, 320);
  bench("480 x 320 to at most 12,544 pixels", () => void small.processDecoded([image]), time);
});

const photo = picture(640, 480);
const encoded = sharp(photo.data, { raw: { width: 640, height: 480, channels: 3 } });
const [jpeg, png] = await Promise.all([encoded.clone().jpeg().toBuffer(), encoded.clone().png().toBuffer()]);
describe("file → RGB (640 x 480)", () => {
  bench("JPEG", async () => void (await decodeImage(jpeg)), time);
  bench("PNG", async () => void (await decodeImage(png)), time);
});

const golden = goldenFolder("tokenizer");
describe.skipIf(golden === undefined)("tokenizer", () => {
  const tokenizer = golden === undefined ? undefined : loadTokenizer(golden);
  const text = "What is the area of the triangle in the image? Think step by step and put the final answer in \\boxed{}. The side is 12 cm.\n".repeat(100);
  const ids = tokenizer?.encode(text) ?? new Int32Array(0);
  bench(`encode ${ids.length} tokens`, () => void tokenizer!.encode(text), time);
  bench(`decode ${ids.length} tokens`, () => void tokenizer!.decode(ids), time);
  bench(`stream ${ids.length} tokens`, () => {
    const stream = tokenizer!.stream();
    for (const id of ids) stream.push(id);
    stream.end();
  }, time);
});

const folder = mkdtempSync(join(tmpdir(), "v-triune-bench-"));
const values = Float32Array.from({ length: 1 << 24 }, (_, i) => i % 1000);
await writeSafetensors(join(folder, "w.safetensors"), (["F32", "BF16", "F16"] as const).map((dtype) => ({ name: dtype, shape: [1 << 24], dtype, data: values })));
const reader = openSafetensors(join(folder, "w.safetensors"));
afterAll(() => {
  reader.close();
  rmSync(folder, { recursive: true, force: true });
});
describe("safetensors → float32 (64 MiB of float32)", () => {
  for (const dtype of ["F32", "BF16", "F16"]) bench(dtype, () => void reader.readFloat32(dtype), time);
});

import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ModelConfigError, ImageError, PromptError } from "../input-error";
import { goldenFolder, sharedFolder } from "../parity/golden-folders";
import { measuringProcessor, expandPlaceholders, type Processor } from "./processor";
import { createProcessor } from "../folder/read-model";

const golden = goldenFolder("tokenizer");
const gray = (width: number, height: number) => ({ width, height, data: new Uint8Array(width * height).fill(128) });

describe.skipIf(golden === undefined)("processor of a model folder", () => {
  let folder: string;
  let processor: Processor;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "v-triune-processor-"));
    cpSync(golden!, folder, { recursive: true });
    writeFileSync(join(folder, "preprocessor_config.json"), JSON.stringify({ min_pixels: 3136, max_pixels: 9408 }));
    processor = createProcessor(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const question = [
    {
      role: "user",
      content: [
        { type: "image" as const },
        { type: "text" as const, text: "Which is larger?" },
        { type: "image" as const },
      ],
    },
  ];

  it("gives a placeholder for each merged patch, at the place of its picture", async () => {
    const { text, promptIds, mmTokenTypeIds, images } = await processor.encode(question, [
      gray(145, 245),
      gray(60, 60),
    ]);
    expect(text).toContain(
      "<|im_start|>user\n" +
        "<|vision_start|><|image_pad|><|vision_end|>Which is " +
        "larger?<|vision_start|><|image_pad|><|vision_end|><|im_end|>\n<|im_start|>assistant\n",
    );
    expect(images!.gridThw).toEqual([
      [1, 8, 4],
      [1, 4, 4],
    ]);
    expect(images!.pixelValues.length).toBe((32 + 16) * 1176);
    const runs = [...promptIds]
      .map((id) => (id === processor.imageTokenId ? "i" : "."))
      .join("")
      .match(/i+/g)!
      .map((run) => run.length);
    expect(runs).toEqual([8, 4]);
    expect([...mmTokenTypeIds]).toEqual([...promptIds].map((id) => (id === processor.imageTokenId ? 1 : 0)));
    expect(
      processor.decode(
        promptIds.filter((id) => id !== processor.imageTokenId),
        { skipSpecialTokens: true },
      ),
    ).toContain("Which is larger?");
  });

  it("takes rendered text, and prompts without pictures", async () => {
    const { text, ...ids } = await processor.encode([{ role: "user", content: "2 + 2?" }]);
    expect(ids.images).toBeUndefined();
    expect((await processor.encode(text)).promptIds).toEqual(ids.promptIds);
    expect(processor.decode(ids.promptIds)).toBe(text);
  });

  it("refuses a video by name, as a part and in rendered text", async () => {
    const asked = [{ type: "video" as const }, { type: "text" as const, text: "What happens?" }];
    for (const prompt of [[{ role: "user", content: asked }], "<|vision_start|><|video_pad|><|vision_end|>What?"])
      await expect(processor.encode(prompt, [], { name: "row 3" })).rejects.toThrow(
        /videos are not supported[^]*row 3[^]*frames of the video/,
      );
  });

  it("gives the same for pictures that were processed before", async () => {
    const pictures = [gray(90, 40), gray(100, 100)];
    const images = await processor.imageProcessor.process(pictures);
    const encoded = processor.encodeProcessed(question, images);
    expect(encoded.promptIds).toEqual((await processor.encode(question, pictures)).promptIds);
    expect(encoded.images).toBe(images);
  });

  it("refuses more or fewer pictures than places, naming the sample", async () => {
    await expect(processor.encode(question, [gray(60, 60)], { name: "train.parquet, row 9" })).rejects.toThrow(
      "The number of image placeholders in the prompt and of pictures differ.\n  where:    train.parquet, row 9\n  expected: 2 pictures, one for each placeholder\n  found:    1 picture\n" +
        "  fix:      add the missing pictures, or remove marks from the prompt",
    );
    await expect(processor.encode("What?", [gray(60, 60)])).rejects.toThrow(PromptError);
  });

  it("refuses a prompt that is too long and a picture that cannot be used", async () => {
    await expect(processor.encode(question, [gray(60, 60), gray(60, 60)], { maxTokens: 30 })).rejects.toThrow(
      /at most 30 tokens\n.*8 of them for pictures\n.*lower maxPixels/,
    );
    await expect(
      processor.encode(question, [gray(60, 60), Buffer.from("no picture")], { name: "row 2" }),
    ).rejects.toThrow(/row 2, image 1/);
    await expect(processor.encode(question, [gray(60, 60), gray(1, 5000)])).rejects.toThrow(ImageError);
  });

  it("counts the tokens of a prompt from its pictures' headers alone", async () => {
    const upright = { create: { width: 90, height: 200, channels: 3 as const, background: "#808080" } };
    const turned = await sharp(upright).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const pictures = [turned, gray(100, 100)];
    const whole = await processor.encode(question, pictures);
    const counted = await measuringProcessor(processor).encode(question, pictures);
    expect(counted.promptIds).toEqual(whole.promptIds);
    expect(counted.images).toEqual({ gridThw: whole.images!.gridThw, pixelValues: new Float32Array() });
    // Its pixels are cut off, and its header is whole.
    expect(
      (await measuringProcessor(processor).encode(question, [turned.subarray(0, turned.length - 30), pictures[1]!]))
        .promptIds,
    ).toEqual(whole.promptIds);
    await expect(
      measuringProcessor(processor).encode(question, [turned, Buffer.from("no picture")], { name: "row 2" }),
    ).rejects.toThrow(/row 2, image 1/);
    await expect(measuringProcessor(processor).encode(question, [gray(60, 60), gray(1, 5000)])).rejects.toThrow(
      ImageError,
    );
  });

  it("can be given other pixel bounds", async () => {
    const larger = createProcessor(folder, { maxPixels: 28 * 28 * 64 });
    const { images } = await larger.encode("<|image_pad|>", [gray(1000, 1000)]);
    expect(images!.gridThw).toEqual([[1, 16, 16]]);
  });

  it("refuses impossible settings by file and key", () => {
    const wrong = mkdtempSync(join(tmpdir(), "v-triune-wrong-"));
    cpSync(folder, wrong, { recursive: true });
    writeFileSync(join(wrong, "preprocessor_config.json"), JSON.stringify({ patch_size: 0 }));
    expect(() => createProcessor(wrong)).toThrow(ModelConfigError);
    rmSync(wrong, { recursive: true });
  });
});

const tiny = sharedFolder("interop/tiny_qwen25vl");
it.skipIf(tiny === undefined)("loads a folder as transformers 5 writes it", async () => {
  const processor = createProcessor(tiny!);
  expect(processor.imageProcessor.settings).toMatchObject({ minPixels: 3136, maxPixels: 12544 });
  expect([processor.imageTokenId, processor.videoTokenId, processor.tokenizer.eosToken]).toEqual([5, 6, "<|im_end|>"]);
  const { text, promptIds } = await processor.encode(
    [{ role: "user", content: [{ type: "image" }, { type: "text", text: "How many?" }] }],
    [gray(84, 84)],
  );
  expect(text).toBe(
    "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>How many?<|im_end|>\n<|im_start|>assistant\n",
  );
  expect([...promptIds].filter((id) => id === 5)).toHaveLength(9);
});

it("repeats placeholders by their pictures' tokens", () => {
  expect([...expandPlaceholders(Int32Array.of(1, 7, 2, 7, 7), 7, [2, 1, 3])]).toEqual([1, 7, 7, 2, 7, 7, 7, 7]);
  expect([...expandPlaceholders(Int32Array.of(1, 2), 7, [])]).toEqual([1, 2]);
});

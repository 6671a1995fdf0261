import { describe, expect, it } from "vitest";
import { tinyConfig } from "../testing/tiny-model";
import { chooseDecoder, kernelDecodingBytes, type DecodingSize } from "./choose-decoder";

const text = {
  ...tinyConfig().text,
  numLayers: 24,
  numKeyValueHeads: 2,
  headDim: 64,
  vocabSize: 151_936,
  hiddenSize: 896,
};
const half: DecodingSize = { parameters: 494e6, rows: 32, promptTokens: 4 * 1024, maxNewTokens: 256 };

describe("what decodes", () => {
  it("counts the packed model, its embedding twice, and keys and values with what rows outgrow", () => {
    const perToken = 2 * 24 * 2 * 64;
    const bytes = (rowTokens: number) => 4 * (494e6 + 151_936 * 896 + perToken * (4 * 1024 + 32 * rowTokens));
    expect(kernelDecodingBytes(text, half)).toBe(bytes(512));
    expect(kernelDecodingBytes(text, { ...half, maxNewTokens: 257 })).toBe(bytes(1024));
  });

  it("counts keys and values alone beside the native kernels", () => {
    const perToken = 2 * 24 * 2 * 64;
    expect(kernelDecodingBytes(text, half, "native")).toBe(4 * perToken * (4 * 1024 + 32 * 256));
  });

  it("counts two bytes for what is packed in bfloat16", () => {
    const less = kernelDecodingBytes(text, half) - kernelDecodingBytes(text, { ...half, halves: 400e6 });
    expect(less).toBe(2 * 400e6);
    const rows = kernelDecodingBytes(text, half) - kernelDecodingBytes(text, { ...half, halfEmbedding: true });
    expect(rows).toBe(2 * 151_936 * 896);
  });

  const cpu = { onGpu: false, hasAddon: false };
  const gpu = { onGpu: true, hasAddon: false };
  const beside = { onGpu: false, hasAddon: true };

  it("is the WebAssembly kernels for 0.5 B parameters, and the backend where their memory is too small", () => {
    expect(chooseDecoder("auto", text, half, cpu)).toBe("wasm");
    expect(chooseDecoder("auto", text, { ...half, rows: 256, maxNewTokens: 2048 }, cpu)).toBe("backend");
    expect(chooseDecoder("auto", text, { ...half, parameters: 1.5e9 }, cpu)).toBe("backend");
  });

  it("is the backend for answers too short to pack the weights for, unless the model is small", () => {
    expect(chooseDecoder("auto", text, { ...half, maxNewTokens: 16 }, cpu)).toBe("backend");
    expect(chooseDecoder("auto", text, { ...half, parameters: 1e6, maxNewTokens: 16 }, cpu)).toBe("wasm");
  });

  it("is the native kernels, which pack nothing, for all but small models", () => {
    expect(chooseDecoder("auto", text, half, beside)).toBe("native");
    expect(chooseDecoder("auto", text, { ...half, parameters: 3e9, maxNewTokens: 1 }, beside)).toBe("native");
    expect(chooseDecoder("kernels", text, half, beside)).toBe("native");
    expect(chooseDecoder("auto", text, { ...half, parameters: 1e6 }, beside)).toBe("wasm");
  });

  it("is a GPU's own for what is not small", () => {
    expect(chooseDecoder("auto", text, half, gpu)).toBe("backend");
    expect(chooseDecoder("auto", text, { ...half, parameters: 1e6 }, gpu)).toBe("wasm");
  });

  it("is what a person asks for", () => {
    expect(chooseDecoder("backend", text, { ...half, parameters: 1000 }, beside)).toBe("backend");
    expect(chooseDecoder("kernels", text, { ...half, parameters: 1.5e9 }, gpu)).toBe("wasm");
  });
});

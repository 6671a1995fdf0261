import { describe, expect, it } from "vitest";
import { tinyConfig } from "../testing/tiny-model";
import { decodesByKernels, kernelDecodingBytes, type DecodingSize } from "./choose-decoder";

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

  it("counts two bytes for what is packed in bfloat16", () => {
    const less = kernelDecodingBytes(text, half) - kernelDecodingBytes(text, { ...half, halves: 400e6 });
    expect(less).toBe(2 * 400e6);
    const rows = kernelDecodingBytes(text, half) - kernelDecodingBytes(text, { ...half, halfEmbedding: true });
    expect(rows).toBe(2 * 151_936 * 896);
  });

  it("is the kernels for 0.5 B parameters, and the backend where their memory is too small", () => {
    expect(decodesByKernels("auto", text, half, false)).toBe(true);
    expect(decodesByKernels("auto", text, { ...half, rows: 256, maxNewTokens: 2048 }, false)).toBe(false);
    expect(decodesByKernels("auto", text, { ...half, parameters: 1.5e9 }, false)).toBe(false);
  });

  it("is the backend for answers too short to pack the weights for, unless the model is small", () => {
    expect(decodesByKernels("auto", text, { ...half, maxNewTokens: 16 }, false)).toBe(false);
    expect(decodesByKernels("auto", text, { ...half, parameters: 1e6, maxNewTokens: 16 }, false)).toBe(true);
  });

  it("is a GPU's own for what is not small", () => {
    expect(decodesByKernels("auto", text, half, true)).toBe(false);
    expect(decodesByKernels("auto", text, { ...half, parameters: 1e6 }, true)).toBe(true);
  });

  it("is what a person asks for", () => {
    expect(decodesByKernels("backend", text, { ...half, parameters: 1000 }, false)).toBe(false);
    expect(decodesByKernels("kernels", text, { ...half, parameters: 1.5e9 }, true)).toBe(true);
  });
});

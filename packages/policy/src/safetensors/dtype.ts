/**
 * Element types of safetensors files, and the conversions between them and float32.
 *
 * BF16 is the upper half of a float32, so reading is a shift; writing rounds to nearest, ties to even, as torch does.
 * F16 is IEEE 754 binary16. All numbers in the file are little-endian, as is every machine that Node runs TensorFlow.js
 * on.
 */

/** The element types this package reads and writes. The 8-bit floats of quantized checkpoints are not among them. */
export type SafetensorsDtype = "F64" | "F32" | "F16" | "BF16" | "I64" | "I32" | "I16" | "I8" | "U8" | "BOOL";

/** Bytes per element. */
export const DTYPE_BYTES: Readonly<Record<SafetensorsDtype, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** Whether a header's dtype is supported here. */
export function isSupportedDtype(dtype: unknown): dtype is SafetensorsDtype {
  return typeof dtype === "string" && Object.hasOwn(DTYPE_BYTES, dtype);
}

const word = new Uint32Array(1);
const wordAsFloat = new Float32Array(word.buffer);

/** The float32 of an IEEE half's 16 bits. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The 16 bits of the half nearest to a float32, ties to even; beyond the range ±Infinity. */
export function floatToHalf(value: number): number {
  wordAsFloat[0] = value;
  const bits = word[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 255) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  const shifted = exponent - 127 + 15;
  if (shifted >= 31) return sign | 0x7c00;
  if (shifted <= 0) {
    // Subnormal half: the value in units of 2^-24, rounded to even; below half a unit it is zero.
    if (shifted < -10) return sign;
    return sign | roundShift(fraction | 0x800000, 14 - shifted);
  }
  // A carry out of the fraction rightly raises the exponent, and out of the largest exponent rightly gives Infinity.
  return sign | roundShift((shifted << 23) | fraction, 13);
}

/** The 16 bits of the bfloat16 nearest to a float32, ties to even. */
export function floatToBfloat16(value: number): number {
  wordAsFloat[0] = value;
  const bits = word[0]!;
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) | 0x40) & 0xffff;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** value / 2^shift, rounded to nearest, ties to even. */
function roundShift(value: number, shift: number): number {
  const quotient = value >>> shift;
  const remainder = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return remainder > half || (remainder === half && (quotient & 1) === 1) ? quotient + 1 : quotient;
}

/** The bytes as 16-bit words; copied only where they do not lie on an even address. */
function asWords(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(aligned.buffer, aligned.byteOffset, bytes.byteLength / 2);
}

// oxlint-disable-next-line v-triune/module-state -- a table of constants, made at its first use
let halfTable: Float32Array | undefined;

/**
 * Converts the elements in `bytes` to float32.
 *
 * @param bytes little-endian elements, any alignment
 * @param out receives `bytes.length / DTYPE_BYTES[dtype]` values from `at` on
 */
export function convertToFloat32(dtype: SafetensorsDtype, bytes: Uint8Array, out: Float32Array, at: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength / DTYPE_BYTES[dtype];
  switch (dtype) {
    case "F32":
      new Uint8Array(out.buffer, out.byteOffset + at * 4, bytes.byteLength).set(bytes);
      return;
    case "BF16": {
      const target = new Uint32Array(out.buffer, out.byteOffset + at * 4, count);
      const halves = asWords(bytes);
      for (let i = 0; i < count; i++) target[i] = halves[i]! << 16;
      return;
    }
    case "F16": {
      halfTable ??= Float32Array.from({ length: 65536 }, (_, bits) => halfToFloat(bits));
      const halves = asWords(bytes);
      for (let i = 0; i < count; i++) out[at + i] = halfTable[halves[i]!]!;
      return;
    }
    case "F64":
      for (let i = 0; i < count; i++) out[at + i] = view.getFloat64(i * 8, true);
      return;
    case "I64":
      for (let i = 0; i < count; i++) out[at + i] = Number(view.getBigInt64(i * 8, true));
      return;
    case "I32":
      for (let i = 0; i < count; i++) out[at + i] = view.getInt32(i * 4, true);
      return;
    case "I16":
      for (let i = 0; i < count; i++) out[at + i] = view.getInt16(i * 2, true);
      return;
    case "I8":
      for (let i = 0; i < count; i++) out[at + i] = view.getInt8(i);
      return;
    case "U8":
    case "BOOL":
      for (let i = 0; i < count; i++) out[at + i] = bytes[i]!;
  }
}

/**
 * TensorBoard event files, written by hand, as no npm package of today does it.
 *
 * Framing (TFRecord): u64 length | u32 masked crc32c(length) | bytes | u32 masked crc32c(bytes), all little-endian,
 * where masked(c) = rotate_right(c, 15) + 0xa282ead8, crc32c is Castagnoli's polynomial 0x1edc6f41 (RFC 3720, appendix
 * B.4). Payload: protobuf `tensorflow.Event` {1: wall_time double, 2: step int64, 3: file_version string, 5: Summary
 * {1: Value {1: tag, 2: simple_value float}}}.
 */

const table = new Uint32Array(256).map((_, byte) => {
  let crc = byte;
  // 0x82f63b78 is the polynomial with its bits reversed.
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C of some bytes, as an unsigned number. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** One record of a TFRecord file. */
export function tfRecord(payload: Uint8Array): Uint8Array {
  const out = Buffer.alloc(payload.length + 16);
  out.writeBigUInt64LE(BigInt(payload.length), 0);
  out.writeUInt32LE(maskedCrc(out.subarray(0, 8)), 8);
  out.set(payload, 12);
  out.writeUInt32LE(maskedCrc(payload), 12 + payload.length);
  return out;
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** Protobuf wire types: 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
const key = (fieldNumber: number, wireType: 0 | 1 | 2 | 5): Buffer => varint((fieldNumber << 3) | wireType);
const delimited = (fieldNumber: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([key(fieldNumber, 2), varint(bytes.length), bytes]);

function double(fieldNumber: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(fieldNumber, 1), bytes]);
}

function float(fieldNumber: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(fieldNumber, 5), bytes]);
}

/** The event that every file begins with. @param wallTime seconds since 1970 */
export function fileVersionEvent(wallTime: number): Uint8Array {
  return Buffer.concat([double(1, wallTime), delimited(3, Buffer.from("brain.Event:2"))]);
}

/** An event with scalars of one step. @param wallTime seconds since 1970 */
export function scalarEvent(
  wallTime: number,
  step: number,
  scalars: Iterable<readonly [tag: string, value: number]>,
): Uint8Array {
  const values: Buffer[] = [];
  for (const [tag, value] of scalars)
    values.push(delimited(1, Buffer.concat([delimited(1, Buffer.from(tag)), float(2, value)])));
  return Buffer.concat([double(1, wallTime), key(2, 0), varint(step), delimited(5, Buffer.concat(values))]);
}

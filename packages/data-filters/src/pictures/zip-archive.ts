/**
 * Reads members of a zip archive in place, without unpacking it (PKWARE APPNOTE 6.3: end record, zip64 end record,
 * central directory, local headers; the methods stored and deflate, since data sets use no others). The directory of
 * each archive is read once and kept.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import { DatasetError } from "@v-triune/schema";

interface Member {
  readonly method: number;
  readonly compressed: number;
  readonly offset: number;
}

const directories = new Map<string, { readonly stamp: string; readonly members: Map<string, Member> }>();

/** Names of an archive's members, in their order, without folders. */
export function zipMembers(archive: string): string[] {
  return [...directory(archive).keys()];
}

/**
 * The bytes of one member.
 *
 * @throws DatasetError if the archive is damaged or has no such member
 */
export function readZipMember(archive: string, member: string): Uint8Array {
  const entry = directory(archive).get(member);
  if (entry === undefined) {
    throw new DatasetError({
      code: "missing-file",
      file: archive,
      field: member,
      expected: "a member of this name",
      found: "no such member",
    });
  }
  return withFile(archive, (handle) => {
    const local = readAt(handle, entry.offset, 30);
    if (local.readUInt32LE(0) !== 0x04034b50) throw damaged(archive, "no local header where the directory says");
    const start = entry.offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
    const bytes = readAt(handle, start, entry.compressed);
    if (entry.method === 0) return bytes;
    if (entry.method === 8) return inflateRawSync(bytes);
    throw damaged(archive, `compression method ${entry.method} of ${member}; stored and deflate are read`);
  });
}

function directory(archive: string): Map<string, Member> {
  const { size, mtimeMs } = statSync(archive);
  const stamp = `${size} ${mtimeMs}`;
  const kept = directories.get(archive);
  if (kept?.stamp === stamp) return kept.members;
  const members = withFile(archive, (handle) => readDirectory(archive, handle));
  directories.set(archive, { stamp, members });
  return members;
}

function readDirectory(archive: string, handle: number): Map<string, Member> {
  const { size } = fstatSync(handle);
  // The end record is 22 bytes and a comment of at most 65,535.
  const tail = readAt(handle, Math.max(0, size - 65_557), Math.min(size, 65_557));
  const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0) throw damaged(archive, "no end record: cut off, or not a zip archive");
  let count = tail.readUInt16LE(end + 10);
  let length = tail.readUInt32LE(end + 12);
  let offset = tail.readUInt32LE(end + 16);
  if (count === 0xffff || length === 0xffffffff || offset === 0xffffffff) {
    const locator = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x06, 0x07]));
    if (locator < 0) throw damaged(archive, "no zip64 locator");
    const record = readAt(handle, Number(tail.readBigUInt64LE(locator + 8)), 56);
    count = Number(record.readBigUInt64LE(32));
    length = Number(record.readBigUInt64LE(40));
    offset = Number(record.readBigUInt64LE(48));
  }
  const bytes = readAt(handle, offset, length);
  const members = new Map<string, Member>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== 0x02014b50)
      throw damaged(archive, "the central directory is cut off");
    const nameLength = bytes.readUInt16LE(at + 28);
    const extraLength = bytes.readUInt16LE(at + 30);
    const name = bytes.toString("utf8", at + 46, at + 46 + nameLength);
    const entry = zip64Sizes(bytes, at, nameLength, extraLength);
    if (!name.endsWith("/")) members.set(name, entry);
    at += 46 + nameLength + extraLength + bytes.readUInt16LE(at + 32);
  }
  return members;
}

function zip64Sizes(bytes: Buffer, at: number, nameLength: number, extraLength: number): Member {
  const method = bytes.readUInt16LE(at + 10);
  let compressed = bytes.readUInt32LE(at + 20);
  const uncompressed = bytes.readUInt32LE(at + 24);
  let offset = bytes.readUInt32LE(at + 42);
  let extra = at + 46 + nameLength;
  const extraEnd = extra + extraLength;
  while (extra + 4 <= extraEnd) {
    const id = bytes.readUInt16LE(extra);
    const size = bytes.readUInt16LE(extra + 2);
    if (id === 1) {
      let field = extra + 4 + (uncompressed === 0xffffffff ? 8 : 0);
      if (compressed === 0xffffffff) {
        compressed = Number(bytes.readBigUInt64LE(field));
        field += 8;
      }
      if (offset === 0xffffffff) offset = Number(bytes.readBigUInt64LE(field));
    }
    extra += 4 + size;
  }
  return { method, compressed, offset };
}

function withFile<T>(file: string, work: (handle: number) => T): T {
  const handle = openSync(file, "r");
  try {
    return work(handle);
  } finally {
    closeSync(handle);
  }
}

function readAt(handle: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const n = readSync(handle, bytes, read, length - read, offset + read);
    if (n === 0) break;
    read += n;
  }
  return bytes.subarray(0, read);
}

function damaged(archive: string, found: string): DatasetError {
  return new DatasetError({
    code: "unreadable",
    file: archive,
    expected: "a whole zip archive",
    found,
    fix: "download the archive again",
  });
}

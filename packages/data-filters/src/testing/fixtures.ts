/** Small inputs for tests. Not exported. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import sharp from "sharp";

/** A zip archive. Members whose name ends in `.txt` are stored, others deflated. */
export function zipOf(members: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(members)) {
    const stored = name.endsWith(".txt");
    const bytes = stored ? Buffer.from(content) : deflateRawSync(content);
    const nameBytes = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(stored ? 0 : 8, 8);
    local.writeUInt32LE(bytes.length, 18);
    local.writeUInt32LE(content.length, 22);
    local.writeUInt16LE(nameBytes.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(stored ? 0 : 8, 10);
    entry.writeUInt32LE(bytes.length, 20);
    entry.writeUInt32LE(content.length, 24);
    entry.writeUInt16LE(nameBytes.length, 28);
    entry.writeUInt32LE(offset, 42);
    locals.push(local, nameBytes, bytes);
    entries.push(entry, nameBytes);
    offset += local.length + nameBytes.length + bytes.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(members).length, 8);
  end.writeUInt16LE(Object.keys(members).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** A PNG of noise. Every seed gives other bytes. */
export async function tinyPng(width: number, height: number, seed: number): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * 3);
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    pixels[i] = state >>> 24;
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** A CLEVR folder: `answers[i]` is the answer of question i about picture i. */
export async function clevrFolder(folder: string, answers: readonly string[]): Promise<void> {
  mkdirSync(join(folder, "questions"), { recursive: true });
  mkdirSync(join(folder, "images/train"), { recursive: true });
  const questions = answers.map((answer, i) => ({
    split: "train",
    question_index: i,
    image_filename: `${i}.png`,
    question: `How many things are in picture ${i}?`,
    answer,
  }));
  writeFileSync(join(folder, "questions/CLEVR_train_questions.json"), JSON.stringify({ info: {}, questions }));
  for (const i of answers.keys()) writeFileSync(join(folder, `images/train/${i}.png`), await tinyPng(48, 32, i));
}

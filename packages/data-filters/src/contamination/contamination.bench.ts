/**
 * Prints how fast a corpus is compared with a benchmark of 10,000 questions: npm run bench -- contamination
 *
 * BENCH_ROWS=10000000 is the large case. Texts are made as they are compared, so the numbers are those of the
 * comparison.
 */
import sharp from "sharp";
import { drawnPicture } from "../testing/drawn-pictures";
import { ContaminationFinder } from "./contamination-finder";
import { lookAt } from "./picture-look";
import { PictureIndex } from "./picture-index";
import { openReferences, type ReferenceQuestion } from "./references";
import type { TextMethod } from "./text-index";

const rows = process.env.BENCH_ROWS === undefined ? 1_000_000 : Number(process.env.BENCH_ROWS);
const QUESTIONS = 10_000;
const METHODS: readonly TextMethod[] = [
  { method: "ngram", n: 13, shortest: 8, common: 10 },
  { method: "minhash", similarity: 0.8, shortest: 8, common: 10 },
];

const words = Array.from({ length: 2000 }, (_, i) => `word${i}`);

function text(seed: number, length: number): string {
  const word = (place: number): string => {
    let h = Math.imul(seed ^ Math.imul(place + 1, 0x9e3779b9), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return words[((h ^ (h >>> 16)) >>> 0) % words.length] as string;
  };
  return Array.from({ length }, (_, place) => word(place)).join(" ");
}

const megabytes = (): number => Math.round(process.memoryUsage().rss / 1e6);

for (const method of METHODS) {
  const before = megabytes();
  let started = performance.now();
  const references = await openReferences(
    [
      {
        name: "bench",
        *questions(): Generator<ReferenceQuestion> {
          for (let i = 0; i < QUESTIONS; i++) yield { id: `${i}`, question: text(i, 40), pictures: async () => [] };
        },
      },
    ],
    { text: method, pictures: null },
  );
  console.log(
    `${method.method}: index of ${QUESTIONS.toLocaleString("en-US")} questions of 40 words ` +
      `in ${((performance.now() - started) / 1000).toFixed(1)} s, ${megabytes() - before} MB`,
  );
  const finder = new ContaminationFinder(references, method);
  let [found, spent] = [0, 0];
  for (let i = 0; i < rows; i++) {
    // One row in 10,000 has a question of the benchmark.
    const row = i % 10_000 === 0 ? text(i / 10_000, 40).toUpperCase() : text(1e6 + i, 25);
    started = performance.now();
    if (finder.text(row, `${i}`).length > 0) found++;
    spent += performance.now() - started;
  }
  console.log(
    `  ${rows.toLocaleString("en-US")} rows of 25 words in ${(spent / 1000).toFixed(1)} s, ` +
      `${Math.round(rows / (spent / 1000)).toLocaleString("en-US")} rows/s, ${found} of ${Math.ceil(rows / 10_000)} found`,
  );
}

const pictures = new PictureIndex({ bits: 8, difference: 6, common: 10 });
const drawn = await Promise.all(Array.from({ length: 200 }, (_, i) => drawnPicture(i)));
for (let i = 0; i < QUESTIONS; i++) {
  const look = await lookAt(drawn[i % drawn.length] as Buffer);
  // Different looks from few pictures: one bit more, one color more.
  if (look !== null) pictures.add({ ...look, high: (look.high ^ i) >>> 0 }, i);
}
const photo = await sharp(drawn[0]).resize(640, 480).jpeg().toBuffer();
let started = performance.now();
for (let i = 0; i < 200; i++) await lookAt(photo);
console.log(`look at a picture of 640 × 480: ${((performance.now() - started) / 200).toFixed(2)} ms`);
const look = await lookAt(photo);
started = performance.now();
for (let i = 0; i < 200; i++) if (look !== null) pictures.match(look);
console.log(
  `compare it with ${pictures.size.toLocaleString("en-US")}: ${((performance.now() - started) / 200).toFixed(2)} ms`,
);

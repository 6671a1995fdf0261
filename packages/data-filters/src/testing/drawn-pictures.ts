/** Pictures for tests that compare how pictures look. Not exported. */
import sharp from "sharp";

/** Numbers in 0..1 from a seed. */
export function numbersFrom(seed: number): () => number {
  let state = (Math.imul(seed + 1, 2_654_435_761) + 1) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

/** A figure of colored shapes, lines and words, as PNG. Every seed gives another. */
export async function drawnPicture(seed: number, width = 320, height = 240): Promise<Buffer> {
  const draw = numbersFrom(seed);
  const color = (): string => `hsl(${Math.round(draw() * 360)},70%,${Math.round(25 + draw() * 50)}%)`;
  const shapes = Array.from({ length: 8 }, (_, i) => {
    const [x, y, size] = [draw() * width, draw() * height, 20 + draw() * 70];
    if (i % 3 === 0) return `<circle cx="${x}" cy="${y}" r="${size / 2}" fill="${color()}"/>`;
    if (i % 3 === 1) return `<rect x="${x}" y="${y}" width="${size}" height="${size * 0.7}" fill="${color()}"/>`;
    return `<line x1="${x}" y1="${y}" x2="${draw() * width}" y2="${draw() * height}" stroke="black" stroke-width="4"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect width="100%" height="100%" fill="white"/>${shapes.join("")}</svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

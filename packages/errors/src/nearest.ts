/**
 * The candidate that a misspelled word most likely stands for, for "did you mean ..?".
 *
 * ```ts
 * nearest("mathverfy", ["mathverify", "detection"]) // "mathverify"
 * nearest("coco", ["coco-single", "ovdeval"]) // "coco-single"
 * ```
 * @returns the nearest by edit distance if it is near enough to be a slip (a third of the word's length), else the
 *   first that begins with the word (of three letters or more), else null
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  let best: string | null = null;
  let begun: string | null = null;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (word.length >= 3 && candidate.toLowerCase().startsWith(word.toLowerCase())) begun ??= candidate;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best ?? begun;
}

/** Optimal string alignment: Levenshtein's distance in which two swapped neighbors ("trian") are one slip, not two. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        distance = Math.min(distance, (beforePrevious[j - 2] ?? 0) + 1);
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

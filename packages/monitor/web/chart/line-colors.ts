/**
 * The colors of lines, chosen for contrast with the page in its light and its dark colors. A line's color comes from
 * its name, so that a source, a task or a metric has the same one in every chart, on the page and in a report.
 */

const LIGHT = ["#0b5cad", "#b3261e", "#146c2e", "#8a4b00", "#6a2fb5", "#00707a", "#a1246b", "#4d525c"];
const DARK = ["#7ab8ff", "#ff8a80", "#6fdc8c", "#ffb454", "#c7a0ff", "#5fd6e0", "#ff8fce", "#b9bec8"];

/** Lines that are told apart by color alone; in a chart with more, the line under the cursor is emphasized. */
export const CHOSEN_COLORS = LIGHT.length;

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}

/**
 * A color for each label, in whatever order they come. Where two names fall on one color, the later one by name takes
 * the next that is free. A single line has the first color; more lines than chosen colors come from the color wheel.
 */
export function lineColors(labels: readonly string[], dark: boolean): readonly string[] {
  const colors = dark ? DARK : LIGHT;
  if (labels.length === 1) return [colors[0]!];
  const byName = [...new Set(labels)].sort();
  const chosen = new Map<string, string>();
  if (byName.length > CHOSEN_COLORS) {
    for (const [index, label] of byName.entries())
      chosen.set(label, `hsl(${Math.round((360 * index) / byName.length)} ${dark ? "80% 70%" : "75% 34%"})`);
  } else {
    const taken = new Set<number>();
    for (const label of byName) {
      let place = hash(label) % CHOSEN_COLORS;
      while (taken.has(place)) place = (place + 1) % CHOSEN_COLORS;
      taken.add(place);
      chosen.set(label, colors[place]!);
    }
  }
  return labels.map((label) => chosen.get(label)!);
}

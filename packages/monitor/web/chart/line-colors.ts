/** The colors of lines, chosen for contrast with the page in its light and its dark colors. */

const LIGHT = ["#0b5cad", "#b3261e", "#146c2e", "#8a4b00", "#6a2fb5", "#00707a", "#a1246b", "#4d525c"];
const DARK = ["#7ab8ff", "#ff8a80", "#6fdc8c", "#ffb454", "#c7a0ff", "#5fd6e0", "#ff8fce", "#b9bec8"];

/** Lines that are told apart by color alone; in a chart with more, the line under the cursor is emphasized. */
export const CHOSEN_COLORS = LIGHT.length;

/** The color of the n-th line; if there are more lines than chosen colors, all come from the color wheel. */
export function lineColor(index: number, count: number, dark: boolean): string {
  if (count <= CHOSEN_COLORS) return (dark ? DARK : LIGHT)[index]!;
  return `hsl(${Math.round((360 * index) / count)} ${dark ? "80% 70%" : "75% 34%"})`;
}

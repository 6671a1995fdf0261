/** A gradient profile as a picture (SVG): a bar a layer, the groups one under the other on one scale. */
import type { GradientProfile } from "./gradient-profile";

// Okabe and Ito's colors: told apart by everybody.
const COLORS: Readonly<Record<string, string>> = { vision: "#d55e00", connector: "#009e73", language: "#0072b2" };
const WIDTH = 640;
const LEFT = 60;
const BAR = 14;
const HEAD = 34;

/** A standalone SVG document. */
export function gradientPicture({ steps, groups }: GradientProfile): string {
  const largest = Math.max(Number.MIN_VALUE, ...groups.flatMap(({ layers }) => layers.map(({ norm }) => norm)));
  const parts: string[] = [];
  let y = 30;
  for (const { group, layers, firstToLast } of groups) {
    const ratio = firstToLast === undefined ? "" : `, first to last layer ${firstToLast.toFixed(2)}`;
    parts.push(`<text x="8" y="${y + 16}" class="head">${group}${ratio}</text>`);
    y += HEAD - 8;
    for (const { layer, norm } of layers) {
      const length = (norm / largest) * (WIDTH - LEFT - 90);
      parts.push(
        `<text x="${LEFT - 8}" y="${y + 10}" text-anchor="end">${layer}</text>` +
          `<rect x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="${BAR - 3}" ` +
          `fill="${COLORS[group] ?? "#666"}"/>` +
          `<text x="${(LEFT + length + 6).toFixed(1)}" y="${y + 10}">${norm.toExponential(2)}</text>`,
      );
      y += BAR;
    }
    y += 8;
  }
  const size = `viewBox="0 0 ${WIDTH} ${y + 6}" width="${WIDTH}" height="${y + 6}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">
<style>text{font:11px system-ui,sans-serif;fill:#444}.head{font-weight:600;fill:#111}</style>
<rect width="${WIDTH}" height="${y + 6}" fill="#fff"/>
<text x="8" y="20" class="head">Gradient norm by layer, mean over ${steps} ${steps === 1 ? "step" : "steps"}</text>
${parts.join("\n")}
</svg>
`;
}

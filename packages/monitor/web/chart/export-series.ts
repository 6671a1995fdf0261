/** A chart's data as CSV, and its picture as SVG. */
import { shortNumber } from "../format";
import type { Line } from "./lines";

/** A column a line, a row a step; a text that a spreadsheet would take for a formula is quoted as text. */
export function seriesCsv(lines: readonly Line[]): string {
  const cell = (text: string): string => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  const columns = lines.map(({ steps, values }) => new Map(steps.map((step, index) => [step, values[index]])));
  const steps = [...new Set(lines.flatMap((line) => line.steps))].sort((a, b) => a - b);
  const rows = steps.map((step) => [step, ...columns.map((column) => column.get(step) ?? "")].join(","));
  return [["step", ...lines.map(({ label }) => cell(label))].join(","), ...rows, ""].join("\n");
}

const escaped = (text: string): string => text.replace(/[<>&"']/g, (char) => `&#${char.charCodeAt(0)};`);

/** 800 × 360 on white, a color per line. */
export function seriesSvg(title: string, lines: readonly Line[], colors: readonly string[]): string {
  const [width, height, left, right, top] = [800, 360, 60, 16, 34];
  const bottom = height - 34 - 16 * Math.ceil(lines.length / 4);
  const steps = lines.flatMap((line) => line.steps);
  const values = lines.flatMap((line) => line.values.filter((value) => value !== null));
  const [x0, x1] = [
    steps.reduce((a, b) => Math.min(a, b), Infinity),
    steps.reduce((a, b) => Math.max(a, b), -Infinity),
  ];
  const [y0, y1] = [
    values.reduce((a, b) => Math.min(a, b), Infinity),
    values.reduce((a, b) => Math.max(a, b), -Infinity),
  ];
  const x = (step: number): number => left + ((step - x0) / (x1 - x0 || 1)) * (width - left - right);
  const y = (value: number): number => bottom - ((value - y0) / (y1 - y0 || 1)) * (bottom - top);
  const paths = lines.map((line, index) => {
    let pen = "M";
    const path = line.values.map((value, at) => {
      if (value === null) {
        pen = "M";
        return "";
      }
      const point = `${pen}${x(line.steps[at]!).toFixed(1)},${y(value).toFixed(1)}`;
      pen = "L";
      return point;
    });
    return `<path d="${path.join("")}" fill="none" stroke="${colors[index]}" stroke-width="1.6"/>`;
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const value = y0 + part * (y1 - y0);
    return (
      `<path d="M${left},${y(value)}H${width - right}" stroke="#e3e6ea"/>` +
      `<text x="${left - 6}" y="${y(value) + 4}" text-anchor="end">${shortNumber(value)}</text>`
    );
  });
  const legend = lines.map(
    (line, index) =>
      `<text x="${left + (index % 4) * 180}" y="${bottom + 38 + 16 * Math.floor(index / 4)}" ` +
      `fill="${colors[index]}">${escaped(line.label)}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="20" font-size="15">${escaped(title)}</text>`,
    ...ticks,
    `<text x="${left}" y="${bottom + 18}">${shortNumber(x0)}</text>`,
    `<text x="${width - right}" y="${bottom + 18}" text-anchor="end">step ${shortNumber(x1)}</text>`,
    ...paths,
    ...legend,
    "</svg>\n",
  ].join("");
}

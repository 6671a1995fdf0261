/**
 * A sweep's results.json as a picture (SVG): accuracy on held-out data by step, mean over the seeds with their
 * deviation as a band, and, with --gradients, the mean gradient norm of each layer.
 *
 *     node tools/run.mjs tools/plot-sweep.ts sweeps/freeze/results.json docs/experiments/freeze.svg [--metric eval/mean] [--gradients]
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { RunResult } from "../apps/trainer/src/sweep/run-result";
import { type SweepResults, spread } from "../apps/trainer/src/sweep/sweep-results";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    metric: { type: "string", multiple: true },
    gradients: { type: "boolean" },
    title: { type: "string", multiple: true },
  },
});
const [from, to] = positionals;
if (from === undefined || to === undefined)
  throw new Error("usage: plot-sweep.ts RESULTS.json PICTURE.svg [--metric NAME].. [--title TEXT].. [--gradients]");
const results = JSON.parse(readFileSync(from, "utf8")) as SweepResults;

// Okabe and Ito's colors, which people who are color-blind can tell apart.
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const PANEL = { width: 380, height: 250, left: 46, right: 14, top: 30, bottom: 36 };

interface Line {
  readonly label: string;
  readonly color: string;
  readonly points: readonly { readonly x: number; readonly y: number; readonly std: number }[];
  readonly dashed?: boolean;
}

const runsOf = (name: string): RunResult[] => {
  const summary = results.summary.find((one) => one.name === name);
  return results.runs.filter(
    ({ cases, status }) => status === "finished" && JSON.stringify(cases) === JSON.stringify(summary?.cases),
  );
};

function curves(metric: string): Line[] {
  return results.summary.map(({ name }, index) => {
    const steps = [...new Set(runsOf(name).flatMap((run) => (run.curves[metric] ?? []).map(([step]) => step)))].sort(
      (a, b) => a - b,
    );
    const points = steps.map((step) => {
      const at = spread(runsOf(name).map((run) => run.curves[metric]?.find(([other]) => other === step)?.[1]));
      return { x: step, y: at?.mean ?? 0, std: at?.std ?? 0 };
    });
    return { label: name, color: COLORS[index % COLORS.length]!, points };
  });
}

/** Each case's layers, the first layer at 0, groups apart: vision dashed. */
function gradientLines(): Line[] {
  return results.summary.flatMap(({ name }, index) => {
    const runs = runsOf(name);
    const groups = [...new Set(runs.flatMap(({ gradients }) => gradients.map(({ group }) => group)))];
    return groups.map((group): Line => {
      const layers = runs.flatMap(({ gradients }) => gradients.filter((one) => one.group === group));
      const count = Math.max(...layers.map((one) => one.layers.length));
      const points = Array.from({ length: count }, (_, layer) => {
        const at = spread(layers.map((one) => one.layers[layer]?.norm));
        return { x: layer + 1, y: at?.mean ?? 0, std: at?.std ?? 0 };
      });
      return {
        label: `${name}, ${group}`,
        color: COLORS[index % COLORS.length]!,
        points,
        dashed: group === "vision",
      };
    });
  });
}

/** Multiples of 1, 2 or 5 times a power of ten, four to eight of them. */
function roundTicks(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, index) => (first + index) * step);
}

const number = (value: number): string => String(Number(value.toPrecision(3)));
const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

function panel(lines: readonly Line[], title: string, xTitle: string, offset: number): string {
  const { width, height, left, right, top, bottom } = PANEL;
  const all = lines.flatMap(({ points }) => points);
  const [x0, x1] = [Math.min(...all.map(({ x }) => x)), Math.max(...all.map(({ x }) => x))];
  const low = Math.min(...all.map(({ y, std }) => y - std));
  const high = Math.max(...all.map(({ y, std }) => y + std));
  const pad = (high - low) * 0.06 || 0.1;
  const [y0, y1] = [Math.max(0, low - pad), high + pad];
  const x = (value: number): number => left + ((value - x0) / (x1 - x0 || 1)) * (width - left - right);
  const y = (value: number): number => height - bottom - ((value - y0) / (y1 - y0 || 1)) * (height - top - bottom);
  const at = (px: number, py: number): string => `${px.toFixed(1)},${py.toFixed(1)}`;
  const ticks = roundTicks(y0, y1);
  const xTicks = [...new Set(all.map((point) => point.x))]
    .sort((a, b) => a - b)
    .filter((_, index, list) => index % Math.ceil(list.length / 8) === 0 || index === list.length - 1);
  const parts = [
    `<text x="${left}" y="16" class="title">${escape(title)}</text>`,
    ...ticks.map(
      (value) =>
        `<line x1="${left}" x2="${width - right}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}" ` +
        `class="grid"/><text x="${left - 6}" y="${(y(value) + 4).toFixed(1)}" ` +
        `text-anchor="end">${number(value)}</text>`,
    ),
    ...xTicks.map(
      (value) =>
        `<text x="${x(value).toFixed(1)}" y="${height - bottom + 16}" text-anchor="middle">${number(value)}</text>`,
    ),
    `<text x="${((left + width - right) / 2).toFixed(1)}" y="${height - 4}" ` +
      `text-anchor="middle">${escape(xTitle)}</text>`,
    ...lines.map(({ points, color }) => {
      const up = points.map((point) => at(x(point.x), y(point.y + point.std)));
      const down = [...points].reverse().map((point) => at(x(point.x), y(Math.max(y0, point.y - point.std))));
      return `<polygon points="${[...up, ...down].join(" ")}" fill="${color}" opacity="0.13"/>`;
    }),
    ...lines.map(
      ({ points, color, dashed }) =>
        `<polyline points="${points.map((point) => at(x(point.x), y(point.y))).join(" ")}" fill="none" stroke="${color}" stroke-width="2"${dashed === true ? ' stroke-dasharray="5 3"' : ""}/>${points.length > 12 ? "" : points.map((point) => `<circle cx="${x(point.x).toFixed(1)}" cy="${y(point.y).toFixed(1)}" r="2.6" fill="${color}"/>`).join("")}`,
    ),
  ];
  return `<g transform="translate(${offset} 0)">\n${parts.join("\n")}\n</g>`;
}

function legend(lines: readonly Line[], offset: number): string {
  return lines
    .map(
      ({ label, color, dashed }, index) =>
        `<g transform="translate(${offset + PANEL.left + (index % 2) * 165} ` +
        `${PANEL.height + 14 + Math.floor(index / 2) * 17})"><line x1="0" x2="20" y1="-4" y2="-4" ` +
        `stroke="${color}" stroke-width="2.5"${dashed === true ? ' stroke-dasharray="5 3"' : ""}/><text x="26" ` +
        `y="0">${escape(label)}</text></g>`,
    )
    .join("\n");
}

const metrics = values.metric ?? ["eval/mean"];
const titles = values.title ?? [];
const panels = [
  ...metrics.map((metric, index) => ({
    lines: curves(metric),
    title: titles[index] ?? (metric === "eval/mean" ? "accuracy on held-out data" : metric),
    x: "step",
  })),
  ...(values.gradients === true ? [{ lines: gradientLines(), title: "gradient norm by layer", x: "layer" }] : []),
];
const rows = Math.max(...panels.map(({ lines }) => Math.ceil(lines.length / 2)));
const [width, height] = [panels.length * PANEL.width, PANEL.height + 10 + rows * 17];
writeFileSync(
  to,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<style>text{font:11px system-ui,sans-serif;fill:#444}.title{font-weight:600;font-size:12px;fill:#111}.grid{stroke:#ddd;stroke-width:1}</style>
<rect width="${width}" height="${height}" fill="#fff"/>
${panels.map(({ lines, title, x }, index) => `${panel(lines, title, x, index * PANEL.width)}\n${legend(lines, index * PANEL.width)}`).join("\n")}
</svg>
`,
);
console.log(`${to}: ${panels.map(({ title }) => title).join(", ")}`);

/**
 * A sweep's results.json as a picture by source (SVG): for each source the held-out accuracy before training and after,
 * by the models that are named for it; mean over the seeds, with their deviation as a line.
 *
 *     node tools/run.mjs tools/plot-sources.ts RESULTS.json PICTURE.svg --model "one model" --model specialist \
 *       --source demo_sum=unified,sums --source demo_chart=unified,chart
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type SweepResults, spread } from "../apps/trainer/src/sweep/sweep-results";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { model: { type: "string", multiple: true }, source: { type: "string", multiple: true } },
});
const [from, to] = positionals;
const { model: models = [], source: sources = [] } = values;
if (from === undefined || to === undefined || models.length === 0 || sources.length === 0)
  throw new Error("usage: plot-sources.ts RESULTS.json PICTURE.svg --model NAME.. --source SOURCE=RUN,RUN..");
const results = JSON.parse(readFileSync(from, "utf8")) as SweepResults;

// Okabe and Ito's colors, which people who are color-blind can tell apart.
const COLORS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7"];
const [LEFT, RIGHT, WIDTH, TOP, ROW] = [90, 20, 640, 40, 44];

/** Mean and deviation of a source over the seeds of a run, before training or after. */
function measured(source: string, name: string, when: "before" | "after"): { mean: number; std: number } {
  const cases = results.summary.find((one) => one.name === name)?.cases;
  const found = results.runs
    .filter((run) => run.status === "finished" && JSON.stringify(run.cases) === JSON.stringify(cases))
    .map((run) => run.curves[`eval/${source}`]?.at(when === "before" ? 0 : -1)?.[1]);
  const { mean, std } = spread(found) ?? {};
  if (mean === undefined) throw new Error(`${from}: no evaluation of ${source} by ${name}`);
  return { mean, std: std ?? 0 };
}

const x = (value: number): string => (LEFT + value * (WIDTH - LEFT - RIGHT)).toFixed(1);
const rows = sources.map((argument, index) => {
  const [source = "", names = ""] = argument.split("=");
  const runs = names.split(",");
  if (runs.length !== models.length) throw new Error(`${argument}: ${models.length} runs expected`);
  const middle = TOP + index * ROW + ROW / 2;
  const before = measured(source, runs[0]!, "before").mean;
  const dots = runs.map((name, at) => {
    const { mean, std } = measured(source, name, "after");
    const y = (middle + (at - (runs.length - 1) / 2) * 11).toFixed(1);
    return (
      `<line x1="${x(Math.max(0, mean - std))}" x2="${x(Math.min(1, mean + std))}" y1="${y}" y2="${y}" ` +
      `stroke="${COLORS[at]}" stroke-width="2"/><circle cx="${x(mean)}" cy="${y}" r="4" fill="${COLORS[at]}"/>`
    );
  });
  return (
    `<text x="${LEFT - 10}" y="${middle + 4}" text-anchor="end">${source.replace(/^demo_/, "")}</text>` +
    `<line x1="${x(before)}" x2="${x(before)}" y1="${middle - 18}" y2="${middle + 18}" class="before"/>${dots.join("")}`
  );
});
const bottom = TOP + sources.length * ROW;
const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].map(
  (value) =>
    `<line x1="${x(value)}" x2="${x(value)}" y1="${TOP}" y2="${bottom}" class="grid"/>` +
    `<text x="${x(value)}" y="${bottom + 16}" text-anchor="middle">${value}</text>`,
);
const legend = models.map(
  (name, at) =>
    `<circle cx="${LEFT + at * 150}" cy="20" r="4" fill="${COLORS[at]}"/><text x="${LEFT + at * 150 + 10}" y="24">${name}</text>`,
);
const place = LEFT + models.length * 150;
legend.push(
  `<line x1="${place}" x2="${place}" y1="12" y2="28" class="before"/><text x="${place + 10}" y="24">before</text>`,
);
writeFileSync(
  to,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 40}" width="${WIDTH}" height="${bottom + 40}" role="img">
<style>text{font:12px system-ui,sans-serif;fill:#444}.grid{stroke:#ddd}.before{stroke:#888;stroke-width:2}</style>
<rect width="${WIDTH}" height="${bottom + 40}" fill="#fff"/>
${[...ticks, ...legend, ...rows].join("\n")}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${bottom + 34}" text-anchor="middle">accuracy on held-out samples</text>
</svg>
`,
);
console.log(`${to}: ${sources.length} sources, ${models.length} models each`);

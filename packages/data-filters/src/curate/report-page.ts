/**
 * `report.html`: one page without scripts or outside files. It has, for each source, the funnel, distributions before
 * and after, and rows that were kept and dropped, with their pictures and boxes.
 */
import type { Distribution } from "./distributions";
import type { ExampleRow } from "./example-rows";
import type { CurationReport, PassRates, SourceReport } from "./report";
import { spectrumSection } from "./spectrum-section";

/**
 * Writes the page.
 *
 * @returns HTML, in which every text of the data is escaped
 */
export function reportPage(
  report: CurationReport,
  shapes: readonly Distribution[],
  examples: readonly ExampleRow[],
): string {
  const { totals } = report;
  const sections = report.sources.map((source) =>
    sourceSection(
      source,
      shapes.filter((one) => one.source === source.source),
      examples.filter((one) => one.source === source.source),
    ),
  );
  const files = report.files.map(({ name, samples, copies, bytes, contentHash }) => {
    const count = `${number(samples)}${copies > 1 ? ` × ${copies}` : ""}`;
    return `<tr><td>${escape(name)}</td><td class="n">${count}</td>
      <td class="n">${(bytes / 1e6).toFixed(1)} MB</td><td class="hash">${contentHash.slice(0, 16)}</td></tr>`;
  });
  const counts = [
    `${number(totals.read)} rows read`,
    `${number(totals.kept)} kept`,
    `${number(totals.dropped)} dropped by rules`,
    `${number(totals.unreadable)} unreadable`,
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Curation report</title><style>${STYLE}</style></head><body>
<h1>Curation report</h1>
<p>${counts.join(", ")}.
Seed ${report.seed}. Content <span class="hash">${report.contentHash.slice(0, 16)}</span>.</p>
${table(["source", "task", "read#", "kept#", "", "dropped most by"], report.sources.map(overview))}
${table(["file", "samples#", "size#", "content"], files)}
<p class="legend"><i></i> kept <b></b> dropped</p>
${sections.join("\n")}
</body></html>
`;
}

/** A table. A heading that ends in `#` stands over numbers. */
function table(headings: readonly string[], rows: readonly string[]): string {
  const cells = headings.map((text) =>
    text.endsWith("#") ? `<th class="n">${text.slice(0, -1)}</th>` : `<th>${text}</th>`,
  );
  const head = `<thead><tr>${cells.join("")}</tr></thead>`;
  return `<div class="wide"><table>${head}<tbody>${rows.join("")}</tbody></table></div>`;
}

/** The kept and the lost part of a bar, in percent. */
function widths(kept: string, lost: string): string {
  return `<i style="width:${kept}%"></i><b style="width:${lost}%"></b>`;
}

/** One line per source, with a link to its section. */
function overview(source: SourceReport): string {
  const losses = [
    ...source.dropped.map(({ rule, rows }) => ({ rule, rows })),
    { rule: "unreadable", rows: source.unreadable },
  ].filter(({ rows }) => rows > 0);
  const most = losses.sort((a, b) => b.rows - a.rows)[0];
  const share = source.read === 0 ? 0 : (100 * source.kept) / source.read;
  const lost = source.read === 0 ? 0 : 100 - share;
  return [
    `<tr><td><a href="#${anchor(source.source)}">${escape(source.source)}</a></td><td>${source.task}</td>`,
    `<td class="n">${number(source.read)}</td><td class="n">${number(source.kept)}</td>\n`,
    `<td><span class="track small">${widths(share.toFixed(2), lost.toFixed(2))}</span></td>`,
    `<td>${most === undefined ? "" : `${escape(most.rule)} ${number(most.rows)}`}</td></tr>`,
  ].join("");
}

function sourceSection(source: SourceReport, shapes: readonly Distribution[], examples: readonly ExampleRow[]): string {
  const steps: string[] = [bar("read", source.read, source.read, "")];
  let left = source.read;
  if (source.unreadable > 0) {
    left -= source.unreadable;
    steps.push(
      bar("unreadable", left, source.read, `${number(source.unreadable)} records cannot be used`, source.unreadable),
    );
  }
  for (const { rule, reason, rows } of source.dropped) {
    left -= rows;
    steps.push(bar(rule, left, source.read, reason, rows));
  }
  steps.push(bar("kept", source.kept, source.read, "what the corpus holds of this source"));
  const bad = source.unreadableExamples.map((message) => `<pre>${escape(message)}</pre>`).join("");
  const kept = examples.filter((one) => one.rule === null);
  const byRule = source.dropped.map(({ rule, reason }) => {
    const rows = examples.filter((one) => one.rule === rule);
    return rows.length === 0
      ? ""
      : `<h4>Dropped by ${escape(rule)}: ${escape(reason)}</h4><div class="cards">${rows.map(card).join("")}</div>`;
  });
  return `<section id="${anchor(source.source)}">
<h2>${escape(source.source)} <small>${source.task}, ${number(source.kept)} of ${number(source.read)} kept</small></h2>
<div class="funnel">${steps.join("")}</div>
${passTable(source)}
${spectrumSection(source)}
<div class="shapes">${shapes.map(shape).join("")}</div>
${kept.length > 0 ? `<h4>Kept</h4><div class="cards">${kept.map(card).join("")}</div>` : ""}
${byRule.join("\n")}
${bad === "" ? "" : `<h4>Unreadable</h4>${bad}`}
</section>`;
}

/** Pass rates with and without the pictures, side by side. */
function passTable({ seen, blind }: SourceReport): string {
  const row = (name: string, rates: PassRates | undefined): string => {
    if (rates === undefined) return "";
    const cells = [rates.passAt1, rates.passAtAll, rates.always].map((value) => `${(100 * value).toFixed(1)} %`);
    const counts = [number(rates.rows), rates.answers.toFixed(1)];
    return `<tr><td>${name}</td>${[...counts, ...cells].map((cell) => `<td class="n">${cell}</td>`).join("")}</tr>`;
  };
  if (seen === undefined && blind === undefined) return "";
  const headings = ["a model's answers", "rows#", "answers each#", "pass@1#", "pass@all#", "always right#"];
  return table(headings, [row("with the picture", seen), row("without it", blind)]);
}

function bar(name: string, left: number, total: number, reason: string, lost = 0): string {
  const share = (value: number): string => (total === 0 ? "0" : ((100 * value) / total).toFixed(2));
  const track = `<span class="track">${widths(share(left), share(lost))}</span>`;
  return `<div class="step" title="${escape(reason)}"><span>${escape(name)}</span>${track}
<span class="n">${lost > 0 ? `−${number(lost)}` : number(left)}</span></div>`;
}

function shape({ of, bars }: Distribution): string {
  const most = Math.max(1, ...bars.map((one) => one.before));
  const percent = (rows: number): string => ((100 * rows) / most).toFixed(2);
  const rows = bars.map(({ label, before, after }) => {
    const read = `<b class="before" style="width:${percent(before)}%"></b>`;
    const kept = `<i class="over" style="width:${percent(after)}%"></i>`;
    return `<div class="step"><span title="${escape(label)}">${escape(label)}</span><span class="track">
${read}${kept}</span>
<span class="n">${number(after)} / ${number(before)}</span></div>`;
  });
  return `<figure><figcaption>${of}, kept / read</figcaption>${rows.join("")}</figure>`;
}

function card(row: ExampleRow): string {
  const picture =
    row.thumbnail === null
      ? `<div class="none">no picture</div>`
      : `<div class="picture"><img src="${row.thumbnail}" alt="">${boxes(row)}</div>`;
  const labels = [...new Set(row.boxes.map((box) => box.label))].join(", ");
  const text = row.question === "" ? labels : row.question;
  const answer = row.answer === "" ? "" : `<p class="answer">${escape(row.answer.slice(0, 80))}</p>`;
  return `<div class="card">${picture}<p>${escape(text.length > 240 ? `${text.slice(0, 239)}…` : text)}</p>
${answer}<p class="id">${escape(row.id)}</p></div>`;
}

function boxes({ boxes: list, width, height }: ExampleRow): string {
  if (list.length === 0 || width === null || height === null) return "";
  const rects = list.map(({ x1, y1, x2, y2, label }) => {
    const size = `width="${Math.max(0, x2 - x1)}" height="${Math.max(0, y2 - y1)}"`;
    return `<rect x="${x1}" y="${y1}" ${size}><title>${escape(label)}</title></rect>`;
  });
  return `<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none">${rects.join("")}</svg>`;
}

function escape(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

function anchor(source: string): string {
  return source.replace(/[^\w-]/g, "-");
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--keep:#2a7de1;--lose:#d9822b66}
body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}
td,th{padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--line);text-align:left}
.n{text-align:right;font-variant-numeric:tabular-nums}
.hash,.id{font-family:ui-monospace,monospace;font-size:.8em;opacity:.7}
.wide{overflow-x:auto;margin:1rem 0}
.wide td{white-space:nowrap}
a{color:LinkText}
.legend i,.legend b{display:inline-block;width:.9rem;height:.8rem;background:var(--keep);border-radius:2px}
.legend b{background:var(--lose);margin-left:1rem}
section{border-top:1px solid var(--line);margin-top:2rem}
h2 small{font-weight:400;opacity:.7}
.step{display:grid;grid-template-columns:13rem 1fr 5rem;gap:.6rem;align-items:center}
.step>span:first-child{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.track{position:relative;display:flex;height:.8rem;background:#8882;border-radius:2px;overflow:hidden}
.track i{background:var(--keep)}
.track b{background:var(--lose)}
.small{width:8rem}
.track .before,.track .over{position:absolute;inset:0 auto 0 0}
.shapes{display:grid;grid-template-columns:repeat(auto-fill,minmax(330px,1fr));gap:1rem 2rem;margin-top:1rem}
figure{margin:0}
figcaption{font-weight:600}
figure .step{grid-template-columns:7rem 1fr 5.5rem;font-size:.85em}
.cards{display:flex;gap:1rem;flex-wrap:wrap}
.card{width:200px;font-size:.85em;overflow-wrap:anywhere}
.card p{margin:.2rem 0}
.answer{font-weight:600}
.picture{position:relative;width:fit-content}
.picture img{display:block;max-width:200px;background:#fff}
.picture svg{position:absolute;inset:0;width:100%;height:100%}
rect{fill:none;stroke:#e5484d;stroke-width:2;vector-effect:non-scaling-stroke}
.none{height:60px;display:grid;place-items:center;background:#8882}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8em}
@media(max-width:600px){
body{margin:1rem auto}
.step{grid-template-columns:7.5rem 1fr 3.5rem}
.shapes{grid-template-columns:1fr}
figure .step{grid-template-columns:5.5rem 1fr 5rem}
.card{width:calc(50% - .5rem)}
.picture img{max-width:100%}
h4{overflow-wrap:anywhere}
}`.replace(/\n/g, "");

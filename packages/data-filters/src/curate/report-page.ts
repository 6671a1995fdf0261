/**
 * `report.html`: one page without outside files. It has, for each source, the funnel, distributions before and after,
 * and rows that were kept and dropped, with their pictures and boxes; what `decontaminate` found; golds that look
 * wrong, to be reviewed; and the list of all rows. The last two are filled by its script (web/).
 */
import type { Distribution } from "./distributions";
import type { ExampleRow } from "./example-rows";
import type { ContaminationPair } from "./contamination-pairs";
import { BLOCK_ELEMENT, REVIEW_ELEMENT, ROWS_ELEMENT, type ReviewData } from "../report-page/page-data";
import type { PageParts } from "../report-page/page-parts";
import type { RowList } from "./row-blocks";
import type { CurationReport, PassRates, SourceReport } from "./report";
import { spectrumSection } from "./spectrum-section";

/** What the page shows besides the report. */
export interface PageContents {
  readonly shapes: readonly Distribution[];
  readonly examples: readonly ExampleRow[];
  readonly pairs: readonly ContaminationPair[];
  /** Null without rollouts. */
  readonly review: ReviewData | null;
  readonly rows: RowList;
  readonly parts: PageParts;
}

/**
 * Writes the page.
 *
 * @returns HTML, in which every text of the data is escaped
 */
export function reportPage(
  report: CurationReport,
  { shapes, examples, pairs, review, rows, parts }: PageContents,
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
<title>Curation report</title><style>${parts.style}</style></head><body><main>
<h1>Curation report</h1>
<p>${counts.join(", ")}.
Seed ${report.seed}. Content <span class="hash">${report.contentHash.slice(0, 16)}</span>.</p>
${table(["source", "task", "read#", "kept#", "", "dropped most by"], report.sources.map(overview))}
${table(["file", "samples#", "size#", "content"], files)}
<p class="legend"><i></i> kept <b></b> dropped</p>
${links(report, pairs, review)}
${reviewSection(report, review)}
${rowsSection(rows)}
${pairsSection(report, pairs)}
${sections.join("\n")}
</main>
<script>${parts.script}</script>
</body></html>
`;
}

/** Links to the parts of the page. */
function links({ sources }: CurationReport, pairs: readonly ContaminationPair[], review: ReviewData | null): string {
  const parts = [
    ...(review === null ? [] : [["golds", "Golds that look wrong"] as const]),
    ["all-rows", "All rows"] as const,
    ...(pairs.length === 0 ? [] : [["contamination", "Found in benchmarks"] as const]),
    ...sources.map(({ source }) => [anchor(source), source] as const),
  ];
  const items = parts.map(([to, name]) => `<a href="#${to}">${escape(name)}</a>`);
  return `<nav aria-label="Parts of the page">${items.join(" ")}</nav>`;
}

/** The golds that look wrong. The script shows them one by one. */
function reviewSection({ suspiciousGolds: golds }: CurationReport, review: ReviewData | null): string {
  if (review === null || golds === undefined) return "";
  const sources = golds.sources.map(({ source, rows, suspected, accuracy }) => {
    const cells = [number(rows), number(suspected), `${(100 * accuracy).toFixed(0)} %`];
    return `<tr><td>${escape(source)}</td>${cells.map((cell) => `<td class="n">${cell}</td>`).join("")}</tr>`;
  });
  const none =
    golds.rows === 0
      ? "<p>The rollouts have verdicts without responses. No gold was looked at.</p>"
      : review.suspects.length === 0
        ? "<p>No gold looks wrong.</p>"
        : "";
  return `<section id="golds"><h2>Golds that look wrong</h2>
<p>The answers to these rows agree with each other, and not with the gold. Their order is the chance that the gold is
wrong, given how often the model is right on the source and how alike its errors are. It is a reason to look, not a
verdict. Decisions are saved as a file, which the next run applies: <code>decisions: decisions.json</code>.</p>
${table(["source", "rows with answers#", "suspected#", "model's accuracy#"], sources)}
${none}<div id="review"><noscript>This part needs JavaScript.</noscript></div>
${jsonElement(REVIEW_ELEMENT, review)}</section>`;
}

/** All rows. The script lists, filters and searches them. */
function rowsSection({ data, blocks }: RowList): string {
  const elements = blocks.map(
    (block, i) => `<script type="application/octet-stream" id="${BLOCK_ELEMENT}${i}">${block}</script>`,
  );
  return `<section id="all-rows"><h2>All rows <small>${number(data.total)}</small></h2>
<div id="rows"><noscript>This part needs JavaScript.</noscript></div>
${jsonElement(ROWS_ELEMENT, data)}
${elements.join("\n")}</section>`;
}

/** Rows that a benchmark has, beside what the benchmark has. */
function pairsSection({ contamination }: CurationReport, pairs: readonly ContaminationPair[]): string {
  if (contamination === undefined) return "";
  const { hits } = contamination;
  const side = (name: string, question: string, picture: string | null | undefined): string => {
    const image = typeof picture === "string" ? `<img src="${picture}" alt="">` : "";
    return `<div><p class="id">${escape(name)}</p>${image}<p>${escape(short(question, 600))}</p></div>`;
  };
  const cards = pairs.map(({ row, question, benchmark, benchmarkQuestion, kind, similarity, pictures }) => {
    const head = `${kind}, similarity ${similarity.toFixed(2)}`;
    const sides = side(row, question, pictures[0]) + side(benchmark, benchmarkQuestion, pictures[1]);
    return `<div><p>${escape(head)}</p><div class="pair">${sides}</div></div>`;
  });
  const left =
    hits > pairs.length ? ` The ${number(pairs.length)} most similar are here, contamination.parquet has all.` : "";
  return `<section id="contamination"><h2>Found in benchmarks</h2>
<p>${number(hits)} hits on ${number(contamination.rows)} rows: the row is first, then the benchmark's question.${left}</p>
<div class="pairs">${cards.join("")}</div></section>`;
}

/** Data for the script. No `<` of it ends the element. */
function jsonElement(id: string, value: unknown): string {
  return `<script type="application/json" id="${id}">${JSON.stringify(value).replaceAll("<", "\\u003c")}</script>`;
}

function short(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** A table. A heading that ends in `#` stands over numbers. */
function table(headings: readonly string[], rows: readonly string[]): string {
  const cells = headings.map((text) =>
    text.endsWith("#") ? `<th class="n">${text.slice(0, -1)}</th>` : `<th>${text}</th>`,
  );
  const head = `<thead><tr>${cells.join("")}</tr></thead>`;
  // A table that is wider than a phone scrolls, also by key.
  const region = `class="wide" tabindex="0" role="region" aria-label="Table by ${escape(headings[0] ?? "")}"`;
  return `<div ${region}><table>${head}<tbody>${rows.join("")}</tbody></table></div>`;
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
${taggedList(source)}
<div class="shapes">${shapes.map(shape).join("")}</div>
${kept.length > 0 ? `<h4>Kept</h4><div class="cards">${kept.map(card).join("")}</div>` : ""}
${byRule.join("\n")}
${bad === "" ? "" : `<h4>Unreadable</h4>${bad}`}
</section>`;
}

/** Kept rows that a rule tagged. */
function taggedList({ tagged = [] }: SourceReport): string {
  const items = tagged.map(({ rule, reason, rows }) => `${number(rows)} ${escape(rule)} (${escape(reason)})`);
  return items.length === 0 ? "" : `<p>Kept with a tag: ${items.join(", ")}.</p>`;
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
  return `<div class="card">${picture}<p>${escape(short(text, 240))}</p>
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

/**
 * The page of a report over 100,000 rows: the size of the file, and in Chromium the time to the first paint and to the
 * last unpacked row, how long a filter takes, and the frames of a scroll: npm run bench -- report-page
 *
 * BENCH_ROWS is another number of rows. Frames are drawn by the processor. Needs Chromium (CHROMIUM_PATH).
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findChromium, launchChromium } from "@v-triune/node-kit/testing/chromium";
import { curate } from "./curate/curate";
import { literal, withDatabase } from "./duckdb/database";

const rows = Number(process.env.BENCH_ROWS ?? 100_000);
const executablePath = findChromium("the bench of the report's page");
if (executablePath === undefined) process.exit(0);

/** Run in the page: sets the search and waits until its status is final. */
const SEARCH = (text: string): string => `new Promise((resolve) => {
  const input = document.querySelector("#rows input");
  const told = document.querySelector("#rows .told");
  const started = performance.now();
  let first;
  input.value = ${JSON.stringify(text)};
  input.dispatchEvent(new Event("input"));
  const look = () => {
    first ??= performance.now() - started;
    if (told.textContent.includes("so far")) return requestAnimationFrame(look);
    resolve({ first, all: performance.now() - started, found: told.textContent });
  };
  requestAnimationFrame(look);
})`;

/** Run in the page: scrolls through the list, and measures its frames. */
const SCROLL = `new Promise((resolve) => {
  const list = document.querySelector("#rows .rows");
  const frames = [];
  const step = (now) => {
    frames.push(now);
    list.scrollTop += list.scrollHeight / 240;
    if (frames.length <= 240) return requestAnimationFrame(step);
    const gaps = frames.slice(1).map((at, i) => at - frames[i]).sort((a, b) => a - b);
    resolve({ middle: gaps[gaps.length >> 1], p99: gaps[Math.floor(gaps.length * 0.99)], longest: gaps.at(-1) });
  };
  requestAnimationFrame(step);
})`;

const folder = mkdtempSync(join(tmpdir(), "report-page-"));
try {
  await withDatabase({}, (connection) =>
    connection.run(`COPY (
      SELECT i AS id, i % 97 AS answer, 'How many red cubes are left of the ' || (i * 7919 % 1000) || ' spheres in picture ' || i || '?' AS question
      FROM range(${rows}) t(i)) TO ${literal(join(folder, "questions.parquet"))} (FORMAT parquet)`),
  );
  const started = performance.now();
  await curate({
    sources: [{ source: "table", path: folder, settings: { task: "math", name: "mine", columns: {} } }],
    rules: ["duplicate-id", { rule: "no-nine", sql: "answer LIKE '%9%'", reason: "the answer has a nine" }],
    report: { rows },
    output: join(folder, "corpus"),
  });
  const file = join(folder, "corpus/report.html");
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${rows.toLocaleString("en-US")} rows, curated in ${seconds.toFixed(1)} s: ${(statSync(file).size / 1e6).toFixed(1)} MB`,
  );
  const browser = await launchChromium(executablePath);
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    const opened = performance.now();
    await page.goto(`file://${file}`);
    const paint = (await page.evaluate(
      "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? performance.now()",
    )) as number;
    await page.waitForFunction("document.querySelector('#rows .told')?.textContent.endsWith('rows.')");
    const unpacked = performance.now() - opened;
    const long = (await page.evaluate(`new Promise((resolve) => {
      const observer = new PerformanceObserver((list) => resolve(Math.max(0, ...list.getEntries().map((entry) => entry.duration))));
      observer.observe({ type: "longtask", buffered: true });
      setTimeout(() => resolve(0), 500);
    })`)) as number;
    console.log(
      `first paint ${paint.toFixed(0)} ms, all rows unpacked ${unpacked.toFixed(0)} ms, longest task ${long.toFixed(0)} ms`,
    );
    for (const text of ["picture 4242", "red", "nothing like it"]) {
      const { first, all, found } = (await page.evaluate(SEARCH(text))) as {
        first: number;
        all: number;
        found: string;
      };
      console.log(`search "${text}": first frame ${first.toFixed(0)} ms, all ${all.toFixed(0)} ms, ${found}`);
    }
    await page.evaluate(SEARCH(""));
    const { middle, p99, longest } = (await page.evaluate(SCROLL)) as { middle: number; p99: number; longest: number };
    console.log(
      `scroll: frames of ${middle.toFixed(0)} ms, 1 % longer than ${p99.toFixed(0)} ms, longest ${longest.toFixed(0)} ms`,
    );
  } finally {
    await browser.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * How long each page of the dashboard takes from its address until it is painted: npm run bench -- page-load
 *
 * The recorded run of the demonstration (12 steps), Chromium at each width of BENCH_WIDTHS (default 360,1440,3840),
 * drawn by the processor. Each of BENCH_ROUNDS (default 7) loads has a browser context of its own, so that nothing is
 * cached; they are light and dark in turn. The page's own clock is read, from the start of the navigation to the frame
 * after the one that has what the page is opened for. Needs Chromium (CHROMIUM_PATH).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findChromium } from "@v-triune/node-kit/testing/chromium";
import { chromium, type Browser } from "playwright-core";
import { DASHBOARD_PAGES, writePageRuns } from "../testing/dashboard-pages";
import { startDashboard } from "./start-dashboard";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);
const WIDTHS = (process.env.BENCH_WIDTHS ?? "360,1440,3840").split(",").map(Number);

interface Look {
  readonly width: number;
  readonly dark: boolean;
}

const executablePath = findChromium("the bench of the pages");
if (executablePath === undefined) process.exit(0);

/** Run in the page before its own script: notes when what matches `ready` has been painted. */
const watchFor = (ready: string): string => `{
  const look = () => {
    if (document.querySelector(${JSON.stringify(ready)}) === null) return;
    watcher.disconnect();
    requestAnimationFrame(() => setTimeout(() => (window.paintedAt = performance.now())));
  };
  const watcher = new MutationObserver(look);
  watcher.observe(document, { childList: true, subtree: true });
}`;

/** Milliseconds until one load of a page is painted. */
async function loadOnce(browser: Browser, url: string, ready: string, { width, dark }: Look): Promise<number> {
  const viewport = { width, height: Math.max(640, (width * 9) / 16) };
  const context = await browser.newContext({ viewport, colorScheme: dark ? "dark" : "light" });
  try {
    const page = await context.newPage();
    await page.addInitScript(watchFor(ready));
    await page.goto(url);
    const until = performance.now() + 20_000;
    while (performance.now() < until) {
      const painted = (await page.evaluate("window.paintedAt")) as number | undefined;
      if (painted !== undefined) return painted;
      await sleep(50);
    }
    throw new Error(`${url}: nothing matched ${ready} within 20 s`);
  } finally {
    await context.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), "v-triune-page-load-"));
try {
  await writePageRuns(folder);
  const dashboard = await startDashboard({ folder, port: 0 });
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const isRead = async (): Promise<boolean> =>
      ((await (await fetch(`${dashboard.url}api/runs`)).json()) as { read: number; size: number }[]).every(
        (run) => run.size > 0 && run.read === run.size,
      );
    while (!(await isRead())) await sleep(100);
    console.log("Milliseconds: the least, the median and the most of each page's loads");
    for (const { name, hash, ready } of DASHBOARD_PAGES) {
      const texts: string[] = [];
      for (const width of WIDTHS) {
        const taken: number[] = [];
        for (let round = 0; round < ROUNDS; round++)
          taken.push(await loadOnce(browser, dashboard.url + hash, ready, { width, dark: round % 2 === 1 }));
        taken.sort((a, b) => a - b);
        const [least, middle, most] = [taken[0]!, taken[taken.length >> 1]!, taken.at(-1)!].map(Math.round);
        texts.push(`at ${width} px ${least}, ${middle}, ${most}`);
      }
      console.log(`${name}: ${texts.join("; ")}; load ${loadavg()[0]!.toFixed(1)}`);
    }
  } finally {
    await browser.close();
    await dashboard.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

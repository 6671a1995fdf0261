/**
 * The page in Chromium over a run of 18 sources × 60 metrics × 10,000 steps: how soon each page stands, and how
 * smoothly a chart of 18 lines is moved. Frames are drawn by the processor where there is no graphics card. Needs
 * Chromium (CHROMIUM_PATH); writes 0.8 GB and removes them.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findChromium } from "@v-triune/node-kit/testing/chromium";
import { chromium, type Page } from "playwright-core";
import { writeLargeMetrics } from "../testing/large-run";
import { startDashboard } from "./start-dashboard";

const executablePath = findChromium("the bench of the page");
if (executablePath === undefined) process.exit(0);

/** Run in the page: moves a zoomed chart sideways on every frame, and watches frames and long tasks. */
const PAN = `new Promise((resolve) => {
  const over = document.querySelector(".u-over");
  const area = over.getBoundingClientRect();
  const long = [];
  new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration))).observe({ entryTypes: ["longtask"] });
  const frames = [];
  let count = 0;
  const step = (now) => {
    frames.push(now);
    count += 1;
    if (count > 180) {
      const gaps = frames.slice(1).map((at, index) => at - frames[index]).sort((a, b) => a - b);
      setTimeout(() => resolve({ seconds: (frames.at(-1) - frames[0]) / 1000, frames: gaps.length, middle: gaps[gaps.length >> 1], p99: gaps[Math.floor(gaps.length * 0.99)], longest: gaps.at(-1), long }), 500);
      return;
    }
    over.dispatchEvent(new WheelEvent("wheel", { deltaX: count % 120 < 60 ? 12 : -12, bubbles: true, cancelable: true, clientX: area.x + 50, clientY: area.y + 50 }));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})`;

interface Panned {
  readonly seconds: number;
  readonly frames: number;
  readonly middle: number;
  readonly p99: number;
  readonly longest: number;
  readonly long: readonly number[];
}

async function timeToStand(page: Page, title: string, url: string, ready: string): Promise<void> {
  await page.goto("about:blank");
  const started = performance.now();
  await page.goto(url);
  await page.locator(ready).first().waitFor();
  await page.waitForLoadState("networkidle");
  const stands = performance.now() - started - 500;
  const long = (await page.evaluate("performance.getEntriesByType('longtask').length")) as number;
  console.log(`${title}: stands after ${stands.toFixed(0)} ms${long > 0 ? `, ${long} long tasks` : ""}`);
}

const folder = mkdtempSync(join(tmpdir(), "v-triune-smooth-"));
try {
  mkdirSync(join(folder, "large"));
  writeLargeMetrics(join(folder, "large"), 10_000, 60);
  const dashboard = await startDashboard({ folder, port: 0 });
  const read = async (): Promise<boolean> =>
    ((await (await fetch(`${dashboard.url}api/runs`)).json()) as { read: number; size: number }[]).every(
      (run) => run.size > 0 && run.read === run.size,
    );
  while (!(await read())) await new Promise((resolve) => setTimeout(resolve, 100));
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await timeToStand(page, "overview", `${dashboard.url}#/overview?run=large`, "canvas");
    await timeToStand(page, "sources, 18 × 7 sparklines", `${dashboard.url}#/sources?run=large`, ".grid td");
    await timeToStand(page, "a source, its 60 metrics", `${dashboard.url}#/source?run=large&name=source 3`, "canvas");
    await timeToStand(
      page,
      "a metric of 18 sources",
      `${dashboard.url}#/sources?run=large&chart=critic/rewards/mean`,
      "canvas",
    );
    const area = (await page.locator(".u-over").first().boundingBox())!;
    await page.mouse.move(area.x + area.width * 0.3, area.y + 40);
    await page.mouse.down();
    await page.mouse.move(area.x + area.width * 0.6, area.y + 50, { steps: 4 });
    await page.mouse.up();
    await page.getByRole("button", { name: "All steps" }).waitFor();
    await page.waitForLoadState("networkidle");
    const { seconds, frames, middle, p99, longest, long } = (await page.evaluate(PAN)) as Panned;
    console.log(
      `panning a chart of 18 lines: ${(frames / seconds).toFixed(1)} frames/s (gap ${middle.toFixed(1)} ms in the ` +
        `middle, p99 ${p99.toFixed(1)}, longest ${longest.toFixed(1)}); long tasks: ` +
        `${long.length === 0 ? "none" : long.map((ms) => `${Math.round(ms)} ms`).join(", ")}`,
    );
  } finally {
    await browser.close();
    await dashboard.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

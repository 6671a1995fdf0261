/** The pages in a real browser. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { writeFile } from "node:fs/promises";
import { WCAG, findChromium, launchChromium, onProblem } from "@v-triune/node-kit/testing/chromium";
import axeCore from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeReport } from "../../commands/make-report";
import { DASHBOARD_PAGES, writePageRuns } from "../testing/dashboard-pages";
import { copyRecordedRun, HOSTILE_TEXT, writeHostileRun } from "../testing/recorded-run";
import { type ToolPair, toolRecords } from "../../tool-effect";
import { startDashboard, type Dashboard } from "./start-dashboard";

const CHROMIUM = findChromium("the dashboard's pages in a browser");

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/** Ten samples: two are right without the tool at step 0, four later; with it, all but one after step 0. */
const toolPairs = (step: number): ToolPair[] =>
  Array.from({ length: 10 }, (_, index) => {
    const isRight = index < (step === 0 ? 2 : 4);
    const isFound = index < (step === 0 ? 2 : 9);
    return { source: "a", without: [Number(isRight)], offered: [{ accuracy: Number(isFound), called: !isRight }] };
  });

describe.skipIf(CHROMIUM === undefined)("the pages in Chromium", () => {
  let parent: string;
  let dashboard: Dashboard;
  let browser: Browser;
  let page: Page;
  let said: string[];
  let requested: string[];

  beforeAll(async () => {
    parent = mkdtempSync(join(tmpdir(), "v-triune-browser-"));
    await writePageRuns(join(parent, "runs"));
    writeFileSync(
      join(parent, "runs", "turns", "eval-tools.jsonl"),
      [0, 40].flatMap((step) => toolRecords(step, toolPairs(step)).map((record) => JSON.stringify(record))).join("\n"),
    );
    await writeHostileRun(join(parent, "runs"));
    dashboard = await startDashboard({ folder: join(parent, "runs"), port: 0, pollMilliseconds: 100 });
    browser = await launchChromium(CHROMIUM);
    page = await browser.newPage({ colorScheme: "light" });
    page.setDefaultTimeout(10_000);
    onProblem(page, (problem) => said.push(problem));
    page.on("request", (request) => requested.push(request.url()));
  });
  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
    rmSync(parent, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await page.goto("about:blank");
    await page.setViewportSize({ width: 1280, height: 900 });
    said = [];
    requested = [];
  });
  afterEach(() => {
    expect(said).toEqual([]);
    expect(requested.filter((url) => !url.startsWith(dashboard.url) && !/^(data|blob|file):/.test(url))).toEqual([]);
  });

  const open = async (hash: string, ready: string): Promise<void> => {
    await page.goto(`${dashboard.url}${hash}`);
    await page.locator(ready).first().waitFor();
  };

  async function axe(rules: readonly string[]): Promise<string[]> {
    // Through the debugger, which the page's policy does not bind.
    await page.evaluate(axeCore.source);
    const { violations } = await page.evaluate(
      (runOnly) =>
        (globalThis as unknown as { axe: { run: (options: unknown) => Promise<AxeResult> } }).axe.run({ runOnly }),
      rules,
    );
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ` +
        `${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary ?? ""}`).join(" | ")}`,
    );
  }

  const PAGES = [
    ...DASHBOARD_PAGES.map(({ name, hash, ready }) => [name, hash, ready] as const),
    ["tool effect", "#/evaluation?run=turns", ".interval"] as const,
  ];
  it.each(PAGES)("%s: axe finds nothing, light or dark, and it fits a telephone", async (_name, hash, ready) => {
    await open(hash, ready);
    await page.evaluate("localStorage.clear()");
    // What the head's script asks is what the page wants to know, and nothing is asked a second time.
    expect(await page.evaluate("firstAnswers.size")).toBe(0);
    expect(requested.filter((url, index) => requested.indexOf(url) !== index)).toEqual([]);
    expect(await axe(WCAG)).toEqual([]);
    await page.getByLabel("Dark colors").click();
    await expect.poll(() => page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(20, 23, 28)");
    expect(await axe(["color-contrast"])).toEqual([]);
    await page.getByLabel("Light colors").click();
    await page.setViewportSize({ width: 360, height: 740 });
    await expect.poll(() => page.evaluate("document.documentElement.scrollWidth")).toBe(360);
  });

  it("opens charts without the formats of a language, which take a browser 20 to 45 ms to load", async () => {
    const context = await browser.newContext();
    try {
      const opened = await context.newPage();
      await opened.addInitScript(`{
        window.formats = 0;
        for (const name of ["NumberFormat", "DateTimeFormat"])
          Intl[name] = new Proxy(Intl[name], { construct: (made, given) => (formats++, Reflect.construct(made, given)) });
        const own = Number.prototype.toLocaleString;
        Number.prototype.toLocaleString = function (...given) { formats++; return own.apply(this, given); };
      }`);
      await opened.goto(`${dashboard.url}#/overview?run=demo`);
      await opened.locator("canvas").first().waitFor();
      expect(await opened.evaluate("formats")).toBe(0);
    } finally {
      await context.close();
    }
  });

  it("shows six turns with the box of each look, wide and narrow", async () => {
    for (const width of [1440, 360]) {
      await page.setViewportSize({ width, height: 900 });
      await open("#/rollouts?run=turns&step=2&group=9&sample=1", ".turns .call img");
      expect(await page.locator(".turns > li").count()).toBe(6);
      // What was looked at and what it showed, four times; the fifth call came to nothing.
      expect(await page.locator(".looks .box").count()).toBe(4);
      expect(await page.locator(".looks img").count()).toBe(8);
      await page.getByText("error: the box is outside of the picture").waitFor();
      const inside = await page.evaluate(
        `[...document.querySelectorAll(".looks .picture")].every((one) => {
          const [box, outer] = [one.querySelector(".box")?.getBoundingClientRect(), one.getBoundingClientRect()];
          return !box || (box.left >= outer.left - 1 && box.right <= outer.right + 1 && box.bottom <= outer.bottom + 1);
        })`,
      );
      expect(inside).toBe(true);
    }
  });

  it("leads from the grid to a source, its worst rollouts and one of them", async () => {
    await open("#/sources?run=demo&window=4&sort=critic/rewards/mean", ".grid td");
    expect(await page.locator(".grid tbody th a").allTextContents()).toEqual([
      "demo_count",
      "demo_chart",
      "demo_puzzle",
      "demo_ground",
      "demo_detect",
      "demo_sum",
      "demo_read",
    ]);
    await page.getByRole("link", { name: "demo_detect" }).click();
    await page.getByRole("heading", { name: "IoU at 50, 75, 95, 99" }).waitFor();
    await page.getByRole("link", { name: "Rollouts, worst first" }).click();
    await page.locator("tbody a").first().click();
    await page.getByRole("heading", { name: "8 rollouts of this prompt" }).waitFor();
    expect(await page.locator("h1").textContent()).toContain("demo_detect");
    expect(await page.locator(".arithmetic").textContent()).toMatch(/0\.9 × 0 accuracy \+ 0\.1 × 1 format = 0\.1/);
  });

  it("leads from what changed to its answers before and after, and to one of them", async () => {
    await open("#/changes?run=demo&beforeFrom=1&beforeTo=2&afterFrom=12&afterTo=12", ".changes td");
    await page.getByText("Steps 12 (1 recorded step) against steps 1–2 (2).").waitFor();
    await page.getByRole("link", { name: "demo_puzzle" }).click();
    await page.getByRole("heading", { name: "demo_puzzle before (steps 1–2) and after (steps 12)" }).waitFor();
    await page.locator(".before-after a", { hasText: "Step 12" }).first().click();
    await page.getByRole("heading", { name: /8 rollouts of this prompt/ }).waitFor();
    await open("#/changes?run=demo", ".changes td");
    await page.getByText("Rollouts of 3 of these 12 steps are stored").waitFor();
    await page.getByLabel("Since step").fill("3");
    await page.getByLabel("Since step").press("Enter");
    await page.getByText("Steps 4–12 (9 recorded steps) against steps 1–3 (3).").waitFor();
  });

  it("draws gold and predicted boxes at their pixels, and tells the IoU on hover", async () => {
    await open("#/rollouts?run=demo&step=2&group=9&sample=1", ".box.predicted");
    await page
      .locator(".picture img")
      .evaluate((image) => (image as unknown as { decode: () => Promise<void> }).decode());
    const picture = (await page.locator(".picture img").boundingBox())!;
    for (const [kind, [x1, y1, x2, y2]] of [
      ["gold", [95, 809, 285, 1000]],
      ["predicted", [95, 666, 333, 904]],
    ] as const) {
      const box = (await page.locator(`.box.${kind}`).boundingBox())!;
      expect(Math.abs(box.x - (picture.x + (picture.width * x1) / 1000))).toBeLessThan(1);
      expect(Math.abs(box.y - (picture.y + (picture.height * y1) / 1000))).toBeLessThan(1);
      expect(Math.abs(box.width - (picture.width * (x2 - x1)) / 1000)).toBeLessThan(1);
      expect(Math.abs(box.height - (picture.height * (y2 - y1)) / 1000)).toBeLessThan(1);
    }
    await page.locator(".box.predicted").hover({ position: { x: 8, y: 8 } });
    expect(await page.locator(".box-label").allTextContents()).toEqual([
      "gold square, IoU 0.241",
      "predicted square, IoU 0.241",
    ]);
  });

  it("moves with the arrow keys, and its address shows the same rollout elsewhere", async () => {
    await open("#/rollouts?run=demo&step=2&group=9&sample=1", ".strip");
    await page.keyboard.press("ArrowRight");
    await page.getByRole("heading", { name: "Rollout #2" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.locator('.strip a[aria-current][href*="group=10&sample=0"]').waitFor();
    await page.keyboard.press("ArrowUp");
    await page.locator('.strip a[aria-current][href*="group=9&"]').waitFor();
    await page.keyboard.press("ArrowUp");
    await page.locator('.strip a[aria-current][href*="group=8&"]').waitFor();
    const heading = await page.locator("h1").textContent();
    const other = await browser.newPage();
    await other.goto(page.url());
    await other.locator(".strip").waitFor();
    expect(await other.locator("h1").textContent()).toBe(heading);
    await other.close();
  });

  it("shows a prompt's answers side by side", async () => {
    await open("#/rollouts?run=demo&step=2&group=9&sample=1", ".strip");
    await page.getByText("All answers side by side").click();
    expect(await page.locator(".side-by-side li").count()).toBe(8);
    expect(await page.locator(".side-by-side li").nth(1).textContent()).toContain("bbox_2d");
    await page.locator(".side-by-side a").nth(5).click();
    await page.getByRole("heading", { name: "Rollout #5" }).waitFor();
  });

  it("is reached by the keyboard: skip link, tabs, a source", async () => {
    await open("#/sources?run=demo", ".grid td");
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("content");
    await page.locator(".grid tbody a").first().focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Training" }).waitFor();
  });

  it("filters rollouts and keeps the filter in the address", async () => {
    await open("#/rollouts?run=demo&step=12", "tbody a");
    await page.getByLabel("Source").selectOption("demo_read");
    await page.waitForURL(/source=demo_read/);
    await page.getByText("24 rollouts", { exact: true }).waitFor();
    await page.getByLabel("Status").selectOption("error");
    await page.getByText("0 rollouts", { exact: true }).waitFor();
  });

  it("zooms into a stretch of steps and back, and gives a chart as CSV, SVG and PNG", async () => {
    await open("#/overview?run=demo", "canvas");
    const chart = page.locator(".chart", { has: page.getByRole("heading", { name: "Entropy" }) });
    await chart.locator("canvas").waitFor();
    await chart.scrollIntoViewIfNeeded();
    const area = (await chart.locator(".u-over").boundingBox())!;
    await page.mouse.move(area.x + area.width * 0.2, area.y + 40);
    await page.mouse.down();
    await page.mouse.move(area.x + area.width * 0.6, area.y + 60, { steps: 4 });
    const stretch = (url: string): [number, number] | undefined => {
      const charts = new URL(url).searchParams.getAll("chart").map((chart) => new URLSearchParams(chart));
      const zoomed = charts.find((chart) => chart.has("from"));
      return zoomed && [Number(zoomed.get("from")), Number(zoomed.get("to"))];
    };
    const loads = () => page.waitForRequest((request) => stretch(request.url()) !== undefined);
    await Promise.all([loads(), page.mouse.up()]);
    // The stretch moves by buttons and by a sideways wheel, and is loaded in full each time.
    const [earlier] = await Promise.all([
      loads(),
      chart.getByRole("button", { name: "Entropy: earlier steps" }).click(),
    ]);
    const [later] = await Promise.all([loads(), chart.getByRole("button", { name: "Entropy: later steps" }).click()]);
    expect(stretch(later.url())![0]).toBeGreaterThan(stretch(earlier.url())![0]);
    await page.mouse.move(area.x + area.width * 0.5, area.y + 50);
    const [wheeled] = await Promise.all([loads(), page.mouse.wheel(60, 0)]);
    expect(stretch(wheeled.url())![0]).toBeGreaterThan(stretch(later.url())![0]);
    await chart.getByRole("button", { name: "All steps" }).click();
    for (const [label, start] of [
      ["CSV", "step,"],
      ["SVG", "<svg"],
      ["PNG", "\u0089PNG"],
    ] as const) {
      const [file] = await Promise.all([
        page.waitForEvent("download"),
        chart.getByRole("button", { name: `Entropy as ${label}` }).click(),
      ]);
      expect(file.suggestedFilename()).toBe(`entropy.${label.toLowerCase()}`);
      const content = readFileSync(await file.path(), "latin1");
      expect(content.startsWith(start), content.slice(0, 20)).toBe(true);
      if (label === "CSV") expect(content.trim().split("\n")).toHaveLength(13);
    }
  });

  it("smooths what charts draw, remembers it, and leaves the numbers alone", async () => {
    await open("#/source?run=demo&name=demo_detect", "canvas");
    const chart = page.locator(".chart", { has: page.getByRole("heading", { name: "Reward", exact: true }) });
    const values = (): Promise<string[]> => chart.locator(".u-legend tr:not(.recorded) td").allTextContents();
    await expect.poll(async () => (await values()).length).toBeGreaterThan(2);
    // Smoothed unless the reader chose otherwise, with what was recorded in parentheses.
    expect((await values()).at(-1)).toMatch(/^[\d.]+ \([\d.]+\)$/);
    await page.getByLabel("Smoothing").selectOption("0");
    await expect.poll(async () => (await values()).at(-1)).toMatch(/^[\d.]+$/);
    const before = await values();
    await page.getByLabel("Smoothing").selectOption("0.9");
    await expect.poll(values).not.toEqual(before);
    expect(await chart.locator(".u-legend .recorded").first().isVisible()).toBe(false);
    expect(await values()).toHaveLength(before.length);
    expect(await axe(WCAG)).toEqual([]);
    const smooth = await values();
    await page.reload();
    await expect.poll(values).toEqual(smooth);
    await chart.hover();
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      chart.getByRole("button", { name: "Reward as CSV" }).click(),
    ]);
    const last = readFileSync((await file.path())!, "utf8")
      .trim()
      .split("\n")
      .at(-1)!
      .split(",");
    await page.getByLabel("Smoothing").selectOption("0");
    await expect.poll(values).toEqual(before);
    expect(Number(before[1])).toBeCloseTo(Number(last[1]), 2);
  });

  it("follows a run while it writes", async () => {
    await open("#/overview?run=other", "canvas");
    expect(await page.getByTestId("step").textContent()).toBe("12");
    appendFileSync(
      join(parent, "runs", "other", "metrics.jsonl"),
      `${JSON.stringify({ step: 13, split: "train", scope: "all", name: "all", metrics: { "critic/rewards/mean": 0.123 } })}\n{"step":14,"spl`,
    );
    await page.locator("dd", { hasText: "0.123" }).waitFor();
    expect(await page.getByTestId("step").textContent()).toBe("13");
    const chart = page.getByRole("img", { name: "Reward by component" });
    const shown = (): Promise<string | null> => chart.getAttribute("aria-label");
    await expect.poll(shown, { timeout: 30_000 }).toMatch(/rewards\/mean: \S+ at step 13/);
    // Far below it, the chart waits until it is seen.
    await page.setViewportSize({ width: 360, height: 400 });
    await page.evaluate(
      "new Promise((seen) => (scrollTo(0, document.body.scrollHeight), requestAnimationFrame(() => requestAnimationFrame(seen))))",
    );
    appendFileSync(
      join(parent, "runs", "other", "metrics.jsonl"),
      `it":"train","scope":"all","name":"all","metrics":{"critic/rewards/mean":0.321}}\n`,
    );
    await page.locator("dd", { hasText: "0.321" }).waitFor();
    await page.waitForLoadState("networkidle");
    expect(await shown()).toMatch(/rewards\/mean: \S+ at step 13/);
    await chart.scrollIntoViewIfNeeded();
    await expect.poll(shown, { timeout: 30_000 }).toMatch(/rewards\/mean: \S+ at step 14/);
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it("compares runs by source and configuration", async () => {
    await open("#/compare", "canvas");
    await page.getByRole("checkbox", { name: "hostile" }).uncheck();
    await page.getByText("It is the same.").waitFor();
    await expect.poll(() => page.locator(".scroll table tbody tr").count()).toBe(7);
    await page.getByLabel("Metric").selectOption("correct/ratio");
    await page.getByRole("heading", { name: "correct/ratio, all" }).waitFor();
  });

  it("draws the metrics of a pattern, and says what is wrong with one", async () => {
    await open("#/compare?runs=demo", "canvas");
    await page.getByLabel("also those with").fill("map50|map75");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "verifier/pure_map75_score/mean, all" }).waitFor();
    await page.getByLabel("also those with").fill("map(");
    await page.keyboard.press("Enter");
    await page.getByText("This is no regular expression").waitFor();
    await open("#/sources?run=demo&metrics=*iou*", ".grid td");
    expect((await page.locator(".grid thead a").allTextContents()).every((name) => name.includes("iou"))).toBe(true);
  });

  it("finds, sorts and tells apart runs", async () => {
    await open("#/runs", "table a");
    const names = (): Promise<string[]> => page.locator("tbody a").allTextContents();
    const all = await names();
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await expect.poll(names).toEqual(all.toSorted().toReversed());
    expect(await page.locator("th[aria-sort]").getAttribute("aria-sort")).toBe("descending");
    await page.getByRole("button", { name: "Run ▼" }).click();
    await expect.poll(names).toEqual(all.toSorted());
    await page.getByLabel("Find").fill("^demo$|^other$");
    await expect.poll(names).toEqual(["demo", "other"]);
    await page.getByLabel("settings that differ").check();
    expect(await page.getByRole("link", { name: "Compare them" }).getAttribute("href")).toContain("demo%0Aother");
    expect(await axe(WCAG)).toEqual([]);
  });

  it("draws many lines apart, on one scale, and all in one when asked", async () => {
    await open("#/overview?run=demo", ".multiples canvas");
    const chart = page.locator(".chart", { has: page.getByRole("heading", { name: "Reward by task" }) });
    await expect.poll(() => chart.locator(".plot").count()).toBe(7);
    await chart.getByRole("button", { name: "all in one" }).click();
    await expect.poll(() => chart.locator(".plot").count()).toBe(1);
    await chart.getByRole("button", { name: "one for each" }).click();
    await expect.poll(() => chart.locator(".plot").count()).toBe(7);
  });

  it("shows the evaluation before the first step, and each step that comes", async () => {
    const file = join(await copyRecordedRun(join(parent, "runs"), "begun"), "metrics.jsonl");
    const lines = readFileSync(file, "utf8").trim().split("\n");
    const upTo = (step: number): string =>
      lines.flatMap((line) => ((JSON.parse(line) as { step: number }).step <= step ? `${line}\n` : [])).join("");
    writeFileSync(file, upTo(0));
    await open("#/overview?run=begun", ".plot canvas");
    const plot = page.locator(".chart", { has: page.getByRole("heading", { name: "Evaluation by task" }) });
    await expect.poll(() => plot.locator(".plot").first().getAttribute("aria-label")).toMatch(/ at step 0$/);
    for (const step of [1, 12]) {
      writeFileSync(file, upTo(step));
      await expect.poll(() => page.getByTestId("step").textContent(), { timeout: 5_000 }).toBe(String(step));
    }
    await expect.poll(() => plot.locator(".plot").first().getAttribute("aria-label")).toMatch(/ at step 12$/);
    rmSync(join(parent, "runs", "begun"), { recursive: true });
  });

  it("draws over the time that steps took, and over steps where a run does not record it", async () => {
    await open("#/overview?run=demo", ".multiples canvas");
    const plot = page.locator(".plot").first();
    await page.getByLabel(/^Over/).selectOption("time");
    await expect.poll(() => plot.getAttribute("aria-label")).toMatch(/over training time\. ocr: \S+ at time \d+ s/);
    expect(await axe(WCAG)).toEqual([]);
    await open("#/overview?run=hostile", ".charts");
    await page.getByText("Over steps: the training time of a step is not recorded.").first().waitFor();
    await page.getByLabel(/^Over/).selectOption("step");
    await open("#/overview?run=demo", ".multiples canvas");
    await expect.poll(() => plot.getAttribute("aria-label")).toContain("over steps. ocr: ");
  });

  it("finds answers by what they say", async () => {
    await open("#/rollouts?run=demo&step=12", "tbody a");
    const total = await page.locator("p[aria-live]").textContent();
    await page.getByLabel("Answer with").fill("'LABEL'");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator("p[aria-live]").textContent()).not.toBe(total);
    expect(await page.locator("tbody tr").count()).toBeGreaterThan(0);
    for (const text of await page.locator(".excerpt").allTextContents()) expect(text).toContain("'label'");
  });

  it("tells its keys, and leads to the page's search", async () => {
    await open("#/runs", "table a");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    expect(await axe(WCAG)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    await page.keyboard.type("other");
    await expect.poll(() => page.getByLabel("Find").inputValue()).toBe("other");
  });

  it("shows evaluations made apart from training, benchmarks of what was trained and others apart", async () => {
    const record = (step: number, name: string, score: number, isIn: number) =>
      JSON.stringify({
        step,
        split: "eval",
        scope: "source",
        name,
        metrics: { "benchmark/score": score, "benchmark/in_domain": isIn, "acc/mean@1": score / 2 },
      });
    writeFileSync(
      join(parent, "runs", "other", "eval-bench.jsonl"),
      [record(12, "coco", 0.5, 1), record(6, "coco", 0.25, 1), record(12, "mmmu", 0.125, 0), ""].join("\n"),
    );
    await open("#/evaluation?run=other", "text=In-domain");
    const rows = page
      .locator("section", { has: page.getByRole("heading", { name: "bench benchmark/score" }) })
      .locator(".scroll tbody tr");
    expect(await rows.allTextContents()).toEqual([
      "In-domain: of the kind that was trained",
      "coco 0.250.5+0.25",
      "Out-of-domain",
      "mmmu 0.125–",
    ]);
    await page.getByLabel("Metric").selectOption("acc/mean@1");
    await page.getByRole("heading", { name: "bench acc/mean@1" }).waitFor();
  });

  it("shows what a tool brings, and how to find out", async () => {
    await open("#/evaluation?run=turns", ".interval");
    const section = page.locator("section", { has: page.getByRole("heading", { name: "What the tool brings" }) });
    // Of ten samples, two are right without the tool at step 0 and four at step 40; with it, two and nine.
    const row = section.locator("tbody tr").nth(1);
    expect((await row.locator("td").allTextContents()).map((text) => text.slice(0, 5))).toEqual([
      "0.400",
      "0.900",
      "0.500",
      "0.500",
      "0.000",
      "0.000",
      "0.000",
    ]);
    await section.getByText("accuracy without the tool changed by +0.2 and the gap by +0.5").waitFor();
    rmSync(join(parent, "runs", "turns", "eval-tools.jsonl"));
    const rates = {
      step: 40,
      split: "eval",
      scope: "source",
      name: "a",
      metrics: { "acc/mean@1": 1, "tools/rate": 1 },
    };
    writeFileSync(join(parent, "runs", "turns", "eval.jsonl"), `${JSON.stringify(rates)}\n`);
    await open("#/evaluation?run=turns", "text=Not measured yet");
  });

  it("shows a hostile run as text, harmlessly, on every page", async () => {
    for (const [hash, ready] of [
      ["#/runs", "table a"],
      ["#/overview?run=hostile", "canvas"],
      ["#/sources?run=hostile", ".grid td"],
      [`#/source?run=hostile&name=${encodeURIComponent(HOSTILE_TEXT)}`, "canvas"],
      ["#/rollouts?run=hostile&step=7", "tbody a"],
      ["#/rollouts?run=hostile&step=7&group=0&sample=0", ".response"],
      ["#/rollouts?run=hostile&step=7&group=1&sample=0", ".response"],
      [`#/${HOSTILE_TEXT}`, "table a"],
    ] as const) {
      await open(hash, ready);
      expect(await page.evaluate("globalThis.hacked")).toBeUndefined();
      expect(await page.locator("img[src=x]").count()).toBe(0);
    }
    await open("#/rollouts?run=hostile&step=7&group=0&sample=0", ".response");
    expect(await page.locator("article .response").textContent()).toContain(HOSTILE_TEXT);
    await open("#/rollouts?run=hostile&step=7&group=1&sample=0", "article .response");
    await page.locator("article").getByRole("button", { name: "Show all 1,000,000 characters" }).click();
    await page.getByText("The rest of 1,050,000 characters").waitFor();
  });

  it("opens a report from a file, without a server", async () => {
    const path = join(parent, "report.html");
    await writeFile(
      path,
      await makeReport(join(parent, "runs", "demo"), { madeAt: new Date(0), steps: [2], groupsPerStep: 10 }),
    );
    await page.goto(`${pathToFileURL(path)}`);
    await page.locator("canvas").first().waitFor();
    expect(await page.locator("header").textContent()).toContain("Report of 1970-01-01");
    await page.getByRole("link", { name: "Changes", exact: true }).click();
    await page.locator(".changes th a").first().click();
    await page.locator(".before-after").first().waitFor();
    await page.goBack();
    await page.goBack();
    expect(await axe(WCAG)).toEqual([]);
    await page.getByRole("link", { name: "Rollouts", exact: true }).click();
    await page.getByRole("link", { name: "2 · 9 · 1" }).click();
    await page.locator(".box.predicted").waitFor();
    expect(
      await page
        .locator(".picture img")
        .evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
    ).toBe(84);
    expect(requested.filter((url) => url.startsWith("http"))).toEqual([]);
  });

  it("carries a hostile run in a report as harmlessly", async () => {
    const path = join(parent, "hostile.html");
    await writeFile(path, await makeReport(join(parent, "runs", "hostile"), { madeAt: new Date(0), steps: [7] }));
    await page.goto(`${pathToFileURL(path)}#/rollouts?run=hostile&step=7&group=0&sample=0`);
    await page.locator("article .response").waitFor();
    expect(await page.evaluate("globalThis.hacked")).toBeUndefined();
    expect(await page.locator("article .response").textContent()).toContain(HOSTILE_TEXT);
  });
});

/**
 * The page of a report in a real browser: reviewing golds by key, saving, applying; the list of rows; both sides of
 * hits.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findChromium, launchChromium, onProblem, WCAG } from "@v-triune/node-kit/testing/chromium";
import axeCore from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { drawnPicture } from "../testing/drawn-pictures";
import type { CurationConfig } from "./config";
import { curate } from "./curate";

const CHROMIUM = findChromium("the page of a curation's report in a browser");
const ROWS = 40;
/** Texts that would break a page that does not escape them. */
const HOSTILE = `</script><script>document.title="broken"</script> <!-- \u2028 & "x"`;
const LONG = "How many of the small red cubes stand to the left of the large green sphere in this picture of a table?";

describe.skipIf(CHROMIUM === undefined)("the report in Chromium", () => {
  let folder: string;
  let config: CurationConfig;
  let browser: Browser;
  let page: Page;
  let said: string[] = [];
  let requested: string[] = [];
  const at = (name: string): string => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "report-page-"));
    for (const name of ["rows", "boxes", "exam"]) mkdirSync(at(name));
    const lines = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join("\n");
    const ids = Array.from({ length: ROWS }, (_, i) => i);
    const question = (i: number): string =>
      i === 3 ? HOSTILE : i === 5 ? LONG : `How many cubes are in picture ${i}?`;
    writeFileSync(
      at("rows/rows.jsonl"),
      lines([
        ...ids.map((i) => ({ id: `r${i}`, question: question(i), answer: `${i}`, image: i === 3 ? "p.png" : [] })),
        { id: "u1" },
      ]),
    );
    writeFileSync(at("rows/p.png"), await drawnPicture(1, 644, 476));
    writeFileSync(at("boxes/a.png"), await drawnPicture(2, 644, 476));
    const gold = { bbox: [64, 48, 200, 200], label: "cat" };
    writeFileSync(at("boxes/rows.jsonl"), lines(ids.map((i) => ({ id: `b${i}`, image: "a.png", boxes: [gold] }))));
    writeFileSync(at("exam/rows.jsonl"), lines([{ id: "q1", question: LONG, answer: "5" }]));
    const eight = (text: string): string[] => Array<string>(8).fill(text);
    const boxes = (corners: readonly number[]): string => `[{"bbox_2d": [${corners.join(", ")}], "label": "cat"}]`;
    // The model contradicts the golds of r3, r4 and b7.
    writeFileSync(
      at("rollouts.jsonl"),
      lines([
        ...ids.map((i) => ({
          source: "mine",
          id: `r${i}`,
          responses: eight(`\\boxed{${i === 3 || i === 4 ? i * 100 : i}}`),
        })),
        ...ids.map((i) => ({
          source: "scenes",
          id: `b${i}`,
          responses: eight(boxes(i === 7 ? [322, 238, 483, 357] : gold.bbox)),
        })),
      ]),
    );
    config = {
      sources: [
        { source: "table", path: at("rows"), settings: { task: "math", name: "mine", columns: { image: "image" } } },
        {
          source: "table",
          path: at("boxes"),
          settings: { task: "detection", name: "scenes", columns: { id: "id", image: "image", boxes: "boxes" } },
        },
      ],
      rules: ["duplicate-id", { rule: "no-nine", sql: "answer = '9'", reason: "the answer is nine" }],
      decontaminate: {
        sources: [{ source: "table", path: at("exam"), settings: { task: "math", name: "exam", columns: {} } }],
      },
      rollouts: at("rollouts.jsonl"),
      boxes: "pixels",
      output: at("first"),
      threads: 1,
    };
    await curate(config);
    browser = await launchChromium(CHROMIUM);
    page = await browser.newPage({ acceptDownloads: true });
    page.setDefaultTimeout(10_000);
    onProblem(page, (problem) => said.push(problem));
    page.on("request", (request) => requested.push(request.url()));
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await page.setViewportSize({ width: 1280, height: 900 });
    [said, requested] = [[], []];
  });
  afterEach(() => {
    expect(said).toEqual([]);
    expect(requested.filter((url) => !/^(data|blob|file):/.test(url))).toEqual([]);
  });

  const open = async (name: string): Promise<void> => {
    await page.goto(`file://${at(name)}/report.html`);
    await page.locator("#rows .line").first().waitFor();
  };
  const press = (key: string): Promise<void> => page.keyboard.press(key);
  const place = (): Promise<string | null> => page.locator("#review .place").textContent();
  const showReview = (): Promise<unknown> => page.evaluate("document.getElementById('review').scrollIntoView()");

  it.each([
    ["light", 1440],
    ["dark", 1440],
    ["light", 360],
    ["dark", 360],
  ] as const)("is accessible and fits, %s at %i px", async (colorScheme, width) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await open("first");
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    await page.evaluate(axeCore.source);
    const found = await page.evaluate(
      async (runOnly) =>
        (
          await (
            globalThis as unknown as {
              axe: { run(options: unknown): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
            }
          ).axe.run({ runOnly })
        ).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`),
      WCAG,
    );
    expect(found).toEqual([]);
    expect(await page.title()).toBe("Curation report");
  });

  it("shows a suspect with its picture, both boxes, and what the answers say", async () => {
    await open("first");
    await showReview();
    const kinds: string[] = [];
    for (let i = 0; i < 3; i++) {
      kinds.push(String(await place()));
      if (kinds[i]!.includes("b7")) break;
      await press("ArrowRight");
    }
    expect(kinds.at(-1)).toContain("scenes/b7");
    const picture = (await page.locator(".scene img").boundingBox())!;
    for (const [kind, [x1, y1, x2, y2]] of [
      ["gold", [64, 48, 200, 200]],
      ["consensus", [322, 238, 483, 357]],
    ] as const) {
      const box = (await page.locator(`.box.${kind}`).boundingBox())!;
      const scale = picture.width / 644;
      // Boxes are on a grid of thousandths.
      expect(Math.abs(box.x - (picture.x + x1 * scale))).toBeLessThan(2);
      expect(Math.abs(box.y - (picture.y + y1 * scale))).toBeLessThan(2);
      expect(Math.abs(box.width - (x2 - x1) * scale)).toBeLessThan(3);
      expect(Math.abs(box.height - (y2 - y1) * scale)).toBeLessThan(3);
    }
    expect(await page.locator(".box.consensus").textContent()).toBe("8× cat");
    const colors = await page.evaluate(
      "[...document.querySelectorAll('.box')].map((box) => getComputedStyle(box).borderColor)",
    );
    expect(new Set(colors as string[]).size).toBe(2);
    expect(await page.locator(".classes").textContent()).toContain("8 of 8");
  });

  it("decides by key, undoes, keeps decisions, saves them, and the next run applies them", async () => {
    await open("first");
    await showReview();
    const names = ["r3", "r4", "b7"];
    const goTo = async (id: string): Promise<void> => {
      for (let i = 0; i < 3; i++) await press("ArrowLeft");
      for (let i = 0; i < 3 && !(await place())!.includes(`/${id}`); i++) await press("ArrowRight");
      expect(await place()).toContain(`/${id}`);
    };
    await goTo("r3");
    expect(await page.locator(".facts .question").textContent()).toBe(HOSTILE);
    await press("a");
    expect(await page.locator("#review .decided").textContent()).toBe("1 of 3 decided");
    await press("u");
    expect(await page.locator("#review .decided").textContent()).toBe("0 of 3 decided");
    expect(await place()).toContain("/r3");
    // Typing a search is no decision.
    await page.locator("#rows input").fill("");
    await page.locator("#rows input").pressSequentially("arc");
    expect(await page.locator("#review .decided").textContent()).toBe("0 of 3 decided");
    await page.locator("#rows input").blur();
    await showReview();
    await press("r");
    await goTo("r4");
    await press("c");
    await goTo("b7");
    await page.getByRole("button", { name: "Replace by consensus" }).click();
    expect(await page.locator("#review [role=status]").textContent()).toContain("All of them are decided");
    page.once("dialog", (dialog) => void dialog.accept());
    await page.reload();
    await page.locator("#review .decided").waitFor();
    expect(await page.locator("#review .decided").textContent()).toBe("3 of 3 decided");
    await showReview();
    const [download] = await Promise.all([page.waitForEvent("download"), press("s")]);
    expect(download.suggestedFilename()).toBe("decisions.json");
    await download.saveAs(at("decisions.json"));
    const saved = JSON.parse(readFileSync(at("decisions.json"), "utf8")) as {
      decisions: { id: string; decision: string }[];
    };
    expect(Object.fromEntries(saved.decisions.map(({ id, decision }) => [id, decision]))).toEqual({
      r3: "reject",
      r4: "replace",
      b7: "replace",
    });
    expect(names).toHaveLength(saved.decisions.length);

    const report = await curate({ ...config, decisions: at("decisions.json"), output: at("second") });
    expect(report.goldDecisions).toMatchObject({ accepted: 0, rejected: 1, replaced: 2, stale: 0, unknown: 0 });
    expect(report.suspiciousGolds?.suspected).toBe(0);
    expect(report.sources[0]!.dropped).toContainEqual(expect.objectContaining({ rule: "gold-rejected", rows: 1 }));
    await open("second");
    expect(await page.locator("#golds").textContent()).toContain("No gold looks wrong");
  });

  it("filters and searches all rows, kept and dropped, and shows why", async () => {
    await open("first");
    const told = page.locator("#rows .told");
    await expect.poll(() => told.textContent()).toBe(`${2 * ROWS + 1} of ${2 * ROWS + 1} rows.`);
    await page.locator("#rows").getByLabel("Fate").selectOption("no-nine");
    await expect.poll(() => told.textContent()).toBe(`1 of ${2 * ROWS + 1} rows.`);
    await page.locator("#rows .line").click();
    expect(await page.locator("dialog").textContent()).toMatch(/mine\/r9.*no-nine.*the answer is nine/);
    await press("Escape");
    await page.locator("#rows").getByLabel("Fate").selectOption("unreadable");
    await expect.poll(() => told.textContent()).toBe(`1 of ${2 * ROWS + 1} rows.`);
    await page.locator("#rows").getByLabel("Fate").selectOption("all");
    await page.locator("#rows").getByLabel("Source").selectOption("scenes");
    await expect.poll(() => told.textContent()).toBe(`${ROWS} of ${2 * ROWS + 1} rows.`);
    await page.locator("#rows").getByLabel("Source").selectOption("all");
    await page.locator("#rows").getByLabel("Text").fill("PICTURE 1");
    await expect.poll(() => told.textContent()).toBe(`11 of ${2 * ROWS + 1} rows.`);
    await page.locator("#rows").getByLabel("Text").fill("");
    await expect.poll(() => told.textContent()).toBe(`${2 * ROWS + 1} of ${2 * ROWS + 1} rows.`);
    await page.locator("#rows .rows").focus();
    await press("End");
    await expect
      .poll(() => page.locator("#rows .line").last().getAttribute("aria-posinset"))
      .toBe(String(2 * ROWS + 1));
    expect(await page.locator("#rows .line").count()).toBeLessThan(40);
    await press("Enter");
    expect(await page.locator("dialog").textContent()).toContain("unreadable");
  });

  it("shows both sides of what a benchmark has", async () => {
    await open("first");
    const pair = page.locator("#contamination .pair").first();
    expect(await pair.textContent()).toBe(`mine/r5${LONG}exam/q1${LONG}`);
  });

  it("says how many rows and suspects have no room", async () => {
    await curate({ ...config, output: at("bounded"), report: { rows: 10, suspects: 1 } });
    await open("bounded");
    expect(await page.locator("#rows > p").first().textContent()).toContain(
      `10 of ${2 * ROWS + 1} rows, drawn by the seed.`,
    );
    expect(await page.locator("#review").textContent()).toMatch(/2 more rows look wrong/);
  });
});

/** Labels, the trash, groups and pins in a real browser. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { findChromium, launchChromium, onProblem, WCAG } from "@v-triune/node-kit/testing/chromium";
import axeCore from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { copyRecordedRun, HOSTILE_TEXT } from "../testing/recorded-run";
import { startDashboard, type Dashboard } from "./start-dashboard";

const CHROMIUM = findChromium("labels and the trash in a browser");

describe.skipIf(CHROMIUM === undefined)("labels, trash, groups and pins in Chromium", () => {
  let parent: string;
  let dashboard: Dashboard;
  let browser: Browser;
  let page: Page;
  let said: string[];

  beforeAll(async () => {
    parent = mkdtempSync(join(tmpdir(), "v-triune-edits-"));
    for (const [name, rate] of [
      ["one", 1e-6],
      ["two", 1e-6],
      ["three", 1e-5],
    ] as const) {
      const folder = await copyRecordedRun(parent, name);
      const path = join(folder, "run.json");
      const description = JSON.parse(readFileSync(path, "utf8")) as { config: { optimizer: { lr: number } } };
      description.config.optimizer.lr = rate;
      writeFileSync(path, JSON.stringify(description));
      // The lock of a process that is gone: nobody writes to the run.
      writeFileSync(join(folder, "run.lock"), JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
    }
    dashboard = await startDashboard({ folder: parent, port: 0, pollMilliseconds: 100 });
    browser = await launchChromium(CHROMIUM);
  });
  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
    rmSync(parent, { recursive: true, force: true });
  });
  beforeEach(async () => {
    said = [];
    page = await newPage();
  });
  afterEach(async () => {
    await page.context().close();
    expect(said).toEqual([]);
  });

  async function newPage(): Promise<Page> {
    const fresh = await (await browser.newContext({ colorScheme: "light" })).newPage();
    fresh.setDefaultTimeout(10_000);
    // The refusals below are answers, which the browser's console repeats.
    onProblem(fresh, (problem) => /status of 4\d\d/.test(problem) || said.push(problem));
    return fresh;
  }
  const open = async (hash: string, ready: string, on = page): Promise<void> => {
    await on.goto(`${dashboard.url}${hash}`);
    await on.locator(ready).first().waitFor();
  };
  async function axe(): Promise<unknown[]> {
    await page.evaluate(axeCore.source);
    const run = (runOnly: readonly string[]) =>
      (
        globalThis as unknown as { axe: { run: (options: unknown) => Promise<{ violations: { id: string }[] }> } }
      ).axe.run({ runOnly });
    return (await page.evaluate(run, WCAG)).violations.map(({ id }) => id);
  }

  it("title, tags and note are saved as text, and seen in other tabs", async () => {
    const other = await newPage();
    await open("#/runs", "table a", other);
    await open("#/overview?run=one", ".labels");
    await page.getByRole("button", { name: "Edit labels" }).click();
    await page.getByLabel("Title").fill("the one with the fix");
    await page.getByLabel("Tags").fill("good, <b>bold</b>");
    await page.getByLabel("Note").fill(`${HOSTILE_TEXT}\n${"long ".repeat(1_900)}`);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "the one with the fix" }).waitFor();
    expect(await page.locator(".tag").allTextContents()).toEqual(["good", "<b>bold</b>"]);
    expect(await page.locator(".user-note").textContent()).toContain(HOSTILE_TEXT);
    expect(await page.evaluate("globalThis.hacked")).toBeUndefined();
    await other.getByRole("link", { name: "the one with the fix" }).waitFor();
    expect(await axe()).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
    await other.context().close();
  });

  it("what was typed stays when another tab was faster, and what it changed elsewhere is kept", async () => {
    const other = await newPage();
    for (const tab of [page, other]) {
      await open("#/overview?run=two", ".labels", tab);
      await tab.getByRole("button", { name: "Edit labels" }).click();
    }
    await other.getByLabel("Tags").fill("theirs");
    await other.getByLabel("Note").fill("their note");
    await other.getByRole("button", { name: "Save" }).click();
    await other.getByText("their note").waitFor();
    await page.getByLabel("Note").fill("my note");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("were changed elsewhere").waitFor();
    expect(await page.getByLabel("Note").inputValue()).toBe("my note");
    expect(await page.getByLabel("Tags").inputValue()).toBe("theirs");
    await page.locator("dd", { hasText: "their note" }).waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator("div.user-note", { hasText: "my note" }).waitFor();
    expect(await page.locator(".tag").allTextContents()).toEqual(["theirs"]);
    await other.context().close();
  });

  it("groups runs by a setting, archives and deletes those that are ticked, and undoes it", async () => {
    await open("#/runs", "table a");
    await page.getByLabel("Group by").selectOption("optimizer.lr");
    expect(await page.locator(".group th").allTextContents()).toEqual(["▾ 0.000001 2 runs", "▾ 0.00001 1 run"]);
    expect(await page.locator(".group td.number").nth(1).textContent()).toBe("0.672 ± 0");
    await page.getByRole("button", { name: "▾ 0.000001" }).click();
    expect(await page.locator("tbody a").count()).toBe(1);
    await page.reload();
    await page.locator(".group").first().waitFor();
    await page.getByLabel("Choose three").check();
    await page.getByRole("button", { name: "Archive" }).click();
    await page.getByLabel("archived (1)").waitFor();
    expect(await page.locator("tbody a").count()).toBe(2);
    await page.getByLabel("archived (1)").check();
    await page.getByLabel("Choose three").check();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("three is in the trash.").waitFor();
    expect(await page.locator("tbody a").count()).toBe(2);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByRole("link", { name: "three" }).click();
    await page.getByRole("button", { name: "Edit labels" }).click();
    expect(await axe()).toEqual([]);
    await page.getByRole("button", { name: "Back from the archive" }).click();
    await page.getByRole("button", { name: "Edit labels" }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("three is in the trash.").waitFor();
    await page.getByRole("link", { name: "Close" }).click();
    await page.getByText("Trash (1)").click();
    expect(await axe()).toEqual([]);
    await page.getByRole("button", { name: "Restore three" }).click();
    await page.getByLabel("Choose three").waitFor();
  });

  it("says why a run that is written to stays, and keeps a read-only page without buttons", async () => {
    const path = join(parent, "three", "run.lock");
    const dead = readFileSync(path, "utf8");
    writeFileSync(path, JSON.stringify({ pid: process.pid, host: hostname() }));
    await open("#/runs", "table a");
    await page.getByLabel("Choose three").check();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("The run is in use and stays where it is.").waitFor();
    writeFileSync(path, dead);
    const closed = await startDashboard({ folder: parent, port: 0, readOnly: true });
    await page.goto(`${closed.url}#/runs`);
    await page.locator("table a").first().waitFor();
    expect(await page.locator("input[aria-label^=Choose]").count()).toBe(0);
    await page.goto(`${closed.url}#/overview?run=three`);
    await page.locator(".labels").waitFor({ state: "attached" });
    expect(await page.getByRole("button", { name: "Edit labels" }).count()).toBe(0);
    await page.goto("about:blank");
    await closed.close();
  });

  it("pins a chart of a source to every overview, and to the address", async () => {
    await open("#/source?run=one&name=demo_detect", "canvas");
    const chart = page.locator(".chart", { has: page.getByRole("heading", { name: "Correct", exact: true }) });
    await chart.hover();
    await chart.getByRole("button", { name: "Pin Correct" }).click();
    await open("#/overview?run=two", "canvas");
    await page.getByRole("heading", { name: "demo_detect: Correct" }).waitFor();
    const entropy = page.locator(".chart", { has: page.getByRole("heading", { name: "Entropy" }) });
    await entropy.scrollIntoViewIfNeeded();
    await entropy.hover();
    await entropy.getByRole("button", { name: "Pin Entropy" }).click();
    await expect.poll(() => page.getByRole("heading", { name: "Entropy" }).count()).toBe(2);
    const other = await newPage();
    await other.goto(page.url());
    await other.getByRole("heading", { name: "demo_detect: Correct" }).waitFor();
    expect(await other.getByRole("heading", { name: "Entropy" }).count()).toBe(2);
    await other.context().close();
  });
});

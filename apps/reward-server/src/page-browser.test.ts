/** The page in a real browser. */
import { WCAG, findChromium, launchChromium, onProblem } from "@v-triune/node-kit/testing/chromium";
import axeCore from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { PAGE_EXAMPLES } from "./page-examples";
import { startRewardServer, type RewardServer } from "./server";

const CHROMIUM = findChromium("the reward server's page in a browser");

describe.skipIf(CHROMIUM === undefined)("the page in Chromium", () => {
  let server: RewardServer;
  let browser: Browser;
  let page: Page;
  let said: string[] = [];
  beforeAll(async () => {
    server = await startRewardServer({ port: 0, workers: 1, token: "correct-horse", logLevel: "silent" });
    // The page's own policy forbids a script from elsewhere, which axe is.
    browser = await launchChromium(CHROMIUM);
    page = await (await browser.newContext({ bypassCSP: true })).newPage();
    page.setDefaultTimeout(15_000);
    onProblem(page, (problem) => said.push(problem));
  });
  afterAll(async () => {
    await browser?.close();
    await server?.drain();
  });
  beforeEach(async () => {
    await page.goto(server.url);
    await page.fill("#token", "correct-horse");
    // Before it had the token the page asked for the counters once, and the browser says so.
    await page.waitForFunction(
      'document.getElementById("state").textContent === "" && document.getElementById("workers_ready").textContent === "1"',
    );
    said = [];
  });

  it("has an example for every built-in verifier, each judged right, and counts them as they come", async () => {
    expect(Object.keys(PAGE_EXAMPLES).toSorted()).toEqual([...server.verifiers].toSorted());
    const counted = async () => Number((await page.textContent("#verdicts")) ?? Number.NaN);
    const before = await counted();
    for (const name of server.verifiers) {
      await page.selectOption("#verifier", name);
      await page.click("button");
      await page.waitForFunction('document.getElementById("verdict").textContent.startsWith("{")');
      expect(JSON.parse((await page.textContent("#verdict")) ?? ""), name).toMatchObject({
        status: "scored",
        accuracy: 1,
      });
    }
    await expect.poll(counted, { timeout: 5000 }).toBe(before + server.verifiers.length);
    expect(said).toEqual([]);
  });

  it("says what is wrong with parameters and with a token", async () => {
    await page.fill("#params", "{");
    await page.click("button");
    await expect.poll(() => page.textContent("#verdict")).toMatch(/JSON/);
    await page.fill("#params", '{"epsilon": 7}');
    await page.selectOption("#verifier", "detection");
    await page.fill("#params", '{"epsilon": 7}');
    await page.click("button");
    await expect.poll(() => page.textContent("#verdict")).toMatch(/epsilon/);
    expect(said).toEqual([]);
    await page.fill("#token", "wrong-horse");
    await page.click("button");
    await expect.poll(() => page.textContent("#verdict")).toMatch(/bearer token/);
    await expect.poll(() => page.textContent("#state")).toMatch(/bearer token/);
  });

  it.each([
    ["light", 1280],
    ["dark", 1280],
    ["light", 360],
    ["dark", 360],
  ] as const)("is accessible and fits, %s at %i px", async (colorScheme, width) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await page.addScriptTag({ content: axeCore.source });
    const violations = await page.evaluate(async (values) => {
      const { axe } = globalThis as unknown as {
        axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      };
      return (await axe.run({ runOnly: { type: "tag", values } })).violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`,
      );
    }, WCAG);
    expect(violations).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    if (process.env["V_TRIUNE_SCREENSHOTS"] !== undefined)
      await page.screenshot({
        path: `${process.env["V_TRIUNE_SCREENSHOTS"]}/reward-server-${colorScheme}-${width}.png`,
        fullPage: true,
      });
  });
});

/**
 * Makes the animated picture of the playground that the README shows: a run in headless Chromium, a frame for each
 * step.
 *
 *     node tools/run.mjs tools/playground-picture.ts [FILE]     (default: docs/images/playground-learn.webp)
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { findChromium, launchChromium } from "@v-triune/node-kit/testing/chromium";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { build } from "vite";
import { serveSite } from "../apps/playground/src/testing/site-server";

const STEPS = 40;
const SIZE = { width: 1000, height: 640 };
/** Bytes that the picture may have at most. */
const MOST_BYTES = 2e6;
/** Milliseconds that frames are shown. */
const DELAY = { step: 160, result: 2500 };

const root = resolve(import.meta.dirname, "..");
const target = resolve(process.argv[2] ?? join(root, "docs/images/playground-learn.webp"));
const chromium = findChromium("the picture of the playground");
if (chromium === undefined) process.exit(1);

/** Screenshots of a run: each step, then the end. */
async function record(page: Page, url: string): Promise<Buffer[]> {
  await page.goto(`${url}index.html?seed=1&steps=${STEPS}&heldOut=20`);
  await page.getByRole("button", { name: "Start" }).click();
  const frames: Buffer[] = [];
  for (let step = 1; step < STEPS; step++) {
    await page.waitForFunction(
      `(/Step (\\d+) of/.exec(document.body.innerText)?.[1] ?? 0) >= ${step} || document.body.innerText.includes("after training")`,
    );
    frames.push(await page.screenshot());
  }
  await page.getByText("Finished").waitFor();
  frames.push(await page.screenshot());
  await page.locator(".pair").first().scrollIntoViewIfNeeded();
  await page.evaluate(`document.querySelector("section[aria-label='Before and after']").scrollIntoView()`);
  frames.push(await page.screenshot());
  return frames;
}

const site = mkdtempSync(join(tmpdir(), "v-triune-picture-"));
try {
  const configFile = join(root, "apps/playground/vite.config.ts");
  await build({ configFile, logLevel: "error", build: { outDir: site } });
  const served = await serveSite(site);
  const browser = await launchChromium(chromium);
  try {
    const page = await browser.newPage({ viewport: SIZE, colorScheme: "light" });
    page.setDefaultTimeout(300_000);
    const frames = await record(page, served.url);
    const delay = frames.map((_, index) => (index < frames.length - 2 ? DELAY.step : DELAY.result));
    const picture = await sharp(frames, { join: { animated: true } })
      .webp({ quality: 60, effort: 5, delay, loop: 0 })
      .toBuffer();
    if (picture.length > MOST_BYTES)
      throw new RangeError(`the picture has ${picture.length} bytes, more than ${MOST_BYTES}`);
    writeFileSync(target, picture);
    console.log(`${target}: ${frames.length} frames, ${Math.round(picture.length / 1000)} KB`);
  } finally {
    await browser.close();
    await served.close();
  }
} finally {
  rmSync(site, { recursive: true, force: true });
}

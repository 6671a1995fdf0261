/**
 * For tests: pictures of the dashboard's pages that are the same on every machine with the same Chromium. The browser
 * sees the DejaVu fonts only, which Debian's fontconfig brings, without hinting or subpixels; a picture has half the
 * size of the page and is taken when two in a row are equal.
 */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { launchChromium } from "@v-triune/node-kit/testing/chromium";
import type { Browser, Page } from "playwright-core";
import type { DashboardPage } from "./dashboard-pages";

const FONTS = "/usr/share/fonts/truetype/dejavu";
const FONT_FLAGS = ["--font-render-hinting=none", "--disable-lcd-text", "--force-color-profile=srgb"];
/** Looks at a page until two are equal. */
const MOST_LOOKS = 40;
const LOOK_MILLISECONDS = 60;
/** Pixels of a picture per CSS pixel. */
const SCALE = 0.5;

export type PictureKind = "light" | "dark" | "phone";

/** CSS pixels of each kind. */
const SIZES: Readonly<Record<PictureKind, { readonly width: number; readonly height: number }>> = {
  light: { width: 1280, height: 1000 },
  dark: { width: 1280, height: 1000 },
  phone: { width: 360, height: 1000 },
};

/** A page as it was seen. */
export interface SeenPage {
  /** PNG files. */
  readonly pictures: Readonly<Record<PictureKind, Buffer>>;
  /** Sums of the layout shifts of two loads, at the width of a telephone and of a desktop. */
  readonly shifts: { readonly phone: number; readonly desktop: number };
}

/** @param what is skipped without the fonts, for the message that says so */
export function findFonts(what: string): boolean {
  const isFound = existsSync(join(FONTS, "DejaVuSans.ttf")) && existsSync(join(FONTS, "DejaVuSansMono.ttf"));
  if (!isFound) console.warn(`skipped: ${what}. No DejaVu fonts in ${FONTS}; apt-get install fonts-dejavu-core.`);
  return isFound;
}

/**
 * A browser that draws text alike everywhere.
 *
 * @param folder for the configuration of its fonts, and their cache
 */
export async function launchForPictures(executablePath: string | undefined, folder: string): Promise<Browser> {
  const settings = [
    ["antialias", "true"],
    ["hinting", "false"],
    ["autohint", "false"],
  ].map(([name, value]) => `<edit name="${name}" mode="assign"><bool>${value}</bool></edit>`);
  const path = join(folder, "fonts.conf");
  await writeFile(
    path,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>${FONTS}</dir>` +
      `<cachedir>${join(folder, "font-cache")}</cachedir><match target="font">${settings.join("")}` +
      `<edit name="rgba" mode="assign"><const>none</const></edit></match>` +
      ["monospace", "ui-monospace"]
        .map((family) => `<alias><family>${family}</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>`)
        .join("") +
      // For every family that is not here.
      '<match target="pattern"><edit name="family" mode="append_last"><string>DejaVu Sans</string></edit></match>' +
      "</fontconfig>",
  );
  return await launchChromium(executablePath, { args: FONT_FLAGS, env: { FONTCONFIG_FILE: path } });
}

/** In the folder of the pictures: the Chromium that they were taken with. Another one draws letters otherwise. */
export const CHROMIUM_FILE = "chromium.txt";

/** The number that changes with what a Chromium draws. */
export const chromiumVersion = (browser: Browser): string => browser.version().split(".")[0]!;

/** What is seen once it no longer changes. */
async function stillPicture(page: Page): Promise<Buffer> {
  await page.evaluate(
    "Promise.all([document.fonts.ready, ...[...document.images].map((image) => image.decode().catch(() => {}))])",
  );
  let before: Buffer = Buffer.alloc(0);
  for (let look = 0; look < MOST_LOOKS; look += 1) {
    const now = await page.screenshot({ animations: "disabled" });
    if (now.equals(before)) return now;
    before = now;
    await page.waitForTimeout(LOOK_MILLISECONDS);
  }
  throw new Error(`The page ${page.url()} does not come to rest.`);
}

/** A page for {@link seePage}, which keeps the sum of its layout shifts, those after a click or a key left out. */
export async function newPicturePage(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ colorScheme: "light", deviceScaleFactor: SCALE });
  await context.addInitScript(`
    globalThis.layoutShift = 0;
    new PerformanceObserver((list) => {
      for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) globalThis.layoutShift += value;
    }).observe({ type: "layout-shift", buffered: true });`);
  return await context.newPage();
}

async function load(page: Page, url: string, { hash, ready }: DashboardPage, kind: PictureKind): Promise<void> {
  await page.goto("about:blank");
  await page.setViewportSize(SIZES[kind]);
  await page.goto(`${url}${hash}`);
  await page.locator(ready).first().waitFor();
}

/**
 * Opens a page as a telephone and as a desktop do, and looks at it there, light and dark.
 *
 * @param page of {@link newPicturePage}
 */
export async function seePage(page: Page, url: string, shown: DashboardPage): Promise<SeenPage> {
  const shift = async (): Promise<number> => Number(await page.evaluate("globalThis.layoutShift"));
  await load(page, url, shown, "phone");
  const phone = await stillPicture(page);
  const phoneShift = await shift();
  await load(page, url, shown, "light");
  const light = await stillPicture(page);
  const desktopShift = await shift();
  await page.getByLabel("Dark colors").click();
  await page.mouse.move(0, 0);
  const dark = await stillPicture(page);
  await page.getByLabel("Light colors").click();
  return { pictures: { light, dark, phone }, shifts: { phone: phoneShift, desktop: desktopShift } };
}

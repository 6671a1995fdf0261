/**
 * Every page, light, dark and on a telephone, against the pictures in test-data/pictures. `npm run pictures` makes them
 * again after a change that is meant; look at each before you commit it.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findChromium, onProblem } from "@v-triune/node-kit/testing/chromium";
import pixelmatch from "pixelmatch";
import type { Browser, Page } from "playwright-core";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DASHBOARD_PAGES, writePageRuns } from "../testing/dashboard-pages";
import {
  CHROMIUM_FILE,
  chromiumVersion,
  findFonts,
  launchForPictures,
  newPicturePage,
  seePage,
  type PictureKind,
} from "../testing/page-pictures";
import { startDashboard, type Dashboard } from "./start-dashboard";

const PICTURES = fileURLToPath(new URL("../../../test-data/pictures/", import.meta.url));
/** Where the pictures of a failure go. */
const FAILED = join(tmpdir(), "v-triune-pictures");
/** A pixel differs if its color does by more than this (1: black and white): above what edges of letters differ by. */
const THRESHOLD = 0.15;
/** In a square of this size, so that one moved line of text is found and specks all over the page are not. */
const WINDOW = 40;
const MOST_DIFFERENT = 80;
const LARGEST_SHIFT = 0.1;

const CHROMIUM = findChromium("pictures of the dashboard's pages");

/** Pixels of the worst window that differ; a picture of another size differs everywhere. */
function difference(name: string, seen: PNG): number {
  const kept = PNG.sync.read(readFileSync(join(PICTURES, `${name}.png`)));
  const { width, height } = kept;
  if (seen.width !== width || seen.height !== height) return Infinity;
  const shown = new PNG({ width, height });
  const count = pixelmatch(kept.data, seen.data, shown.data, width, height, {
    threshold: THRESHOLD,
    windowSize: WINDOW,
  });
  if (count > MOST_DIFFERENT) {
    mkdirSync(FAILED, { recursive: true });
    writeFileSync(join(FAILED, `${name}.png`), PNG.sync.write(seen));
    writeFileSync(join(FAILED, `${name}-difference.png`), PNG.sync.write(shown));
  }
  return count;
}

describe.skipIf(CHROMIUM === undefined || !findFonts("pictures of the dashboard's pages"))("pictures", () => {
  let parent: string;
  let dashboard: Dashboard;
  let browser: Browser;
  let page: Page;
  const said: string[] = [];
  let isComparable: boolean;

  beforeAll(async () => {
    parent = mkdtempSync(join(tmpdir(), "v-triune-pictures-"));
    await writePageRuns(join(parent, "runs"));
    dashboard = await startDashboard({ folder: join(parent, "runs"), port: 0 });
    browser = await launchForPictures(CHROMIUM, parent);
    const [made, found] = [readFileSync(join(PICTURES, CHROMIUM_FILE), "utf8").trim(), chromiumVersion(browser)];
    isComparable = made === found;
    if (!isComparable)
      console.warn(
        `skipped: comparing pictures of Chromium ${made} with what Chromium ${found} draws; npm run pictures.`,
      );
    page = await newPicturePage(browser);
    onProblem(page, (problem) => said.push(problem));
  });
  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
    rmSync(parent, { recursive: true, force: true });
  });

  it.each(DASHBOARD_PAGES.map((shown) => [shown.name, shown] as const))(
    "%s looks as it did, does not move while it loads and reports no problem",
    async (name, shown) => {
      const { pictures, shifts } = await seePage(page, dashboard.url, shown);
      const compared = isComparable ? (Object.entries(pictures) as [PictureKind, Buffer][]) : [];
      for (const [kind, picture] of compared)
        expect(
          difference(`${name}-${kind}`, PNG.sync.read(picture)),
          `see ${FAILED}/${name}-${kind}*`,
        ).toBeLessThanOrEqual(MOST_DIFFERENT);
      expect(Math.max(shifts.phone, shifts.desktop)).toBeLessThan(LARGEST_SHIFT);
      expect(said).toEqual([]);
    },
  );
});

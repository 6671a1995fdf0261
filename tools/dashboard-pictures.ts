/**
 * Makes pictures of the dashboard's pages again, after a change of their look that is meant. Look at each before you
 * commit it.
 *
 *     npm run pictures                 those that tests compare with (packages/monitor/test-data/pictures)
 *     npm run pictures -- RUN          those of docs/dashboard.md, of a run folder that v-triune demo made
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { findChromium } from "@v-triune/node-kit/testing/chromium";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { startDashboard } from "../packages/monitor/src/dashboard/index";
import { DASHBOARD_PAGES, writePageRuns } from "../packages/monitor/src/dashboard/testing/dashboard-pages";
import {
  findFonts,
  CHROMIUM_FILE,
  chromiumVersion,
  launchForPictures,
  newPicturePage,
  seePage,
} from "../packages/monitor/src/dashboard/testing/page-pictures";

const root = resolve(import.meta.dirname, "..");
const COLORS = 64;

/** Pages of docs/dashboard.md, by the name of their picture. */
const SHOWN: readonly (readonly [name: string, hash: string, ready: string, height: number])[] = [
  ["overview", "#/overview?run=RUN", ".uplot canvas", 800],
  ["changes", "#/changes?run=RUN&since=20", ".changes td", 640],
  ["sources", "#/sources?run=RUN", ".grid td", 640],
];

const small = (picture: Buffer): Promise<Buffer> =>
  sharp(picture).png({ palette: true, colors: COLORS, effort: 10, compressionLevel: 9, dither: 0 }).toBuffer();

/** The rollouts of a prompt with boxes in which the first answer that overlaps its gold box in part is chosen. */
async function openInspector(page: Page, url: string, run: string): Promise<void> {
  interface Rollout {
    readonly sample: number;
    readonly boxes: { readonly matches: readonly { readonly iou: number }[] } | null;
  }
  const ask = async <T>(path: string): Promise<T> => (await (await fetch(`${url}api/${path}`)).json()) as T;
  const at = `run=${encodeURIComponent(run)}`;
  const { rows } = await ask<{ rows: { step: number; group: number }[] }>(
    `rollouts?${at}&source=demo_ground&limit=400`,
  );
  for (const { step, group } of new Map(rows.map((row) => [`${row.step} ${row.group}`, row])).values()) {
    const { rollouts } = await ask<{ rollouts: Rollout[] }>(`group?${at}&step=${step}&group=${group}`);
    const partly = rollouts.find(({ boxes }) => boxes?.matches.some(({ iou }) => iou > 0.5 && iou < 0.9));
    if (partly === undefined) continue;
    await page.goto(`${url}#/rollouts?${at}&step=${step}&group=${group}&sample=${partly.sample}`);
    await page
      .locator(".box.predicted")
      .first()
      .hover({ position: { x: 8, y: 8 } });
    return;
  }
  throw new Error("No rollout of this run has a box that overlaps its gold box in part.");
}

async function makeReferences(chromium: string, scratch: string): Promise<void> {
  const target = join(root, "packages/monitor/test-data/pictures");
  mkdirSync(target, { recursive: true });
  await writePageRuns(join(scratch, "runs"));
  const dashboard = await startDashboard({ folder: join(scratch, "runs"), port: 0 });
  const browser = await launchForPictures(chromium, scratch);
  try {
    writeFileSync(join(target, CHROMIUM_FILE), `${chromiumVersion(browser)}\n`);
    const page = await newPicturePage(browser);
    for (const shown of DASHBOARD_PAGES) {
      const { pictures, shifts } = await seePage(page, dashboard.url, shown);
      for (const [kind, picture] of Object.entries(pictures))
        writeFileSync(join(target, `${shown.name}-${kind}.png`), await small(picture));
      console.log(`${shown.name}: layout shift ${shifts.phone.toFixed(3)} phone, ${shifts.desktop.toFixed(3)} desktop`);
    }
  } finally {
    await browser.close();
    await dashboard.close();
  }
}

async function makeDocsPictures(chromium: string, scratch: string, folder: string): Promise<void> {
  const dashboard = await startDashboard({ folder, port: 0, readOnly: true });
  const browser = await launchForPictures(chromium, scratch);
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
    const run = basename(folder);
    const keep = async (name: string): Promise<void> => {
      await page.waitForTimeout(1_500);
      writeFileSync(join(root, `docs/images/dashboard-${name}.png`), await small(await page.screenshot()));
    };
    for (const [name, hash, ready, height] of SHOWN) {
      await page.setViewportSize({ width: 1280, height });
      await page.goto(`${dashboard.url}${hash.replace("RUN", encodeURIComponent(run))}`);
      await page.locator(ready).first().waitFor();
      await keep(name);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await openInspector(page, dashboard.url, run);
    await keep("inspector");
  } finally {
    await browser.close();
    await dashboard.close();
  }
}

const chromium = findChromium("pictures of the dashboard");
if (chromium === undefined || !findFonts("pictures of the dashboard")) process.exit(1);
const run = process.argv[2];
if (run !== undefined && !existsSync(join(run, "run.json"))) {
  console.error(`${run} is no run folder. Make one: npx v-triune demo --out demo`);
  process.exit(1);
}
const scratch = mkdtempSync(join(tmpdir(), "v-triune-pictures-"));
try {
  if (run === undefined) await makeReferences(chromium, scratch);
  else await makeDocsPictures(chromium, scratch, resolve(run));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

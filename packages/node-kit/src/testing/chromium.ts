/**
 * Tests of pages in a real browser. Needs Chromium: `apt-get install chromium`, or CHROMIUM_PATH to one that is
 * elsewhere.
 */
import { existsSync } from "node:fs";
import { type Browser, type Page, chromium } from "playwright-core";

/** The rules of WCAG 2.1, levels A and AA, as axe names them. */
export const WCAG: readonly string[] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** @param what is skipped without Chromium, for the message that says so */
export function findChromium(what: string): string | undefined {
  const path = [
    process.env["CHROMIUM_PATH"],
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
  ].find((candidate) => candidate !== undefined && existsSync(candidate));
  if (path === undefined)
    console.warn(`skipped: ${what}. No Chromium here; apt-get install chromium, or set CHROMIUM_PATH.`);
  return path;
}

/** @param further flags, and variables beside those of this process */
export function launchChromium(
  executablePath: string | undefined,
  further: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Browser> {
  const { args = [], env } = further;
  return chromium.launch({
    executablePath: executablePath ?? "",
    args: [...FLAGS, ...args],
    ...(env && { env: { ...(process.env as Record<string, string>), ...env } }),
  });
}

/** Tells each error and warning of a page's console, and each error that its scripts throw. */
export function onProblem(page: Page, tell: (problem: string) => void): void {
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") tell(message.text());
  });
  page.on("pageerror", (error) => tell(error.stack ?? error.message));
}

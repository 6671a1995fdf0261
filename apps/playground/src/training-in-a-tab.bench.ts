/**
 * A run in a tab of Chromium: how soon the first step is shown, how smooth the page and its dashboard are while it
 * trains, what is sent, and how much memory the tab takes. Needs Chromium (CHROMIUM_PATH). The load of the machine,
 * which decides much of it, is printed, too. STEPS is the length of the run, default 200.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { findChromium } from "@v-triune/node-kit/testing/chromium";
import { chromium, type CDPSession, type Page } from "playwright-core";
import { build } from "vite";
import { serveSite } from "./testing/site-server";

const STEPS = Number(process.env["STEPS"] ?? 200);

const executablePath = findChromium("the bench of the playground");
if (executablePath === undefined) process.exit(0);

/** Run in the page: the gaps between frames, until `stopWatching` gives them. */
const WATCH = `{
  const frames = [];
  let watching = true;
  const step = (now) => { frames.push(now); if (watching) requestAnimationFrame(step); };
  requestAnimationFrame(step);
  globalThis.stopWatching = () => {
    watching = false;
    const gaps = frames.slice(1).map((at, index) => at - frames[index]).sort((a, b) => a - b);
    return { frames: gaps.length, middle: gaps[gaps.length >> 1], p99: gaps[Math.floor(gaps.length * 0.99)], longest: gaps.at(-1) };
  };
}`;

interface Gaps {
  readonly frames: number;
  readonly middle: number;
  readonly p99: number;
  readonly longest: number;
}

/** Watches frames until something has happened. */
async function watchFrames(page: Page, title: string, until: () => Promise<unknown>): Promise<void> {
  await page.evaluate(WATCH);
  const load = loadavg()[0]!;
  await until();
  const { frames, middle, p99, longest } = (await page.evaluate("stopWatching()")) as Gaps;
  console.log(
    `${title}: ${frames} frames, gap ${middle.toFixed(1)} ms in the middle, p99 ${p99.toFixed(1)}, longest ` +
      `${longest.toFixed(1)}; load ${load.toFixed(1)}`,
  );
}

/** Waits until the page or its dashboard shows this step or a later one. */
function untilStep(page: Page, step: number): Promise<unknown> {
  return page.waitForFunction(
    `(() => { const shown = /Step (\\d+) of|of step (\\d+)/.exec(document.body.innerText); ` +
      `return shown !== null && Number(shown[1] ?? shown[2]) >= ${step}; })()`,
  );
}

/** Collects garbage in the page and its workers, so that what is left is what they hold. */
class GarbageCollector {
  readonly #session: CDPSession;
  readonly #workers = new Set<string>();
  #asked = 0;

  private constructor(session: CDPSession) {
    this.#session = session;
    session.on("Target.attachedToTarget", ({ sessionId }) => this.#workers.add(sessionId));
    session.on("Target.detachedFromTarget", ({ sessionId }) => this.#workers.delete(sessionId));
  }

  static async of(page: Page): Promise<GarbageCollector> {
    const session = await page.context().newCDPSession(page);
    const made = new GarbageCollector(session);
    await session.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
    return made;
  }

  async collect(): Promise<void> {
    await this.#session.send("HeapProfiler.collectGarbage");
    for (const worker of this.#workers) await this.#inWorker(worker, "HeapProfiler.collectGarbage");
  }

  #inWorker(sessionId: string, method: string): Promise<void> {
    const id = (this.#asked += 1);
    return new Promise((done, fail) => {
      const listen = (answer: { sessionId: string; message: string }): void => {
        if (answer.sessionId !== sessionId || (JSON.parse(answer.message) as { id?: number }).id !== id) return;
        this.#session.off("Target.receivedMessageFromTarget", listen);
        done();
      };
      this.#session.on("Target.receivedMessageFromTarget", listen);
      const message = JSON.stringify({ id, method });
      this.#session.send("Target.sendMessageToTarget", { sessionId, message }).catch(fail);
    });
  }
}

/** Megabytes that a process has for itself alone, without what the kernel shares among processes. */
function privateMegabytes(pid: string): number {
  const lines = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8").matchAll(/^Private_\w+:\s+(\d+) kB/gm);
  return [...lines].reduce((sum, [, kilobytes]) => sum + Number(kilobytes), 0) / 1024;
}

/** Of the tab, which is the largest renderer that this process started. */
async function printMemory(step: number, garbage: GarbageCollector): Promise<void> {
  await garbage.collect();
  const lines = execFileSync("ps", ["-eo", "pid,ppid,args"], { encoding: "utf8" }).split("\n").slice(1);
  const processes = lines.map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)).filter((match) => match !== null);
  const parents = new Map(processes.map(([, pid, parent]) => [pid!, parent!]));
  const isOurs = (pid: string): boolean => {
    for (let at: string | undefined = pid; at !== undefined; at = parents.get(at))
      if (Number(at) === process.pid) return true;
    return false;
  };
  const renderers = processes.filter(([, pid, , args]) => args!.includes("--type=renderer") && isOurs(pid!));
  const megabytes = Math.max(0, ...renderers.map(([, pid]) => privateMegabytes(pid!)));
  console.log(`memory of the tab at step ${step}, after a garbage collection: ${megabytes.toFixed(0)} MB`);
}

const folder = mkdtempSync(join(tmpdir(), "v-triune-tab-"));
try {
  const site = join(folder, "site");
  await build({
    configFile: resolve(import.meta.dirname, "../vite.config.ts"),
    logLevel: "error",
    build: { outDir: site },
  });
  const served = await serveSite(site);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(3_600_000);
    const garbage = await GarbageCollector.of(page);
    await page.goto(`${served.url}index.html?seed=1&steps=${STEPS}&heldOut=10`);
    // What the machine's load does to a page that has nothing to do.
    await watchFrames(page, "before the click", () => page.waitForTimeout(5000));
    const clicked = performance.now();
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText(/Step \d+ of/).waitFor();
    const seconds = (performance.now() - clicked) / 1000;
    console.log(`first step ${seconds.toFixed(1)} s after the click; load ${loadavg()[0]!.toFixed(1)}`);
    const names = [...served.sent.keys()];
    const raw = names.reduce((sum, name) => sum + statSync(join(site, name)).size, 0);
    const packed = [...served.sent.values()].reduce((sum, bytes) => sum + bytes, 0);
    console.log(
      `sent until then: ${(packed / 1e6).toFixed(2)} MB where all but the weights is compressed, ` +
        `${(raw / 1e6).toFixed(2)} MB as the files lie`,
    );
    const part = Math.floor(STEPS / 4);
    await watchFrames(page, `the run's page, until step ${part}`, () => untilStep(page, part));
    await printMemory(part, garbage);
    await page.getByRole("link", { name: "Open the dashboard" }).click();
    await page.getByText("Training health").waitFor();
    await watchFrames(page, `the dashboard, until step ${2 * part}`, () => untilStep(page, 2 * part));
    await printMemory(2 * part, garbage);
    await page.getByRole("link", { name: "← Learn" }).click();
    for (const quarter of [3, 4]) {
      await (quarter === 4 ? page.getByText(/Finished/).waitFor() : untilStep(page, quarter * part));
      await printMemory(quarter * part, garbage);
    }
  } finally {
    await browser.close();
    await served.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The built site in real browsers. */
import { spawn } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { readSamples, writeSamples } from "@v-triune/data-filters";
import {
  demoRecipe,
  demoSourceNames,
  samplesForSteps,
  writeHeldOutData,
  writeTrainingData,
} from "@v-triune/demo-tasks";
import { type MetricRecord, parseRecordLine, readMetricRecords } from "@v-triune/monitor";
import { type RolloutGroup, type RunDetail, startDashboard } from "@v-triune/monitor/dashboard";
import { WCAG, findChromium, launchChromium, onProblem } from "@v-triune/node-kit/testing/chromium";
import { KNOWN_VERIFIERS, type Sample } from "@v-triune/schema";
import { resolveTrainingConfig, runTraining } from "@v-triune/training";
import { runFolderConfig } from "@v-triune/training/run-folder";
import axeCore from "axe-core";
import { unzipSync } from "fflate";
import type { Browser, Page, Request } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Site, serveSite } from "./testing/site-server";

const CHROMIUM = findChromium("the playground in a browser");
const FIREFOX = ["/usr/bin/firefox-esr", "/usr/bin/firefox"].find((path) => existsSync(path));
if (FIREFOX === undefined) console.warn("skipped: the playground in Firefox; apt-get install firefox-esr.");

const STEPS = 10;
const HELD_OUT = 2;
const RUN = `index.html?seed=1&steps=${STEPS}&heldOut=${HELD_OUT}`;

const folder = mkdtempSync(join(tmpdir(), "v-triune-playground-"));
const site = join(folder, "site");
/** What Node computes, by the trainer that everybody uses. */
let expected: readonly MetricRecord[];

beforeAll(async () => {
  const configFile = resolve(import.meta.dirname, "../vite.config.ts");
  await build({ configFile, logLevel: "error", build: { outDir: site } });
  const paths = { train: join(folder, "train.parquet"), eval: join(folder, "held-out.parquet") };
  await writeTrainingData(paths.train, samplesForSteps(STEPS), 1);
  await writeHeldOutData(paths.eval, HELD_OUT);
  const run = join(folder, "run");
  await runTraining(
    resolveTrainingConfig({
      ...demoRecipe,
      model: resolve(import.meta.dirname, "../../trainer/assets/demo-model"),
      data: paths,
      run: { name: "node", folder: run, seed: 1, steps: STEPS },
      evaluation: { every: null, samplesPerSource: HELD_OUT },
      backend: "wasm",
      workers: 1,
    }),
  );
  expected = await recordsOf(run);
  // Seconds on a quiet machine.
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const withoutTimes = (record: MetricRecord): MetricRecord => ({
  ...record,
  metrics: Object.fromEntries(Object.entries(record.metrics).filter(([key]) => !/^(timing_s|perf)\//.test(key))),
});

async function recordsOf(run: string): Promise<MetricRecord[]> {
  const records: MetricRecord[] = [];
  for await (const record of readMetricRecords(join(run, "metrics.jsonl"))) records.push(withoutTimes(record));
  return records;
}

const readNumbers = (text: string): MetricRecord[] =>
  text
    .trim()
    .split("\n")
    .map((line) => withoutTimes(parseRecordLine(line)!));

interface ChosenFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The demonstration's samples, and one whose verifier only its writer knows. */
async function writeMixedCorpus(path: string): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of readSamples(join(folder, "train.parquet"), { limit: 56 })) samples.push(sample);
  const last = samples.at(-1)!;
  samples.push({ ...last, reward_model: { ...last.reward_model, verifier: "mine" } });
  await writeSamples(path, samples, { verifiers: [...KNOWN_VERIFIERS, "mine"] });
  return samples;
}

async function writeOtherLayout(path: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(`COPY (SELECT 'How many?' AS question, 3 AS answer) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
}

describe.skipIf(CHROMIUM === undefined)("the playground in Chromium", () => {
  let served: Site;
  let browser: Browser;
  let page: Page;
  const said: string[] = [];

  beforeAll(async () => {
    served = await serveSite(site);
    browser = await launchChromium(CHROMIUM);
    page = await browser.newPage({ colorScheme: "light" });
    page.setDefaultTimeout(100_000);
    onProblem(page, (problem) => said.push(problem));
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
  });

  const axe = async (): Promise<string[]> => {
    await page.evaluate(axeCore.source);
    const violations = await page.evaluate(async (runOnly) => {
      const { axe } = globalThis as unknown as {
        axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      };
      return (await axe.run({ runOnly })).violations;
    }, WCAG);
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  };
  const overflows = async (): Promise<number[]> => {
    const found: number[] = [];
    for (const width of [360, 1280, 3840]) {
      await page.setViewportSize({ width, height: 900 });
      if ((await page.evaluate("document.documentElement.scrollWidth")) !== width) found.push(width);
    }
    return found;
  };
  /** Kilobytes of everything that was sent. */
  const kilobytes = (): number => [...served.sent.values()].reduce((sum, bytes) => sum + bytes, 0) / 1000;

  it("judges a case of its address, shows where the answer was found, and fits in 150 KB", async () => {
    served.sent.clear();
    const query = new URLSearchParams({ verifier: "answer", gold: "5 cm", response: "It is \\boxed{50\\text{ mm}}." });
    await page.goto(`${served.url}judge.html#${query}`);
    await page.getByRole("heading", { name: "Right" }).waitFor();
    // The service worker has kept the page, which the last test needs.
    const kept = 'caches.match(location.href.replace(/#.*/, "")).then(Boolean)';
    await expect.poll(() => page.evaluate(kept), { timeout: 60_000 }).toBe(true);
    expect(await page.locator(".response mark").textContent()).toContain("50");
    expect(kilobytes()).toBeLessThan(150);
    await page.getByLabel("Response").fill("It is \\boxed{51\\text{ mm}}.");
    await page.getByRole("heading", { name: "Wrong" }).waitFor();
    expect(await page.evaluate("location.hash")).toContain("51");
    expect(await page.getByRole("link", { name: "case file" }).getAttribute("href")).toContain("%22right%22%3A1");
    await page.getByLabel("Examples").selectOption({ label: "detection: one good box, one spare" });
    await page.getByRole("heading", { name: "Partly right" }).waitFor();
    expect(await page.locator(".box").count()).toBe(3);
    expect(await axe()).toEqual([]);
    expect(await overflows()).toEqual([]);
  });

  it("loads nothing of a run before the click, waits when it is paused, and computes Node's numbers", async () => {
    served.sent.clear();
    await page.goto(`${served.url}${RUN}`);
    const start = page.getByRole("button", { name: "Start" });
    await start.waitFor();
    const large = /worker|\.wasm|\.safetensors/;
    expect([...served.sent.keys()].filter((name) => large.test(name) && name !== "service-worker.js")).toEqual([]);
    expect(await axe()).toEqual([]);
    await start.click();
    await page.getByRole("button", { name: "Pause" }).click();
    const step = page.getByRole("button", { name: "Step", exact: true });
    for (let steps = 0; steps < 2; steps++) await step.click();
    await page.getByText(/Step \d+ of 10, paused/).waitFor();
    const downloaded = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download the run folder" }).click();
    await (await downloaded).saveAs(join(folder, "paused.zip"));
    const [, saved] = /after step (\d+)/.exec(await page.getByRole("link", { name: ".zip" }).innerText())!;
    await step.click();
    await page.getByText(`Step ${Number(saved) + 1} of 10, paused`).waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByText("Finished").waitFor();
    const link = (await page.locator('a[download="metrics.jsonl"][href]').getAttribute("href"))!;
    const numbers = await page.evaluate(async (url) => (await fetch(url)).text(), link);
    expect(readNumbers(numbers)).toEqual(expected);
    expect(kilobytes()).toBeLessThan(5500);
    const beforeAfter = page.getByRole("region", { name: "Before and after" });
    expect(await beforeAfter.locator(".pair").count()).toBe(demoSourceNames.length);
    for (const cell of [1, 5]) await page.getByRole("button", { name: `Cell ${cell}: empty` }).click();
    await page.getByRole("button", { name: "Ask" }).click();
    const asked = page.getByRole("region", { name: "Draw and ask" }).locator("article");
    await asked.waitFor();
    expect(await asked.innerText()).toMatch(/How many circles are there\?[^]*Right answer: 2/);
    expect(await axe()).toEqual([]);
    expect(await overflows()).toEqual([]);
  });

  it("shows the dashboard of the run in the tab, from its numbers to the boxes of an answer", async () => {
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.getByRole("link", { name: "Open the dashboard" }).click();
    await page.getByText("Training health").waitFor();
    expect(await page.innerText("main")).toMatch(/State[^a-z]*finished\s*Step\s*10/);
    await page.getByRole("link", { name: "Changes" }).click();
    await page.getByRole("heading", { name: "By source" }).waitFor();
    await page.goto(`${page.url().split("#")[0]}#/rollouts?run=playground&source=demo_detect`);
    await page.locator("tbody a").first().click();
    await page.locator(".picture .box").first().waitFor();
    expect(await page.locator(".picture img").getAttribute("src")).toMatch(/^data:image\/png/);
    await page
      .getByText(/× .* accuracy \+/)
      .first()
      .waitFor();
    expect(await axe()).toEqual([]);
    await page.getByRole("link", { name: "← Learn" }).click();
    await page.getByText("Finished").waitFor();
  });

  it("has made a run folder that the dashboard opens, and that Node goes on with to the same numbers", async () => {
    for (const [name, bytes] of Object.entries(unzipSync(readFileSync(join(folder, "paused.zip"))))) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
    }
    const run = join(folder, "playground-seed-1");
    const dashboard = await startDashboard({ folder: run, port: 0 });
    try {
      const ask = async (path: string): Promise<Response> => fetch(new URL(path, dashboard.url));
      const detail = (await (await ask("api/run?run=playground-seed-1")).json()) as RunDetail;
      expect(detail).toMatchObject({ name: "playground", seed: 1, steps: STEPS, checkpointSteps: [detail.step] });
      expect(detail.rolloutSteps).toEqual(Array.from({ length: detail.step }, (_, index) => index + 1));
      const group = (await (await ask("api/group?run=playground-seed-1&step=1&group=0")).json()) as RolloutGroup;
      expect(group.rollouts).toHaveLength(8);
      expect(group.rollouts[0]!.arithmetic!.agrees).toBe(true);
      expect((await ask(group.pictures[0]!.source!)).headers.get("content-type")).toBe("image/png");
    } finally {
      await dashboard.close();
    }
    await runTraining(await runFolderConfig(run, ["workers=1"]), { resume: true });
    expect(await recordsOf(run)).toEqual(expected);
  });

  describe("looks into files", () => {
    const asked: Request[] = [];
    /** What the page says of files. */
    const choose = async (...files: readonly ChosenFile[]): Promise<void> =>
      page
        .locator('input[type="file"]:not([webkitdirectory])')
        .setInputFiles(
          files.map(({ name, bytes }) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(bytes) })),
        );
    /** Drops a file or folder of this machine on the page, as a person does. */
    const drop = async (path: string): Promise<void> => {
      const session = await page.context().newCDPSession(page);
      const data = { items: [], files: [path], dragOperationsMask: 1 };
      const at = { x: 400, y: 500, data };
      for (const type of ["dragEnter", "dragOver", "drop"] as const)
        await session.send("Input.dispatchDragEvent", { type, ...at });
      await session.detach();
    };
    const problem = async (name: string, bytes: Uint8Array): Promise<string> => {
      await choose({ name, bytes });
      await page.getByRole("alert").filter({ hasText: name }).waitFor();
      return await page.getByRole("alert").innerText();
    };

    beforeAll(async () => {
      await page.setViewportSize({ width: 1280, height: 900 });
      served.sent.clear();
      await page.goto(`${served.url}explore.html`);
      await page.getByRole("button", { name: "Choose a folder" }).waitFor();
      await page.waitForLoadState("networkidle");
      page.on("request", (request) => asked.push(request));
    });

    it("and loads nothing heavy before it has one", async () => {
      expect(kilobytes()).toBeLessThan(150);
      expect(await axe()).toEqual([]);
    });

    it("shows the rows of a corpus with pictures and boxes, and the rows that cannot be used", async () => {
      const path = join(folder, "corpus.parquet");
      const samples = await writeMixedCorpus(path);
      const boxes = samples.filter(({ reward_model: { verifier } }) => verifier === "detection").length;
      const circles = samples.filter(({ prompt }) =>
        prompt.some(({ content }) => content.includes("How many circles")),
      );
      expect(boxes * circles.length).toBeGreaterThan(0);
      await drop(path);
      await page.getByText("1 row cannot be used.").waitFor();
      expect(await page.getByText(/rows found/).innerText()).toBe("Page 1 of 5, 57 rows found.");
      await page.getByLabel("Verifier").selectOption({ label: `detection (${boxes})` });
      await page.getByText(`, ${boxes} rows found.`).waitFor();
      await page.locator("article .box.gold").first().waitFor();
      expect(
        await page
          .locator("article img")
          .first()
          .evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
      ).toBeGreaterThan(20);
      await page.getByLabel("Verifier").selectOption("All");
      await page.getByLabel("Text").fill("HOW MANY CIRCLES");
      await page.getByText(new RegExp(`, ${circles.length} rows? found\\.`)).waitFor();
      expect(await page.locator("article").first().innerText()).toContain("How many circles");
      await page.getByLabel("Text").fill("");
      await page.getByLabel("Only rows that cannot be used").check();
      await page.getByText("1 row found.").waitFor();
      expect(await page.locator("article").innerText()).toMatch(
        /corpus\.parquet, row 56, field reward_model\.verifier/,
      );
      expect(await axe()).toEqual([]);
      expect(await overflows()).toEqual([]);
    });

    it("shows a run folder on the dashboard, with pictures of the data beside it", async () => {
      const recorded = resolve(import.meta.dirname, "../../../packages/monitor/test-data");
      await page.locator("input[webkitdirectory]").setInputFiles(recorded);
      await page.getByRole("heading", { name: "demo" }).waitFor();
      await page.getByText("12 of 12").waitFor();
      expect(await axe()).toEqual([]);
      await page.evaluate("location.hash = '#/rollouts?run=run&step=12&group=1'");
      const picture = page.getByAltText("Picture 1 of the prompt");
      await picture.waitFor();
      const width = (image: unknown): number => (image as { naturalWidth: number }).naturalWidth;
      await expect.poll(() => picture.evaluate(width)).toBeGreaterThan(20);
      await page.getByRole("link", { name: "← Explore" }).click();
      await page.getByRole("link", { name: "Back to the dashboard" }).waitFor();
    });

    it("reads a run that was dropped again, with what it has added", async () => {
      const run = join(folder, "grows");
      mkdirSync(run);
      const recorded = resolve(import.meta.dirname, "../../../packages/monitor/test-data/run/metrics.jsonl");
      copyFileSync(recorded, join(run, "metrics.jsonl"));
      await drop(run);
      const step = page.getByTestId("step");
      await expect.poll(() => step.textContent(), { timeout: 60_000 }).toBe("12");
      const line = { step: 13, split: "train", scope: "all", name: "all", metrics: { "critic/rewards/mean": 0.5 } };
      appendFileSync(join(run, "metrics.jsonl"), `${JSON.stringify(line)}\n`);
      await page.getByRole("link", { name: "← Explore" }).click();
      await page.getByRole("button", { name: "Read again" }).click();
      await expect.poll(() => step.textContent(), { timeout: 60_000 }).toBe("13");
      await page.getByRole("link", { name: "← Explore" }).click();
    });

    it("shows the report of a curation, which can reach nothing, and the rows of its files", async () => {
      const output = join(folder, "curated");
      mkdirSync(output);
      const corpus = readFileSync(join(folder, "corpus.parquet"));
      for (const name of ["ledger.parquet", "train.parquet"]) writeFileSync(join(output, name), corpus);
      writeFileSync(join(output, "report.json"), JSON.stringify({ files: [{ name: "train.parquet" }] }));
      const leak = JSON.stringify(`${served.url}leak`);
      const script = `document.querySelector("p").textContent = "The report runs"; fetch(${leak}); new Image().src = ${leak};`;
      writeFileSync(
        join(output, "report.html"),
        `<!doctype html><title>Report</title><p></p><script>${script}</script>`,
      );
      await drop(output);
      await page.frameLocator('iframe[title="Curation report"]').getByText("The report runs").waitFor();
      await page.getByText("57 rows found.").waitFor();
      expect(await axe()).toEqual([]);
    });

    it("says of wrong files what was expected and found", async () => {
      expect(await problem("empty.parquet", Buffer.alloc(0))).toContain("an empty file");
      expect(await problem("picture.png", Buffer.from("\x89PNG\r\n\x1a\n", "latin1"))).toMatch(
        /expected: a Parquet file[^]*found: +a PNG picture/,
      );
      const whole = readFileSync(join(folder, "corpus.parquet"));
      expect(await problem("cut.parquet", whole.subarray(0, 5000))).toContain("without its end");
      const other = join(folder, "other.parquet");
      await writeOtherLayout(other);
      expect(await problem("other.parquet", readFileSync(other))).toMatch(/field data_source[^]*only question, answer/);
      expect(await axe()).toEqual([]);
    });

    it("and asks for nothing but the site's own files", () => {
      const loaded = asked.filter((request) => !request.url().startsWith("blob:"));
      expect(loaded.length).toBeGreaterThan(0);
      const isOwn = (request: Request): boolean =>
        request.method() === "GET" &&
        request.postData() === null &&
        existsSync(join(site, request.url().slice(served.url.length)));
      // What the policy stops is told sometimes, when the frame's process is watched in time. It never arrives.
      const isStopped = (request: Request): boolean => request.failure()?.errorText === "csp";
      const strays = loaded.filter((request) => !isOwn(request) && !isStopped(request));
      expect(strays.map((request) => request.url())).toEqual([]);
      expect([...served.missing]).toEqual([]);
    });
  });

  it("refuses a browser that lacks what it needs, before it loads anything", async () => {
    const old = await browser.newPage();
    await old.addInitScript("delete Array.prototype.toSorted");
    served.sent.clear();
    await old.goto(`${served.url}index.html`);
    expect(await old.innerText("main")).toContain("Chrome 110, Firefox 115, Safari 16.4, or newer");
    await old.waitForTimeout(300);
    expect(kilobytes()).toBeLessThan(3);
    await old.close();
  });

  it("works without a server after the first visit", async () => {
    await served.close();
    await page.goto(`${served.url}judge.html`);
    await page.getByRole("heading", { name: "Right" }).waitFor();
    await page.goto(`${served.url}explore.html`);
    await page.locator('input[type="file"]:not([webkitdirectory])').setInputFiles(join(folder, "corpus.parquet"));
    await page.getByText("57 rows found.").waitFor();
    // The address has a source of its own, and a color that there is not.
    await page.goto(`${served.url}index.html?seed=1&steps=1&heldOut=1&ownCounts=1-2&ownSizes=24&ownColors=pink`);
    expect(await page.getByRole("alert").innerText()).toContain("ownColors=pink");
    expect(await axe()).toEqual([]);
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("Finished").waitFor();
    expect(await page.getByRole("rowheader", { name: "my own" }).count()).toBe(1);
    expect(page.url()).toContain("ownCounts=1-2&ownColors=red,green,blue,yellow&ownSizes=24");
    expect(said.filter((problem) => !/ERR_CONNECTION_REFUSED|path\/leak|Failed to fetch/.test(problem))).toEqual([]);
  });
});

/**
 * Trains and opens a corpus as a person would, and sends what the page then has to the server: a page alone can drive a
 * plain Firefox.
 */
const HARNESS = `<!doctype html><iframe src="${RUN}"></iframe><script>
const page = () => document.querySelector("iframe").contentDocument;
const until = async (find) => {
  let found;
  while (!(found = find())) await new Promise((go) => setTimeout(go, 100));
  return found;
};
(async () => {
  (await until(() => page()?.querySelector("form button.primary"))).click();
  const link = await until(
    () => page().body.innerText.includes("Finished") && page().querySelector('a[download="metrics.jsonl"][href]'),
  );
  const metrics = await (await fetch(link.href)).text();
  document.querySelector("iframe").src = "explore.html";
  const input = await until(() => page()?.querySelector("input[type=file]:not([webkitdirectory])"));
  const chosen = new DataTransfer();
  chosen.items.add(new File([await (await fetch("corpus.parquet")).blob()], "corpus.parquet"));
  input.files = chosen.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  const picture = await until(() => page().querySelector("article img"));
  await picture.decode();
  const rows = page().body.innerText.match(/\\d+ rows found/)[0];
  await fetch("result", { method: "POST", body: JSON.stringify({ metrics, rows, width: picture.naturalWidth }) });
})().catch((error) => fetch("result", { method: "POST", body: String(error.stack) }));
</script>`;

it.skipIf(FIREFOX === undefined)("computes Node's numbers and shows a corpus in Firefox", async () => {
  const corpus = readFileSync(join(folder, "train.parquet"));
  const served = await serveSite(site, { "harness.html": HARNESS, "corpus.parquet": corpus });
  const profile = mkdtempSync(join(folder, "firefox-"));
  const firefox = spawn(FIREFOX!, ["--headless", "--no-remote", "--profile", profile, `${served.url}harness.html`], {
    stdio: "ignore",
    // A group of its own: what is started may be a script that starts Firefox.
    detached: true,
  });
  try {
    const result = await served.result;
    expect(result).toMatch(/^\{/);
    const { metrics, rows, width } = JSON.parse(result) as { metrics: string; rows: string; width: number };
    expect(readNumbers(metrics)).toEqual(expected);
    expect(rows).toBe(`${samplesForSteps(STEPS) * demoSourceNames.length} rows found`);
    expect(width).toBeGreaterThan(20);
  } finally {
    process.kill(-firefox.pid!, "SIGKILL");
    await served.close();
  }
});

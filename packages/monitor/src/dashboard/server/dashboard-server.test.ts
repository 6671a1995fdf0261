import { appendFileSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { readFile, readdir, stat } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NamedSeries, RolloutGroup, RolloutPage, RunDetail, RunSummary, SourceGrid } from "../dashboard-api";
import { copyRecordedRun, HOSTILE_TEXT, writeHostileRun, writeSparseFile } from "../testing/recorded-run";
import { startDashboard, type Dashboard } from "./start-dashboard";

let parent: string;
let dashboard: Dashboard;
beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), "v-triune-dashboard-"));
  await copyRecordedRun(join(parent, "runs"));
  await writeHostileRun(join(parent, "runs"));
  await copyRecordedRun(join(parent, "runs"), "written-to");
  dashboard = await startDashboard({ folder: join(parent, "runs"), port: 0, pollMilliseconds: 100 });
});
afterAll(async () => {
  await dashboard.close();
  rmSync(parent, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** fetch would set Host and the Sec-Fetch headers itself. */
function ask(
  path: string,
  { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port: dashboard.port, path, method, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
    });
    call.on("error", reject);
    call.end();
  });
}

async function json<T>(path: string): Promise<T> {
  const { status, body } = await ask(path);
  expect(status, body.toString()).toBe(200);
  return JSON.parse(body.toString()) as T;
}

describe("a recorded run", () => {
  it("is listed with its state, step and reward", async () => {
    const runs = await json<RunSummary[]>("/api/runs");
    expect(runs.map(({ id }) => id)).toEqual(["demo", "hostile", "written-to"]);
    expect(runs[0]).toMatchObject({
      name: "demo",
      state: "finished",
      step: 12,
      steps: 12,
      reward: expect.closeTo(0.671891, 5) as number,
      badLines: 0,
    });
  });

  it("tells its configuration, streams and stored steps", async () => {
    const run = await json<RunDetail>("/api/run?run=demo");
    expect(run.config["optimizer.lr"]).toBe("0.0003");
    expect(run.rolloutSteps).toEqual([1, 2, 12]);
    expect(
      run.streams
        .filter(({ split, scope }) => split === "train" && scope === "source")
        .map(({ name }) => name)
        .sort(),
    ).toEqual(["demo_chart", "demo_count", "demo_detect", "demo_ground", "demo_puzzle", "demo_read", "demo_sum"]);
  });

  it("gives series, a stretch of them, and a grid", async () => {
    const [series] = await json<NamedSeries[]>("/api/series?run=demo&scope=all&name=all&metric=critic/rewards/mean");
    expect(series?.steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(series?.values[11]).toBeCloseTo(0.671891, 5);
    expect(
      (await json<NamedSeries[]>("/api/series?run=demo&name=all&metric=critic/rewards/mean&from=3&to=5"))[0]?.steps,
    ).toEqual([3, 4, 5]);
    const grid = await json<SourceGrid>("/api/grid?run=demo&metric=critic/rewards/mean&metric=correct/ratio&window=4");
    expect(
      grid.rows.find(({ name }) => name === "demo_detect")?.cells.map(({ metric, last }) => [metric, last]),
    ).toEqual([
      ["critic/rewards/mean", expect.closeTo(0.8132, 3)],
      ["correct/ratio", 0.875],
    ]);
  });

  it("finds rollouts by source, status, reward and length, in order", async () => {
    const all = await json<RolloutPage>("/api/rollouts?run=demo&step=12&limit=200");
    expect([all.total, all.rows.length]).toEqual([112, 112]);
    const poor = await json<RolloutPage>("/api/rollouts?run=demo&step=12&source=demo_count&rewardTo=0.5&order=reward");
    expect(poor.total).toBeGreaterThan(0);
    expect(poor.rows.every(({ source, reward }) => source === "demo_count" && (reward ?? 1) <= 0.5)).toBe(true);
    const long = await json<RolloutPage>("/api/rollouts?run=demo&order=-length&limit=3");
    expect(long.total).toBe(336);
    expect(long.rows[0]!.responseTokens!).toBeGreaterThanOrEqual(long.rows[2]!.responseTokens!);
    expect((await json<RolloutPage>("/api/rollouts?run=demo&status=error")).total).toBe(0);
  });

  it("shows a group with matched boxes, the reward's arithmetic and its picture", async () => {
    const { rows } = await json<RolloutPage>("/api/rollouts?run=demo&step=2&source=demo_detect&limit=1");
    const group = await json<RolloutGroup>(`/api/group?run=demo&step=2&group=${rows[0]!.group}`);
    expect(group.rollouts).toHaveLength(8);
    const rollout = group.rollouts.find(({ response }) => response.includes("[8, 56, 28, 76]"));
    // 84 × 84 pixels to thousandths, truncated: 190 × 191 and 238 × 238, which share 190 × 95.
    expect(rollout?.boxes).toMatchObject({
      gold: [{ bbox: [95, 809, 285, 1000], label: "square" }],
      predicted: [{ bbox: [95, 666, 333, 904], label: "square" }],
      matches: [{ gold: 0, predicted: 0, iou: expect.closeTo(18_050 / (36_290 + 56_644 - 18_050), 12) as number }],
    });
    expect(rollout?.arithmetic).toMatchObject({
      terms: [
        { name: "accuracy", value: 0 },
        { name: "format", value: 1 },
      ],
      agrees: true,
    });
    expect(group.rollouts.every(({ arithmetic }) => arithmetic?.agrees)).toBe(true);
    const picture = await ask(group.pictures[0]!.source!);
    expect([picture.status, picture.headers["content-type"]]).toEqual([200, "image/png"]);
    expect(picture.body.subarray(1, 4).toString()).toBe("PNG");
  });

  it("tells of new records as they are written, over server-sent events", async () => {
    const heard: string[] = [];
    const response = await fetch(`${dashboard.url}api/events`);
    const reader = response.body!.getReader();
    const listening = (async () => {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        heard.push(Buffer.from(value).toString());
        if (heard.join("").includes("written-to")) return;
      }
    })();
    appendFileSync(
      join(parent, "runs", "written-to", "metrics.jsonl"),
      `${JSON.stringify({ step: 13, split: "train", scope: "all", name: "all", metrics: { "critic/rewards/mean": 0.75 } })}\n`,
    );
    await listening;
    await reader.cancel();
    expect(heard.join("")).toContain('event: change\ndata: ["written-to"]');
    expect((await json<RunSummary[]>("/api/runs")).find(({ id }) => id === "written-to")).toMatchObject({
      step: 13,
      reward: 0.75,
    });
  });
});

describe("what it refuses", () => {
  it.each(["evil.example", "evil.example:6070", "127.0.0.1.evil.example", "localhost.evil.example"])(
    "the name %s, as DNS rebinding would use it",
    async (host) => {
      expect((await ask("/api/runs", { headers: { Host: host } })).status).toBe(403);
      expect((await ask("/", { headers: { Host: host } })).status).toBe(403);
    },
  );

  it("requests of other sites and of other origins", async () => {
    expect((await ask("/api/runs", { headers: { Origin: "http://evil.example" } })).status).toBe(403);
    expect((await ask("/api/runs", { headers: { Origin: "null" } })).status).toBe(403);
    expect(
      (
        await ask("/api/picture?run=demo&step=1&group=0&index=0", {
          headers: { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors" },
        })
      ).status,
    ).toBe(403);
    expect(
      (
        await ask("/api/runs", {
          headers: {
            Origin: `http://localhost:${dashboard.port}`,
            Host: `localhost:${dashboard.port}`,
            "Sec-Fetch-Site": "same-origin",
          },
        })
      ).status,
    ).toBe(200);
  });

  it.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])("%s", async (method) => {
    expect((await ask("/api/runs", { method })).status).toBe(405);
  });

  it.each(["..", "../..", "demo/..", "/etc", "demo/../demo", "%2e%2e", "demo%00", "__proto__"])(
    "a run called %s",
    async (run) => {
      expect((await ask(`/api/run?run=${encodeURIComponent(run)}`)).status).toBe(404);
      expect((await ask(`/api/rollouts?run=${encodeURIComponent(run)}`)).status).toBe(404);
    },
  );

  it.each(["/../../etc/passwd", "/api/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/runs/demo/run.json"])(
    "the path %s",
    async (path) => {
      expect((await ask(path)).status).toBe(404);
    },
  );

  it.each(["step=../../etc/passwd", "step=1.5", "step=-1", "step=1e30", "step="])(
    "a step given as %s",
    async (step) => {
      expect((await ask(`/api/group?run=demo&group=0&${step}`)).status).toBe(400);
    },
  );

  it("says that it can't have a port that is taken", async () => {
    await expect(startDashboard({ folder: parent, port: dashboard.port })).rejects.toThrow(
      /Another program listens.*\n.*where.*127\.0\.0\.1/,
    );
  });

  it("sends the page with a policy that runs its own script only, and every answer with nosniff", async () => {
    const page = await ask("/");
    const policy = String(page.headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    expect(page.body.toString()).not.toMatch(/(src|href)="https?:/);
    expect((await ask("/api/runs")).headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "no-store",
    });
    expect((await ask("/api/runs")).headers["access-control-allow-origin"]).toBeUndefined();
  });
});

describe("a hostile run", () => {
  it("gives its texts as data, what is not finite as null, and counts broken lines", async () => {
    const run = await json<RunDetail>("/api/run?run=hostile");
    expect(run).toMatchObject({ name: HOSTILE_TEXT, badLines: 2, step: 7, state: "live" });
    const query = `/api/series?run=hostile&scope=source&name=${encodeURIComponent(HOSTILE_TEXT)}&metric=critic/rewards/mean&metric=__proto__&metric=constructor`;
    expect((await json<NamedSeries[]>(query)).map(({ metric, steps, values }) => [metric, steps, values])).toEqual([
      ["critic/rewards/mean", [1, 4, 7], [0.5, null, 0.1]],
      ["constructor", [1], [2]],
    ]);
    const group = await json<RolloutGroup>("/api/group?run=hostile&step=7&group=0");
    expect(group.rollouts[0]).toMatchObject({ response: HOSTILE_TEXT, reward: null, advantage: null, metrics: {} });
  });

  it("cuts a response of a megabyte and says how long it was", async () => {
    const group = await json<RolloutGroup>("/api/group?run=hostile&step=7&group=1");
    expect([group.rollouts[0]!.response.length, group.rollouts[0]!.responseLength]).toEqual([1_000_000, 1_050_000]);
  });

  it("shows no file but a picture, wherever a sample points", async () => {
    const group = await json<RolloutGroup>("/api/group?run=hostile&step=7&group=0");
    expect(group.pictures).toEqual([{ width: 84, height: 84, source: null }]);
    expect((await ask("/api/picture?run=hostile&step=7&group=0&index=0")).status).toBe(404);
  });

  it("says which file of rollouts is damaged", async () => {
    const { status, body } = await ask("/api/rollouts?run=hostile&step=8");
    expect(status).toBe(422);
    expect(JSON.parse(body.toString())).toMatchObject({ error: expect.stringContaining("cannot be read") as string });
  });

  it("goes on answering while it reads 3 GB without a line break", async () => {
    const folder = join(parent, "runs", "huge");
    await copyRecordedRun(join(parent, "runs"), "huge");
    await writeSparseFile(join(folder, "metrics.jsonl"), 3 * 2 ** 30);
    await expect
      .poll(async () => (await json<RunSummary[]>("/api/runs")).find(({ id }) => id === "huge")?.size, {
        timeout: 5_000,
      })
      .toBe(3 * 2 ** 30);
    const begun = performance.now();
    await json<RunDetail>("/api/run?run=demo");
    expect(performance.now() - begun).toBeLessThan(1_000);
    rmSync(folder, { recursive: true });
  });
});

it("follows no link back into its own parents, and writes nothing", async () => {
  symlinkSync(parent, join(parent, "runs", "loop"));
  const folder = join(parent, "runs", "demo");
  const before = await Promise.all(
    (await readdir(folder)).map(async (name) => [name, (await stat(join(folder, name))).mtimeMs]),
  );
  const text = await readFile(join(folder, "run.json"), "utf8");
  await json("/api/rollouts?run=demo");
  expect(
    await Promise.all((await readdir(folder)).map(async (name) => [name, (await stat(join(folder, name))).mtimeMs])),
  ).toEqual(before);
  expect(await readFile(join(folder, "run.json"), "utf8")).toBe(text);
});

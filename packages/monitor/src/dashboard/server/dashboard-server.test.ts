import { appendFileSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { hostname, tmpdir } from "node:os";
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
  {
    method = "GET",
    headers = {},
    body,
    port = dashboard.port,
  }: { method?: string; headers?: Record<string, string>; body?: string; port?: number } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
    });
    call.on("error", reject);
    call.end(body);
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
    const questions = [
      "run=demo&name=all&metric=critic/rewards/mean&from=3&to=5",
      "run=demo&scope=source&name=demo_read&name=demo_sum&metric=correct/ratio",
    ];
    const charts = `/api/charts?${new URLSearchParams(questions.map((question) => ["chart", question] as [string, string]))}`;
    expect(await json<NamedSeries[][]>(charts)).toEqual(
      await Promise.all(questions.map((question) => json<NamedSeries[]>(`/api/series?${question}`))),
    );
    expect((await ask(`${charts}&chart=run%3Dno-such-run`)).status).toBe(404);
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

  it("tells who begins to listen what changed since the page was made, and all runs to who comes from another server", async () => {
    const heardFirst = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
      const reader = (await fetch(`${dashboard.url}${path}`, { headers })).body!.getReader();
      let heard = "";
      while (!/event: change\ndata: .*\n/.test(heard)) heard += Buffer.from((await reader.read()).value!).toString();
      await reader.cancel();
      return /event: change\ndata: (.*)\n/.exec(heard)![1]!;
    };
    const page = (await ask("/")).body.toString();
    const since = /<meta name="moment" content="([^"]+)">/.exec(page)![1]!;
    const next = heardFirst(`api/events?since=${since}`);
    appendFileSync(join(parent, "runs", "written-to", "metrics.jsonl"), "\n{}\n");
    expect(await next).toBe('["written-to"]');
    // Nothing more is written: this one is told of the past.
    expect(await heardFirst(`api/events?since=${since}`)).toBe('["written-to"]');
    const all = (await json<RunSummary[]>("/api/runs")).map(({ id }) => id);
    expect(JSON.parse(await heardFirst("api/events", { "Last-Event-ID": "another-server:7" }))).toEqual(all);
  });

  it("has a page as soon as it is there, before runs are looked for again", async () => {
    const runs = mkdtempSync(join(tmpdir(), "v-triune-begun-"));
    const own = await startDashboard({ folder: runs, port: 0, pollMilliseconds: 60_000 });
    try {
      const chart = encodeURIComponent("run=begun&metric=critic/rewards/mean");
      const paths = ["api/run?run=begun", `api/charts?chart=${chart}`];
      const statuses = (): Promise<number[]> =>
        Promise.all(paths.map(async (path) => (await fetch(own.url + path)).status));
      expect(await statuses()).toEqual([404, 404]);
      await copyRecordedRun(runs, "begun");
      expect(await statuses()).toEqual([200, 200]);
    } finally {
      await own.close();
      rmSync(runs, { recursive: true });
    }
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

  it.each(["PUT", "DELETE", "PATCH", "OPTIONS"])("%s", async (method) => {
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

describe("changes", () => {
  const secretOf = async (port?: number, headers: Record<string, string> = {}): Promise<string | undefined> =>
    /<meta name="edits" content="secret ([\w-]+)">/.exec((await ask("/", { port, headers })).body.toString())?.[1];
  async function change(
    path: string,
    body: unknown,
    { headers = {}, port }: { headers?: Record<string, string>; port?: number } = {},
  ): Promise<{ status: number; answer: Record<string, unknown> }> {
    const all = {
      Host: `localhost:${port ?? dashboard.port}`,
      Origin: `http://localhost:${port ?? dashboard.port}`,
      "Content-Type": "application/json",
      "x-v-triune-edit": (await secretOf()) ?? "",
      ...headers,
    };
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
    const { status, body: answer } = await ask(path, {
      method: "POST",
      headers: given,
      body: typeof body === "string" ? body : JSON.stringify(body),
      port,
    });
    return { status, answer: JSON.parse(answer.toString()) as Record<string, unknown> };
  }
  const revisionOf = async (run: string): Promise<number> =>
    (await json<RunDetail>(`/api/run?run=${run}`)).labels.revision;

  it("label a run, in its folder and in every answer, and are told to open pages", async () => {
    const { status, answer } = await change("/api/labels", {
      run: "demo",
      revision: await revisionOf("demo"),
      title: HOSTILE_TEXT.slice(0, 60),
      tags: ["good", "<b>"],
      note: "x".repeat(10_000),
    });
    expect([status, answer.tags]).toEqual([200, ["good", "<b>"]]);
    const [listed] = await json<RunSummary[]>("/api/runs");
    expect(listed!.labels).toMatchObject({ title: HOSTILE_TEXT.slice(0, 60), note: `${"x".repeat(200)}…` });
    expect((await json<RunDetail>("/api/run?run=demo")).labels.note).toHaveLength(10_000);
    expect(JSON.parse(await readFile(join(parent, "runs", "demo", "monitor.json"), "utf8"))).toMatchObject({
      tags: ["good", "<b>"],
    });
  });

  it("of two tabs at once: the second is told, and nothing of the first is lost", async () => {
    const revision = await revisionOf("demo");
    const both = await Promise.all([1, 2].map((n) => change("/api/labels", { run: "demo", revision, note: `${n}` })));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(both.find(({ status }) => status === 409)!.answer.code).toBe("labels-changed");
    expect(await revisionOf("demo")).toBe(revision + 1);
  });

  it.each<[string, Record<string, string>, number]>([
    ["no secret", { "x-v-triune-edit": "" }, 403],
    ["another secret", { "x-v-triune-edit": "A".repeat(32) }, 403],
    ["another site", { Origin: "http://evil.example" }, 403],
    ["another port of this machine", { Origin: "http://localhost:1" }, 403],
    ["another name", { Host: "evil.example" }, 403],
    ["a form", { "Content-Type": "text/plain" }, 415],
    ["a proxy in between", { "X-Forwarded-For": "192.0.2.1" }, 403],
  ])("are refused with %s", async (_what, headers, expected) => {
    const before = await revisionOf("demo");
    const wanted = { run: "demo", revision: before, note: "forged" };
    expect((await change("/api/labels", wanted, { headers })).status).toBe(expected);
    expect((await change("/api/delete", { run: "demo" }, { headers })).status).toBe(expected);
    expect(await revisionOf("demo")).toBe(before);
  });

  it.each<[string, string, unknown, number]>([
    ["/api/labels", "no JSON", "{", 400],
    ["/api/labels", "no revision", { run: "demo", note: "" }, 400],
    ["/api/labels", "a run of no name", { run: "../demo", revision: 0 }, 404],
    ["/api/labels", "a long note", { run: "demo", revision: 0, note: "x".repeat(10_001) }, 422],
    ["/api/labels", "a body of a megabyte", { run: "demo", revision: 0, note: "x".repeat(1 << 20) }, 413],
    ["/api/delete", "a path", { run: "/etc" }, 404],
    ["/api/restore", "a path", { id: "../demo~20261130T081500123Z" }, 404],
    ["/api/erase", "no such address", {}, 404],
  ])("at %s with %s are refused", async (path, _what, body, expected) => {
    const { port } = dashboard;
    const { status } = await ask(path, {
      method: "POST",
      headers: {
        Host: `localhost:${port}`,
        "Content-Type": "application/json",
        "x-v-triune-edit": (await secretOf())!,
      },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    expect(status).toBe(expected);
  });

  it("delete a run into the trash and restore it, but not one that is being written", async () => {
    const folder = await copyRecordedRun(join(parent, "runs"), "short-lived");
    await expect.poll(async () => (await json<RunSummary[]>("/api/runs")).map(({ id }) => id)).toContain("short-lived");
    expect((await change("/api/delete", { run: "short-lived" })).answer.code).toBe("run-in-use");
    // A trainer that is gone.
    await writeFile(join(folder, "run.lock"), JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
    const { status, answer } = await change("/api/delete", { run: "short-lived" });
    expect([status, answer.name]).toEqual([200, "short-lived"]);
    expect((await json<RunSummary[]>("/api/runs")).map(({ id }) => id)).not.toContain("short-lived");
    expect(await json<unknown[]>("/api/trash")).toEqual([answer]);
    expect(await change("/api/restore", { id: answer.id })).toEqual({ status: 200, answer: { run: "short-lived" } });
    expect((await change("/api/restore", { id: answer.id })).status).toBe(404);
    expect(await readdir(join(folder, "rollouts"))).toContain("step-000012.parquet");
    rmSync(folder, { recursive: true });
  });

  it("are off with readOnly, and under other names unless the token is known", async () => {
    const folder = join(parent, "runs");
    const wanted = { run: "demo", revision: await revisionOf("demo"), archived: true };
    const closed = await startDashboard({ folder, port: 0, readOnly: true });
    const named = { folder, port: 0, allowedHosts: ["gpu.example"] };
    const open = await startDashboard({ ...named, editToken: "0123456789abcdef" });
    const mute = await startDashboard(named);
    try {
      const other = (port: number) => ({ Host: `gpu.example:${port}`, Origin: `http://gpu.example:${port}` });
      expect(await secretOf(closed.port)).toBeUndefined();
      expect((await change("/api/labels", wanted, { port: closed.port })).status).toBe(403);
      for (const { port } of [open, mute]) {
        expect(await secretOf(port)).toMatch(/^[\w-]{32}$/);
        expect(await secretOf(port, other(port))).toBeUndefined();
        expect((await change("/api/labels", wanted, { port, headers: other(port) })).status).toBe(403);
      }
      const token = { "x-v-triune-edit": "0123456789abcdef" };
      expect(
        (await change("/api/labels", wanted, { port: mute.port, headers: { ...other(mute.port), ...token } })).status,
      ).toBe(403);
      expect(
        (await change("/api/labels", wanted, { port: open.port, headers: { ...other(open.port), ...token } })).status,
      ).toBe(200);
    } finally {
      await Promise.all([closed, open, mute].map((one) => one.close()));
    }
    await expect(startDashboard({ folder, port: 0, editToken: "short" })).rejects.toThrow(/at least 16 characters/);
    // Who listens to the whole network cannot tell by a name who asks.
    const wide = await startDashboard({ folder, port: 0, host: "0.0.0.0" });
    expect(await secretOf(wide.port)).toBeUndefined();
    await wide.close();
  });
});

it("follows no link back into its own parents, and writes nothing unless it is asked to", async () => {
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

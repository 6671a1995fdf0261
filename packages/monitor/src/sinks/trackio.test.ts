import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runCommandLine } from "../commands/command-line";
import { copyRecordedRun } from "../dashboard/testing/recorded-run";
import type { MetricRecord } from "../metric-record";
import { metricSinkConformance } from "./metric-sink-conformance";
import { trackioLogs, trackioSink } from "./trackio";

const record = (step: number, metrics: Record<string, number>, over: Partial<MetricRecord> = {}): MetricRecord => ({
  step,
  split: "train",
  scope: "all",
  name: "all",
  metrics,
  ...over,
});

describe("trackioLogs", () => {
  it("puts a step's sources together, evaluation apart, under the names of TensorBoard", () => {
    const records = [
      record(1, { "critic/rewards/mean": 0.5 }, { scope: "source", name: "clevr" }),
      record(1, { "actor/entropy": Number.NaN, "critic/rewards/mean": 0.25 }),
      record(1, { "acc/mean@8": 1 }, { split: "eval", scope: "source", name: "geo3k" }),
      record(2, {}),
    ];
    expect(trackioLogs(records, { project: "p", runName: "mine", id: "a" })).toEqual([
      {
        project: "p",
        run: "mine",
        step: 1,
        metrics: {
          "source/clevr/critic/rewards/mean": 0.5,
          "actor/entropy": "NaN",
          "critic/rewards/mean": 0.25,
        },
        config: undefined,
        log_id: "a 1 train",
      },
      {
        project: "p",
        run: "mine",
        step: 1,
        metrics: { "val-core/geo3k/acc/mean@8": 1 },
        config: undefined,
        log_id: "a 1 eval",
      },
    ]);
  });
});

it("rejects when nobody listens, and when a server is no trackio", async () => {
  const nobody = trackioSink({ url: "http://127.0.0.1:9", project: "p", runName: "y" });
  await expect(nobody.write([record(1, { x: 1 })])).rejects.toThrow();
  await nobody.close();
});

const python = process.env["V_TRIUNE_PYTHON"] ?? "python3";
const hasTrackio = ((): boolean => {
  try {
    execFileSync(python, ["-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('trackio') is None)"], {
      stdio: "ignore",
      timeout: 60_000,
    });
    return true;
  } catch {
    console.warn(
      `skipped: a real trackio server, as ${python} has no trackio (pip install trackio, or name a Python that has it ` +
        "in V_TRIUNE_PYTHON)",
    );
    return false;
  }
})();

describe.skipIf(!hasTrackio)("a real trackio server", () => {
  const TOKEN = "write-token-of-the-test";
  let folder: string;
  let real: ChildProcess;
  let url: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "v-triune-trackio-"));
    const port = await new Promise<number>((resolve) => {
      const probe = createServer().listen(0, "127.0.0.1", () => {
        const { port: free } = probe.address() as AddressInfo;
        probe.close(() => resolve(free));
      });
    });
    url = `http://127.0.0.1:${port}`;
    const show = `import trackio; trackio.show(open_browser=False, block_thread=True, host="127.0.0.1", server_port=${port})`;
    real = spawn(python, ["-c", show], {
      stdio: "ignore",
      detached: true,
      cwd: folder,
      env: { ...process.env, TRACKIO_DIR: folder, TRACKIO_WRITE_TOKEN: TOKEN },
    });
    const isUp = (): Promise<boolean> =>
      fetch(`${url}/version`).then(
        ({ ok }) => ok,
        () => false,
      );
    await vi.waitFor(async () => expect(await isUp()).toBe(true), { timeout: 110_000, interval: 500 });
  }, 120_000);
  afterAll(() => {
    // The server's workers are its own children.
    if (real?.pid !== undefined) process.kill(-real.pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask<T>(name: string, kwargs: object): Promise<T> {
    const response = await fetch(`${url}/api/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ args: [], kwargs }),
    });
    return ((await response.json()) as { data: T }).data;
  }

  for (const { name, run } of metricSinkConformance(() =>
    trackioSink({ url, writeToken: TOKEN, project: "conformance", runName: `run ${Math.random()}` }),
  ))
    it(name, run);

  it("takes a run's numbers once, although they are sent again", async () => {
    const sink = trackioSink({
      url: `${url}/?write_token=${TOKEN}`,
      project: "numbers",
      runName: "mine",
      config: { lr: 1 },
    });
    const records = [record(1, { "critic/rewards/mean": 0.5, "actor/grad_norm": Infinity }), record(2, { x: 2 })];
    await sink.write(records);
    await sink.write(records);
    await sink.close();
    const logs = await ask<Record<string, unknown>[]>("get_logs", { project: "numbers", run: "mine" });
    expect(logs.map((log) => [log.step, log["critic/rewards/mean"] ?? log.x])).toEqual([
      [1, 0.5],
      [2, 2],
    ]);
  });

  it("says what the server says without its token", async () => {
    const sink = trackioSink({ url, writeToken: "wrong", project: "numbers", runName: "other" });
    await expect(sink.write([record(1, { x: 1 })])).rejects.toThrow(/write_token is required/);
  });

  it("takes a run folder with its rollouts' pictures and boxes", async () => {
    const run = await copyRecordedRun(join(folder, "runs"));
    let told = "";
    await runCommandLine(
      ["trackio", run, "--url", `${url}/?write_token=${TOKEN}`, "--project", "demo", "--steps", "2"],
      {
        out: () => {},
        tell: (text) => void (told += text),
      },
    );
    expect(told).toMatch(/13 steps, 112 rollouts with 112 pictures/);
    const logs = await ask<Record<string, unknown>[]>("get_logs", { project: "demo", run: "demo" });
    expect(logs.find(({ step, ...log }) => step === 12 && "critic/rewards/mean" in log)).toBeDefined();
    const table = logs.find((log) => "rollouts" in log)!.rollouts as {
      _type: string;
      _value: Record<string, unknown>[];
    };
    expect(table._type).toBe("trackio.table");
    expect(table._value).toHaveLength(112);
    const row = table._value.find(({ source }) => source === "demo_detect")!;
    const { file_path: path } = row.picture as { file_path: string };
    const picture = await fetch(`${url}/file?path=${encodeURIComponent(join(folder, "media", path))}`);
    expect(picture.headers.get("content-type")).toContain("image/svg+xml");
    const svg = await picture.text();
    expect(svg).toContain('href="data:image/png;base64,');
    expect(svg).toContain("<title>");
  }, 120_000);
});

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReportData, RunChanges } from "../dashboard/dashboard-api";
import { copyRecordedRun, writeHostileRun } from "../dashboard/testing/recorded-run";
import { eighteenSources, writeSimulatedRun } from "../dashboard/testing/simulated-run";
import { HELP, runCommandLine } from "./command-line";

let parent: string;
beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), "v-triune-commands-"));
  await copyRecordedRun(join(parent, "runs"));
  await writeHostileRun(join(parent, "runs"));
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

async function run(...args: string[]): Promise<{ status: number; out: string; told: string }> {
  let out = "";
  let told = "";
  const status = await runCommandLine(args, { out: (text) => void (out += text), tell: (text) => void (told += text) });
  return { status, out, told };
}

describe("query", () => {
  it("asks rollouts and metrics of several runs", async () => {
    const { out, told } = await run(
      "query",
      "select run, data_source, count(*)::INTEGER n from rollouts where step = 12 group by all order by 2",
      join(parent, "runs"),
      "--format",
      "csv",
    );
    expect(told).toMatch(/step-000008\.parquet is left out: .*magic bytes/);
    expect(out.split("\n").slice(0, 2)).toEqual(["run,data_source,n", "demo,demo_chart,16"]);
    const metrics = await run(
      "query",
      "select step, value from metrics where run = 'demo' and split = 'train' and scope = 'all' and metric = " +
        "'critic/rewards/mean' order by step desc limit 1",
      join(parent, "runs"),
      "--format",
      "jsonl",
    );
    expect(JSON.parse(metrics.out)).toEqual({ step: "12", value: expect.closeTo(0.671891, 5) as number });
  });

  it("prints a table that no control character of a response can disturb", async () => {
    const { out } = await run(
      "query",
      "select 1 as one, 'a' || chr(27) || '[2J' || chr(10) || 'b' as text",
      join(parent, "runs", "demo"),
    );
    expect(out).toBe("one  text\n───  ───────\n  1  a·[2J⏎b\n");
  });

  it("passes on what DuckDB says of a wrong statement, and which columns there are", async () => {
    await expect(run("query", "select nothing from rollouts", join(parent, "runs", "demo"))).rejects.toThrow(
      /"nothing" not found[^]*describe rollouts/,
    );
    await expect(run("query", "select 1", join(parent, "runs", "demo"), "--format", "xml")).rejects.toThrow(
      /table, csv, jsonl/,
    );
    await expect(run("query", "select 1", parent + "/none")).rejects.toThrow(/file or folder is missing/);
  });
});

describe("changes", () => {
  let folder: string;
  beforeAll(async () => {
    folder = join(parent, "planted", "run");
    const worse = { solved: (step: number) => (step <= 20 ? 0.7 : 0.2) };
    await writeSimulatedRun(folder, { sources: eighteenSources(worse, 11), steps: 40, seed: 2 });
  });

  it("names the source that got worse first, within 80 columns", async () => {
    const { out } = await run("changes", folder, "--since", "20");
    const lines = out.split("\n");
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(lines[0]).toBe("run: steps 21–40 (20 recorded) against 1–20 (20)");
    expect(lines[3]).toMatch(/^source 11 {6} +0\.\d+ +0\.\d+ +−0\.\d+ {2}\[−0\.\d+, −0\.\d+\] +960\/960 {2}▼ worse$/);
    expect(lines.filter((line) => /^source .*(worse|better)$/.test(line))).toHaveLength(1);
  });

  it("gives programs everything, and the same over SQL", async () => {
    const json = JSON.parse((await run("changes", folder, "--since", "20", "--json")).out) as RunChanges;
    const query = "select * from changes(20)";
    const rows = (await run("query", query, folder, "--format", "jsonl")).out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, number | string>);
    expect(rows).toHaveLength(json.rows.length);
    for (const { scope, name, cells, before, after } of json.rows) {
      const row = rows.find((one) => one.scope === scope && one.name === name)!;
      const [reward] = cells;
      expect(row.change).toBeCloseTo(reward!.change!, 12);
      expect([Number(row.prompts_before), Number(row.rollouts_after)]).toEqual([before.prompts, after.rollouts]);
      const half = (Number(row.high) - Number(row.low)) / 2;
      expect(Math.abs(Number(row.low) - reward!.low!)).toBeLessThan(0.25 * half);
      expect(Math.abs(Number(row.high) - reward!.high!)).toBeLessThan(0.25 * half);
    }
  });

  it("shows answers before and after", async () => {
    const { out } = await run("changes", folder, "--before", "1-20", "--after", "21-40", "--answers", "source 11");
    expect(out).toContain("No prompt occurs in both windows");
    expect(out).toMatch(/ {2}before, step \d+, source 11\/[\d-]+: mean reward/);
    expect(out).toContain("I guess \\boxed{4}.");
    await expect(run("changes", folder, "--answers", "clevr")).rejects.toThrow(/no source or task[^]*source 11/);
  });

  it("says what is wrong with its arguments", async () => {
    await expect(run("changes")).rejects.toThrow(/changes takes one run folder/);
    await expect(run("changes", join(parent, "runs"))).rejects.toThrow(/several runs/);
    await expect(run("changes", folder, "--since", "40")).rejects.toThrow(/No step is recorded[^]*a step from 1 to 39/);
    await expect(run("changes", folder, "--before", "20-1")).rejects.toThrow(/--before cannot be used[^]*1-20/);
  });
});

describe("report", () => {
  it("is one file with the run's numbers, rollouts and pictures, and no address of another machine", async () => {
    const path = join(parent, "report.html");
    const { told } = await run("report", join(parent, "runs", "demo"), "-o", path, "--steps", "2");
    expect(told).toMatch(/report\.html: \d+\.\d MB/);
    const html = readFileSync(path, "utf8");
    const data = JSON.parse(
      /<script type="application\/json" id="report">([^]*?)<\/script>/.exec(html)![1]!,
    ) as ReportData;
    expect(data.runs[0]).toMatchObject({ name: "demo", step: 12, rolloutSteps: [2] });
    expect(data.groups.demo).toHaveLength(14);
    expect(data.groups.demo![0]!.pictures[0]!.source).toMatch(/^data:image\/png;base64,/);
    expect(data.series.demo!.some(({ metric, count }) => metric === "critic/rewards/mean" && count === 12)).toBe(true);
    expect(html).toContain("connect-src 'none'");
  });

  it("says which steps there are when asked for another, and that a folder of runs is not one", async () => {
    await expect(run("report", join(parent, "runs", "demo"), "--steps", "5")).rejects.toThrow(
      /no rollouts of this step[^]*one of 1, 2, 12/,
    );
    await expect(run("report", join(parent, "runs"))).rejects.toThrow(/several runs[^]*demo, hostile/);
  });
});

describe("a folder whose name looks like a glob", () => {
  it("is asked, reported and its pictures found, beside a folder that the glob would match", async () => {
    const odd = join(parent, "odd", "answer=7", "a[1]*{b}");
    await copyRecordedRun(odd);
    await copyRecordedRun(join(parent, "odd", "answer=7", "a1x{b}"), "other");
    const columns = "select count(*)::INTEGER n, min(step)::INTEGER early from";
    const rollouts = await run("query", `${columns} rollouts where step = 12`, odd, "--format", "jsonl");
    expect(JSON.parse(rollouts.out)).toEqual({ n: 112, early: 12 });
    expect(rollouts.told).toBe("");
    const metrics = await run("query", `${columns} metrics`, odd, "--format", "jsonl");
    expect(JSON.parse(metrics.out)).toMatchObject({ early: 0 });
    const path = join(parent, "odd", "report[1].html");
    await run("report", join(odd, "demo"), "-o", path, "--steps", "2");
    const [, json] = /<script type="application\/json" id="report">([^]*?)<\/script>/.exec(readFileSync(path, "utf8"))!;
    const data = JSON.parse(json!) as ReportData;
    expect(data.groups.demo).toHaveLength(14);
    expect(data.groups.demo![0]!.pictures[0]!.source).toMatch(/^data:image\/png;base64,/);
  });
});

describe("the command line", () => {
  it("has a help that fits 80 columns, and says what is wrong with an argument", async () => {
    expect((await run("--help")).out).toBe(HELP);
    expect(Math.max(...HELP.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(80);
    await expect(run("--prot", "1")).rejects.toThrow(/--prot/);
    await expect(run("repot", "a")).rejects.toThrow(/no such command[^]*found: +repot[^]*did you mean report/);
    await expect(run(parent, "--port", "99999")).rejects.toThrow(/--port cannot be used[^]*from 0 to 65535/);
  });

  it("ends with exit code 2 and without a stack for what a person can fix", () => {
    const bin = fileURLToPath(new URL("../../bin/v-triune-monitor.mjs", import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [bin, "report", "a", "b"], { encoding: "utf8" });
    expect(stderr).toMatch(/^A file or folder is missing\.\n {2}where: {4}a\n/);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(status).toBe(2);
  });
});

describe("label, delete and trash", () => {
  it("label a run, move it into the trash, back, and erase it", async () => {
    const runs = join(parent, "kept");
    const folder = await copyRecordedRun(runs, "mine");
    expect((await run("label", folder)).out).toBe("title     –\ntags      –\narchived  no\n");
    const labeled = await run("label", folder, "--title", "the fix", "--tags", "good, seed 2", "--archive");
    expect(labeled.out).toBe("title     the fix\ntags      good, seed 2\narchived  yes\n");
    expect((await run("label", folder, "--title", "", "--tags", "", "--unarchive")).out).toContain("title     –");
    await expect(run("label", folder, "--note", "x".repeat(10_001))).rejects.toThrow(/at most 10000 characters/);
    await expect(run("label", folder, "--archive", "--unarchive")).rejects.toThrow(/archived or it is not/);
    await expect(run("label")).rejects.toThrow(/takes one run folder/);
    // Copied a moment ago: a trainer without a lock may be writing.
    await expect(run("delete", folder)).rejects.toThrow(/in use and stays/);
    writeFileSync(join(folder, "run.lock"), JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
    const { told } = await run("delete", folder);
    expect(told).toMatch(/Undo: v-triune-monitor trash .*mine --restore mine~\d{8}T\d{9}Z/);
    expect(existsSync(folder)).toBe(false);
    expect((await run("trash", runs)).out).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d {2}mine~\S+ {2}of /);
    await expect(run("trash", runs, "--restore", "other")).rejects.toThrow(/no such run in the trash[^]*mine~/);
    expect((await run("trash", folder, "--restore", "mine")).told).toMatch(/mine is back\n$/);
    await run("delete", folder);
    expect((await run("trash", runs, "--empty")).told).toBe("1 run erased\n");
    expect((await run("trash", runs)).out).toBe("The trash is empty.\n");
  });
});

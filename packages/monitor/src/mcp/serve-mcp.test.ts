import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RolloutGroup, RolloutPage, RunChanges, RunSummary } from "../dashboard/dashboard-api";
import { RolloutReader } from "../dashboard/rollouts/rollout-reader";
import { RunCatalogue } from "../dashboard/run-folder/run-catalogue";
import { copyRecordedRun } from "../dashboard/testing/recorded-run";
import { eighteenSources, writeSimulatedRun } from "../dashboard/testing/simulated-run";
import { loadMcpSdk, type McpContent, type McpResult } from "./mcp-sdk";
import { MCP_TOOLS, type McpContext } from "./mcp-tools";
import { callTool } from "./serve-mcp";

let parent: string;
let context: McpContext;
beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), "v-triune-mcp-"));
  const runs = join(parent, "runs");
  await copyRecordedRun(runs);
  const worse = { solved: (step: number) => (step <= 20 ? 0.7 : 0.2) };
  await writeSimulatedRun(join(runs, "planted"), { sources: eighteenSources(worse, 5), steps: 40, seed: 3 });
  context = { catalogue: new RunCatalogue([runs]), rollouts: new RolloutReader(), folders: [runs] };
});
afterAll(async () => {
  await context.rollouts.close();
  rmSync(parent, { recursive: true, force: true });
});

const textOf = ({ content }: McpResult): string =>
  content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");

async function ask<T>(name: string, given: Record<string, unknown> = {}): Promise<T> {
  const result = await callTool(name, given, context);
  expect(result.isError, textOf(result)).toBeUndefined();
  return JSON.parse(textOf(result)) as T;
}

async function refusal(name: string, given: Record<string, unknown> = {}): Promise<string> {
  const result = await callTool(name, given, context);
  expect(result.isError).toBe(true);
  return textOf(result);
}

describe("the tools", () => {
  it("lead an agent from the runs to the answers of the source that got worse", async () => {
    const runs = await ask<RunSummary[]>("list_runs");
    expect(runs.map(({ id }) => id)).toEqual(["demo", "planted"]);
    const changes = await ask<RunChanges>("changes", { run: "planted", since: 20 });
    expect(changes.rows[0]).toMatchObject({ name: "source 5", verdict: "worse" });
    const answers = await ask<{ pairs: { before: { source: string } }[] }>("answers_before_and_after", {
      run: "planted",
      since: 20,
      name: "source 5",
    });
    expect(answers.pairs[0]!.before.source).toBe("source 5");
    const alarms = await ask<{ rule: string; name: string }[]>("alarms", { run: "planted" });
    expect(alarms).toMatchObject([{ rule: "reward collapse", name: "source 5" }]);
    const series = await ask<{ steps: number[] }[]>("metric", {
      run: "planted",
      metric: "critic/rewards/mean",
      scope: "source",
      name: "source 5",
      from: 11,
      to: 30,
    });
    expect(series).toMatchObject([{ count: 20 }]);
    const described = await ask<{ streams: object[]; metrics: string[] }>("describe_run", { run: "planted" });
    expect(described.metrics).toContain("critic/rewards/mean");
  });

  it("show rollouts by question, and a prompt with its picture", async () => {
    const page = await ask<RolloutPage>("rollouts", {
      run: "demo",
      step: 2,
      source: "demo_detect",
      order: "reward",
      limit: 3,
    });
    expect(page.rows).toHaveLength(3);
    const { step, group } = page.rows[0]!;
    const result = await callTool("rollout_group", { run: "demo", step, group }, context);
    const [text, picture] = result.content as [McpContent & { text: string }, McpContent & { data: string }];
    expect((JSON.parse(text.text) as RolloutGroup).rollouts[0]!.boxes).not.toBeNull();
    expect(picture).toMatchObject({ type: "image", mimeType: "image/png" });
    expect(Buffer.from(picture.data, "base64").subarray(1, 4).toString()).toBe("PNG");
    expect(
      (await callTool("rollout_group", { run: "demo", step, group, pictures: false }, context)).content,
    ).toHaveLength(1);
  });

  it("answer SQL that reads, and nothing that writes or reads elsewhere", async () => {
    const sql = "select run, count(*)::INTEGER as n from rollouts group by all order by run";
    const rows = textOf(await callTool("query", { sql }, context)).split("\n");
    expect(JSON.parse(rows[0]!)).toEqual({ run: "demo", n: 336 });
    expect(textOf(await callTool("query", { sql: "describe rollouts" }, context))).toContain("data_source");
    const secret = join(parent, "secret.csv");
    writeFileSync(secret, "a\n1\n");
    const target = join(parent, "runs", "planted", "written.csv");
    for (const [writing, reason] of [
      [`copy (select 1) to '${target}'`, /not a single SELECT/],
      ["create table t as select 1", /not a single SELECT/],
      ["select 1; select 2", /not a single SELECT[^]*2 statements/],
      ["drop view rollouts", /not a single SELECT/],
      [`attach '${join(parent, "x.db")}' as x`, /not a single SELECT/],
      ["set lock_configuration = false", /not a single SELECT/],
      [`select * from read_csv('${secret}')`, /disabled|denied|permission/i],
      ["select nothing from rollouts", /"nothing" not found/],
    ] as const)
      expect(await refusal("query", { sql: writing })).toMatch(reason);
    expect(existsSync(target)).toBe(false);
  });

  it("say what is wrong with a question, and which there are", async () => {
    expect(await refusal("nope")).toMatch(/no tool nope, but list_runs/);
    expect(await refusal("changes", { run: "other" })).toMatch(/no run of this id[^]*demo, planted/);
    expect(await refusal("changes", { run: "planted", since: -1 })).toMatch(/whole number from 0/);
    expect(await refusal("changes", { run: "planted", before: { from: 9, to: 2 } })).toMatch(/ends before it begins/);
    expect(await refusal("rollout_group", { run: "demo", step: 5, group: 0 })).toMatch(/no rollouts[^]*1, 2, 12/);
    for (const { description, annotations } of MCP_TOOLS) {
      expect(description.length).toBeGreaterThan(40);
      expect(annotations.readOnlyHint).toBe(true);
    }
  });
});

it("says how to install the SDK where it is missing", async () => {
  const nowhere = createRequire(import.meta.url);
  let isInstalled = true;
  try {
    nowhere.resolve("@modelcontextprotocol/server");
  } catch {
    isInstalled = false;
  }
  if (!isInstalled)
    await expect(loadMcpSdk(parent)).rejects.toThrow(/SDK of the Model Context Protocol[^]*npm install/);
});

/** A folder with @modelcontextprotocol/server and @modelcontextprotocol/client, version 2. */
const sdkFolder = process.env["V_TRIUNE_MCP"];
if (sdkFolder === undefined)
  console.warn(
    "skipped: the MCP server over stdio (npm install @modelcontextprotocol/server@2 @modelcontextprotocol/client@2 in a " +
      "folder, and name it in V_TRIUNE_MCP)",
  );

interface McpClient {
  connect(transport: object): Promise<void>;
  listTools(): Promise<{ readonly tools: readonly { readonly name: string }[] }>;
  callTool(call: { readonly name: string; readonly arguments: object }): Promise<McpResult>;
  getInstructions(): string;
  close(): Promise<void>;
}

it.skipIf(sdkFolder === undefined)(
  "speaks with the client of the official SDK over stdio",
  async () => {
    const require = createRequire(join(sdkFolder!, "noop.js"));
    const load = async (name: string) =>
      (await import(pathToFileURL(require.resolve(name)).href)) as Record<string, new (options: object) => McpClient>;
    const { Client } = await load("@modelcontextprotocol/client");
    const { StdioClientTransport } = await load("@modelcontextprotocol/client/stdio");
    const bin = fileURLToPath(new URL("../../bin/v-triune-monitor.mjs", import.meta.url));
    const client = new Client!({ name: "test", version: "1" });
    await client.connect(
      new StdioClientTransport!({
        command: process.execPath,
        args: [bin, "mcp", join(parent, "runs")],
        cwd: sdkFolder,
        stderr: "pipe",
      }),
    );
    try {
      expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(MCP_TOOLS.map(({ name }) => name));
      expect(client.getInstructions()).toContain("list_runs");
      const changes = await client.callTool({ name: "changes", arguments: { run: "planted", since: 20 } });
      expect((JSON.parse(textOf(changes)) as RunChanges).rows[0]).toMatchObject({ name: "source 5", verdict: "worse" });
      const group = await client.callTool({ name: "rollout_group", arguments: { run: "demo", step: 2, group: 9 } });
      expect(group.content.map(({ type }) => type)).toEqual(["text", "image"]);
      expect(await client.callTool({ name: "alarms", arguments: { run: "nope" } })).toMatchObject({ isError: true });
    } finally {
      await client.close();
    }
  },
  60_000,
);

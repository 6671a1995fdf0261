/** Runs whose answers take several turns: what they leave behind, and that nothing of how they are computed shows. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { decodeImage } from "@v-triune/policy";
import type { Tool } from "@v-triune/rollouts/tools";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainingConfig } from "../config/training-config";
import { tinyTurnsRun } from "../testing/tiny-turns-run";
import { runTraining } from "./run-training";

const folder = mkdtempSync(join(tmpdir(), "v-triune-turns-"));
let base: TrainingConfig;
beforeAll(async () => {
  base = await tinyTurnsRun(folder, "base", 2, {});
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function config(name: string, change: Partial<TrainingConfig> = {}): TrainingConfig {
  return { ...base, ...change, run: { ...base.run, name, folder: join(folder, name) } };
}
const weightsOf = (name: string) => readFileSync(join(folder, name, `checkpoints/step-000002/model.safetensors`));
function metricsOf(name: string, split = "train"): Record<string, number>[] {
  return readFileSync(join(folder, name, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { scope: string; split: string; metrics: Record<string, number> })
    .filter((record) => record.scope === "all" && record.split === split)
    .map(({ metrics }) => metrics);
}

async function rollouts(name: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const rows = await connection.runAndReadAll(`select * from '${join(folder, name)}/rollouts/*.parquet'`);
  const found = rows.getRowObjectsJS();
  connection.closeSync();
  instance.closeSync();
  return found;
}

interface StoredConversation {
  readonly end: string;
  readonly turns: readonly {
    readonly tokens: number;
    readonly shownTokens: number;
    readonly calls: readonly { readonly fault?: string; readonly text: string; readonly pictures: readonly object[] }[];
  }[];
}

describe("a run with turns", () => {
  it("keeps every turn, what was called and what came back, and counts it", async () => {
    await runTraining(config("whole"));
    const rows = await rollouts("whole");
    const conversations = rows.map((row) => JSON.parse(row["conversation"] as string) as StoredConversation);
    const ends = new Set(conversations.map(({ end }) => end));
    expect([...ends].sort()).toEqual(["answer", "budget", "over-turn"]);
    for (const [index, { turns }] of conversations.entries()) {
      const written = turns.reduce((sum, { tokens }) => sum + tokens, 0);
      const shown = turns.reduce((sum, { shownTokens }) => sum + shownTokens, 0);
      const row = rows[index]!;
      expect(row["token_ids"]).toHaveLength(written + shown);
      expect(row["response_tokens"]).toBe(written + (row["stripped_tokens"] as number));
      const pictures = turns.flatMap(({ calls }) => calls.flatMap((call) => call.pictures));
      expect(row["observation_images"]).toHaveLength(pictures.length);
    }
    const calls = conversations.flatMap(({ turns }) => turns.flatMap((turn) => turn.calls));
    expect(calls.some(({ text }) => text.includes("swapped corners were put in order"))).toBe(true);
    expect(calls.some(({ fault }) => fault === "the box is outside of the picture")).toBe(true);
    const png = rows.flatMap((row) => row["observation_images"] as Uint8Array[])[0]!;
    expect((await decodeImage(png)).width).toBeGreaterThan(20);
    const [first] = metricsOf("whole");
    expect(first!["tools/rate"]).toBeGreaterThan(0);
    expect(first!["turns/max"]).toBe(3);
    expect(first!["tools/fault_ratio"]).toBeGreaterThan(0);
    // Evaluations have turns as well.
    expect(metricsOf("whole", "eval").at(-1)!["turns/mean"]).toBeGreaterThanOrEqual(1);
  });

  it("ends with the same bytes by two threads, and resumed", async () => {
    await runTraining(config("threads", { workers: 2 }));
    expect(weightsOf("threads").equals(weightsOf("whole"))).toBe(true);
    const interruption = { requested: false };
    await runTraining(config("resumed"), {
      interruption,
      listen: ({ type }) => (interruption.requested ||= type === "step"),
    });
    await runTraining(config("resumed"), { resume: true });
    expect(weightsOf("resumed").equals(weightsOf("whole"))).toBe(true);
  });

  it("ends with the same bytes where rollouts were made ahead and the run was interrupted in between", async () => {
    const rollout = { ...base.rollout, asyncLevel: 1 as const, dynamicSampling: { enabled: true, maxRounds: 2 } };
    await runTraining(config("ahead", { rollout }));
    const interruption = { requested: false };
    await runTraining(config("ahead-resumed", { rollout }), {
      interruption,
      listen: ({ type }) => (interruption.requested ||= type === "step"),
    });
    await runTraining(config("ahead-resumed", { rollout }), { resume: true });
    expect(weightsOf("ahead-resumed").equals(weightsOf("ahead"))).toBe(true);
    expect(weightsOf("ahead").equals(weightsOf("whole"))).toBe(false);
  });

  it("is the run without turns where there is one and no tool", async () => {
    await runTraining(config("without", { rollout: { ...base.rollout, turns: null } }));
    const turns = { ...base.rollout.turns!, max: 1, tools: [], maxShownTokens: 1 };
    await runTraining(config("one-turn", { rollout: { ...base.rollout, turns } }));
    // A call in the only turn is over-turn: here it is trained, as without turns.
    const trained = { ...turns, overTurn: "penalize" as const };
    await runTraining(config("one-turn-trained", { rollout: { ...base.rollout, turns: trained } }));
    expect(weightsOf("one-turn-trained").equals(weightsOf("without"))).toBe(true);
    expect(weightsOf("one-turn").equals(weightsOf("without"))).toBe(false);
  });

  it("goes on whatever a tool does", async () => {
    const never = new Promise<never>(() => {});
    const results: (() => unknown)[] = [
      () => never,
      () => {
        throw new TypeError("the tool has a bug");
      },
      () => ({ pictures: [{ width: 20_000, height: 20_000, data: new Uint8Array(0) }] }),
      () => ({ pictures: [new TextEncoder().encode("<html><body>502 Bad Gateway</body></html>")] }),
      () => undefined,
      () => ({ pictures: [{ width: 2, height: 2000, data: new Uint8Array(12_000) }] }),
    ];
    let call = 0;
    const tool = {
      name: "image_zoom_in_tool",
      description: "Misbehaves.",
      schema: { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } },
      parameters: { type: "object" },
      call: () => results[call++ % results.length]!() as never,
    } satisfies Tool;
    const turns = { ...base.rollout.turns!, tools: [], deadline: 0.05, maxShownTokens: 150 };
    const run = config("misbehaving", {
      rollout: { ...base.rollout, turns },
      run: { ...base.run, steps: 1 },
    });
    await runTraining({ ...run, run: { ...run.run, steps: 1 } }, { tools: [tool] });
    const faults = (await rollouts("misbehaving")).flatMap((row) =>
      (JSON.parse(row["conversation"] as string) as StoredConversation).turns.flatMap(({ calls }) =>
        calls.map(({ fault }) => fault ?? ""),
      ),
    );
    for (const reason of [
      "no result within 0.05 s",
      "the tool has a bug",
      "too large: 20000 x 20000 pixels",
      "This is not a picture that can be read.",
      "the tool returned nothing",
      "too long and thin",
    ])
      expect(
        faults.some((fault) => fault.includes(reason)),
        reason,
      ).toBe(true);
  });

  it("loses no more than its conversations to a module whose tool ends its thread", async () => {
    writeFileSync(
      join(folder, "exits.mjs"),
      `const schema = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };
      export default { name: "image_zoom_in_tool", description: "", schema, parameters: {},
        call: ({ bbox_2d: [x] }) => (x === 500 ? process.exit(1) : { text: "seen" }) };`,
    );
    const turns = { ...base.rollout.turns!, tools: [{ module: join(folder, "exits.mjs") }] };
    const exits = config("exits", { rollout: { ...base.rollout, turns } });
    await runTraining({ ...exits, run: { ...exits.run, steps: 1 }, data: { ...exits.data, eval: [] } });
    const faults = (await rollouts("exits")).flatMap((row) =>
      (JSON.parse(row["conversation"] as string) as StoredConversation).turns.flatMap(({ calls }) =>
        calls.map(({ fault }) => fault),
      ),
    );
    expect(new Set(faults)).toEqual(new Set(["the tool failed: it ended its thread with code 1", undefined]));
  });
});

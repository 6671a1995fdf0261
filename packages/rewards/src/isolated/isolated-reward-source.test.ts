import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { UnknownVerifierError } from "@v-triune/verifiers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import builtinVerifiers from "../builtin-verifiers";
import { collectRewards, type RewardRequest, type RewardResult } from "../reward-source";
import { createIsolatedRewardSource, type IsolatedRewardSource } from "./isolated-reward-source";

/**
 * A verifier that does what the response says: `hang`, `exit`, `fill memory`, `busy 40`, `wait` for a flag, or answers
 * whether it equals the gold.
 */
const OBEDIENT = `data:text/javascript,${encodeURIComponent(`
  const tried = new Map();
  export default {
    name: "obedient",
    verify(response, sample) {
      if (response === "hang") for (;;);
      if (response === "exit") process.exit(3);
      if (response === "exit once" && !sample.params.flag[0]++) process.exit(3);
      if (response === "fill memory") { const hoard = []; for (;;) hoard.push(new Array(100_000).fill(hoard.length)); }
      if (response === "throw") throw new TypeError("boom");
      if (response === "wait") Atomics.wait(sample.params.flag, 0, 0);
      const [, busy] = /^busy (\\d+)$/.exec(response) ?? [];
      if (busy !== undefined) { const until = performance.now() + Number(busy); while (performance.now() < until); }
      return { status: "scored", accuracy: response === sample.groundTruth || response === "wait" || busy !== undefined ? 1 : 0, format: 1, metrics: {} };
    },
  };
  export const notOne = 4;
`)}`;
const verifiers = [{ module: OBEDIENT }];
const request = (response: string, params?: Record<string, unknown>): RewardRequest => ({
  response,
  verifier: "obedient",
  sample: { groundTruth: "4", ...(params !== undefined && { params }) },
});
const reasons = (results: readonly RewardResult[]) =>
  results.map((result) => (result.status === "scored" ? result.accuracy : result.reason));

describe("createIsolatedRewardSource in threads", () => {
  let source: IsolatedRewardSource;
  beforeAll(async () => {
    source = await createIsolatedRewardSource({ verifiers, workers: 2, deadlineMs: 1000, memoryMb: 64 });
  });
  afterAll(() => source.close());

  it("scores a stream, each request once", async () => {
    const results = await collectRewards(
      source,
      Array.from({ length: 500 }, (_, i) => request(i % 3 === 0 ? "4" : "5")),
    );
    expect(reasons(results)).toEqual(Array.from({ length: 500 }, (_, i) => (i % 3 === 0 ? 1 : 0)));
    expect(source.names).toEqual(["obedient"]);
  });

  it("gives the culprit of a hang a timeout and everybody else a verdict", async () => {
    const before = source.stats.timeouts;
    const results = await collectRewards(
      source,
      Array.from({ length: 60 }, (_, i) => request(i === 20 ? "hang" : "4")),
    );
    expect(reasons(results)).toEqual(Array.from({ length: 60 }, (_, i) => (i === 20 ? "timeout" : 1)));
    expect(source.stats.timeouts).toBe(before + 1);
  });

  it("gives the culprit of a crash an error, after one more try", async () => {
    const results = await collectRewards(
      source,
      Array.from({ length: 30 }, (_, i) => request(i === 3 ? "exit" : "4")),
    );
    expect(reasons(results)).toEqual(Array.from({ length: 30 }, (_, i) => (i === 3 ? "crash" : 1)));
  });

  it("does a sample again whose worker died once", async () => {
    const flag = new Int32Array(new SharedArrayBuffer(4));
    expect(reasons(await collectRewards(source, [request("exit once", { flag })]))).toEqual([0]);
  });

  it("survives a verifier that fills its memory", async () => {
    const results = await collectRewards(source, [request("4"), request("fill memory"), request("4")]);
    expect(results[1]).toMatchObject({
      status: "error",
      reason: expect.stringMatching(/^(crash|timeout)$/) as unknown,
    });
    expect([results[0], results[2]]).toMatchObject([{ accuracy: 1 }, { accuracy: 1 }]);
  });

  it("turns a verifier's throw into an error with its message", async () => {
    expect(reasons(await collectRewards(source, [request("throw")]))).toEqual(["crash: TypeError: boom"]);
  });

  it("counts a deadline from the start of the sample, not from the queue", async () => {
    // 60 × 40 ms on 2 workers: the last ones wait longer than the deadline of a second, none runs that long.
    const results = await collectRewards(
      source,
      Array.from({ length: 60 }, () => request("busy 40")),
    );
    expect(reasons(results)).toEqual(Array.from({ length: 60 }, () => 1));
  });

  it("does not take its own busy event loop for a timeout", async () => {
    const results = collectRewards(
      source,
      Array.from({ length: 20 }, () => request("busy 5")),
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
    const until = performance.now() + 1300;
    while (performance.now() < until);
    expect(reasons(await results)).toEqual(Array.from({ length: 20 }, () => 1));
  });

  it("hands what waits behind a long sample to the other worker", async () => {
    const two = await createIsolatedRewardSource({ verifiers, workers: 2, deadlineMs: 60_000, maxSpareWorkers: 0 });
    while (two.stats.ready < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    // The long one ends when all others have their verdicts: those behind it must have come from the other worker.
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const order: number[] = [];
    const requests = [request("wait", { flag }), ...Array.from({ length: 40 }, () => request("4"))];
    for await (const { index } of two.score(requests)) {
      order.push(index);
      if (order.length < 40) continue;
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
    }
    expect(order).toHaveLength(41);
    expect(order.at(-1)).toBe(0);
    expect(two.stats.timeouts).toBe(0);
    await two.close();
  });

  it("starts spares for stuck workers, within the bound: hangs in all workers do not hold up the others", async () => {
    const spared = await createIsolatedRewardSource({ verifiers, workers: 2, deadlineMs: 4000, maxSpareWorkers: 2 });
    while (spared.stats.ready < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const hangs = Promise.all([spared.run(request("hang")), spared.run(request("hang"))]);
    let hung: unknown;
    void hangs.then((outcomes) => (hung = outcomes));
    // The second is put behind the first or in the other worker; either way both workers are taken before anybody else
    // comes.
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(
      reasons(
        await collectRewards(
          spared,
          Array.from({ length: 50 }, () => request("4")),
        ),
      ),
    ).toEqual(Array.from({ length: 50 }, () => 1));
    expect(hung).toBeUndefined();
    expect(spared.stats).toMatchObject({ workers: 4, spares: 2 });
    const more = [spared.run(request("hang")), spared.run(request("hang"))];
    const timeout = { status: "error", reason: "timeout", code: "timeout" };
    expect(await Promise.all([hangs, ...more])).toEqual([[timeout, timeout], timeout, timeout]);
    expect(spared.stats).toMatchObject({ timeouts: 4, crashes: 0 });
    expect(spared.stats.workers).toBeLessThanOrEqual(4);
    await spared.close();
  });

  it("reads no further ahead than it must, and stops when its reader stops", async () => {
    let asked = 0;
    function* endless() {
      for (;;) {
        asked++;
        yield request("4");
      }
    }
    let seen = 0;
    for await (const result of source.score(endless())) if (result.status === "scored" && ++seen === 300) break;
    expect(asked).toBeLessThan(300 + 2 * 2 * 32 + 1 + 1);
  });

  it("stops when aborted", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 20);
    await expect(
      collectRewards(
        source,
        Array.from({ length: 50 }, () => request("busy 30")),
        { signal: controller.signal },
      ),
    ).rejects.toThrow("enough");
    await expect(
      source.run(request("4"), AbortSignal.abort(new Error("no"))).catch((error: Error) => error.message),
    ).resolves.toBe("no");
    async function* never() {
      await new Promise(() => undefined);
      yield request("4");
    }
    await expect(
      collectRewards({ score: () => source.score(never(), { signal: AbortSignal.timeout(20) }) }, []),
    ).rejects.toThrow(/timeout/i);
  });

  it("throws for an unknown verifier", async () => {
    await expect(collectRewards(source, [{ ...request("4"), verifier: "obedience" }])).rejects.toThrow(
      UnknownVerifierError,
    );
    await expect(source.run({ ...request("4"), verifier: "obediant" })).rejects.toThrow('did you mean "obedient"?');
  });
});

describe("createIsolatedRewardSource", () => {
  it("says why verifiers cannot be loaded", async () => {
    const start = (module: string, more: object = {}) =>
      createIsolatedRewardSource({ verifiers: [{ module, ...more }], workers: 1 });
    await expect(start("file:///no/such/verifier.js")).rejects.toThrow(
      /A verifier module cannot be imported\.\n {2}where: {4}file:\/\/\/no\/such\/verifier\.js\n {2}found: /,
    );
    const project = mkdtempSync(join(tmpdir(), "v-triune-commonjs-"));
    writeFileSync(join(project, "package.json"), '{"type": "commonjs"}');
    writeFileSync(join(project, "mine.js"), 'export default { name: "mine", verify: () => null };');
    await expect(start(pathToFileURL(join(project, "mine.js")).href)).rejects.toThrow(
      /cannot be imported[^]*fix: {6}name the file \.mjs or \.mts, or set "type": "module"/,
    );
    rmSync(project, { recursive: true });
    await expect(start(OBEDIENT, { export: "nothing" })).rejects.toThrow(
      /has no export "nothing"\.[^]*found: {4}default, notOne/,
    );
    await expect(start(OBEDIENT, { export: "notOne" })).rejects.toThrow(
      /The export "notOne" of a verifier module is not a verifier\.[^]*found: {4}4/,
    );
    await expect(createIsolatedRewardSource({ workers: 0 })).rejects.toThrow(
      "workers is 0, expected a number of at least 1",
    );
    await expect(createIsolatedRewardSource({ maxSpareWorkers: -1 })).rejects.toThrow(
      "maxSpareWorkers is -1, expected a number of at least 0",
    );
  });

  it("gives up when workers die before they are ready", async () => {
    await expect(
      createIsolatedRewardSource({ verifiers: [{ module: "data:text/javascript,process.exit(4)" }], workers: 1 }),
    ).rejects.toThrow(/die before they are ready[^]*3 starts in a row failed/);
  });

  it("loads a verifier in TypeScript", async () => {
    const folder = mkdtempSync(join(tmpdir(), "v-triune-verifier-"));
    const path = join(folder, "mine.ts");
    writeFileSync(
      path,
      'const name: string = "mine";\nexport default { name, verify: () => ({ status: "scored", accuracy: 1, format: 1, metrics: {} }) };\n',
    );
    const source = await createIsolatedRewardSource({ verifiers: [{ module: pathToFileURL(path).href }], workers: 1 });
    expect(source.names).toEqual(["mine"]);
    expect(await source.run({ ...request("4"), verifier: "mine" })).toMatchObject({ status: "scored", reward: 1 });
    await source.close();
    rmSync(folder, { recursive: true });
  });

  it("settles what is unfinished when it is closed", async () => {
    const source = await createIsolatedRewardSource({ verifiers, workers: 1 });
    const hanging = source.run(request("hang"));
    await source.close();
    expect(await hanging).toEqual({ status: "error", reason: "closed", code: "closed" });
    expect(await source.run(request("4"))).toEqual({ status: "error", reason: "closed", code: "closed" });
  });

  it("has the built-in verifiers when none are named", async () => {
    const source = await createIsolatedRewardSource({ workers: 1 });
    expect(source.names).toEqual(builtinVerifiers().map(({ name }) => name));
    expect(source.names).toEqual(expect.arrayContaining(["mathverify", "detection", "json-schema"]));
    expect(
      await source.run({
        response: "\\boxed{4}",
        verifier: "mathverify",
        sample: { groundTruth: "\\boxed{4}" },
        formatRatio: 0,
      }),
    ).toMatchObject({ status: "scored", reward: 1 });
    await source.close();
  });
});

describe("createIsolatedRewardSource in processes", () => {
  it("survives hangs and exits", async () => {
    const source = await createIsolatedRewardSource({ verifiers, workers: 2, isolation: "process", deadlineMs: 1000 });
    const responses = Array.from({ length: 40 }, (_, i) => (i === 7 ? "hang" : i === 21 ? "exit" : "4"));
    const results = await collectRewards(
      source,
      responses.map((response) => request(response)),
    );
    await source.close();
    expect(reasons(results)).toEqual(
      responses.map((response) => (response === "hang" ? "timeout" : response === "exit" ? "crash" : 1)),
    );
  });
});

describe("the process around an isolated source", () => {
  const run = (script: string) =>
    spawnSync(
      process.execPath,
      ["--conditions=@v-triune/source", "--import", "tsx", "--input-type=module", "-e", script],
      { encoding: "utf8", timeout: 30_000 },
    );
  const start = `const { createIsolatedRewardSource } = await import(${JSON.stringify(new URL("./index.ts", import.meta.url).href)}); const source = await createIsolatedRewardSource({ workers: 1, verifiers: [{ module: ${JSON.stringify(OBEDIENT)} }] });`;

  it("does not end before its answer is there, and ends by itself afterwards", () => {
    const { status, stdout, stderr } = run(
      `${start} console.log((await source.run({ response: "busy 100", verifier: "obedient", sample: { groundTruth: ` +
        `"" } })).status);`,
    );
    expect({ status, stdout, stderr: stderr.replaceAll(/^.*npm warn.*$/gm, "").trim() }).toEqual({
      status: 0,
      stdout: "scored\n",
      stderr: "",
    });
  });

  it.each(["thread", "process"])("gets to the end of close(), isolation %s", (isolation) => {
    const script = start.replace("workers: 1,", `workers: 2, isolation: ${JSON.stringify(isolation)},`);
    const { status, stdout } = run(
      `${script} await source.run({ response: "4", verifier: "obedient", sample: { groundTruth: "" } }); await ` +
        `source.close(); console.log("closed");`,
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: "closed\n" });
  });
});

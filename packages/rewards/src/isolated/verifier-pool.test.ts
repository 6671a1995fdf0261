import { expect, it } from "vitest";
import { POOL_DEFAULTS, VerifierPool } from "./verifier-pool";
import { startThread, workerFile } from "./worker-handle";

const SLOW = `data:text/javascript,${encodeURIComponent(`
  export default {
    name: "slow",
    verify(response) {
      const until = performance.now() + Number(response);
      while (performance.now() < until);
      return { status: "scored", accuracy: 1, format: 1, metrics: {} };
    },
  };
`)}`;

const file = await workerFile();
const open = (more: object) =>
  new VerifierPool((events) => startThread({ file, setup: { modules: [{ module: SLOW }], rule: {} } }, events), {
    ...POOL_DEFAULTS,
    workers: 1,
    deadlineMs: 10_000,
    ...more,
  });
const run = (pool: VerifierPool, ms: number) =>
  pool.submit({ response: String(ms), verifier: "slow", sample: { groundTruth: "" } }).outcome;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it("ends spares once no worker was stuck for a while, and a slow sample keeps its verdict", async () => {
  const pool = open({ spareIdleMs: 150 });
  await pool.ready();
  expect(pool.stats).toMatchObject({ workers: 1, spares: 0 });
  const slow = run(pool, 2000);
  while (pool.stats.spares === 0 || pool.stats.ready < 2) await wait(5);
  expect(await run(pool, 0)).toMatchObject({ status: "scored" });
  expect(pool.stats.running).toBe(1);
  expect(await slow).toMatchObject({ status: "scored" });
  while (pool.stats.spares > 0) await wait(5);
  expect(pool.stats).toMatchObject({ workers: 1, ready: 1, timeouts: 0, crashes: 0, restarts: 0 });
  expect(await run(pool, 0)).toMatchObject({ status: "scored" });
  await pool.close();
});

it("does without spares when told so", async () => {
  const pool = open({ maxSpareWorkers: 0 });
  await pool.ready();
  const order: string[] = [];
  await Promise.all([run(pool, 300).then(() => order.push("slow")), run(pool, 0).then(() => order.push("quick"))]);
  expect(order).toEqual(["slow", "quick"]);
  expect(pool.stats).toMatchObject({ workers: 1, spares: 0 });
  await pool.close();
});

import { expect, it } from "vitest";
import { POOL_DEFAULTS, VerifierPool } from "./verifier-pool";
import { startThread, workerFile } from "./worker-handle";

/** A verifier that waits until the sample's gate, if it has one, is opened. */
const GATED = `data:text/javascript,${encodeURIComponent(`
  export default {
    name: "gated",
    verify(response, { params }) {
      if (params !== undefined) Atomics.wait(params.gate, 0, 0);
      return { status: "scored", accuracy: 1, format: 1, metrics: {} };
    },
  };
`)}`;

const file = await workerFile();
const open = (more: object) =>
  new VerifierPool((events) => startThread({ file, setup: { modules: [{ module: GATED }], rule: {} } }, events), {
    ...POOL_DEFAULTS,
    workers: 1,
    deadlineMs: 60_000,
    ...more,
  });
const quick = (pool: VerifierPool) =>
  pool.submit({ response: "", verifier: "gated", sample: { groundTruth: "" } }).outcome;

/** A sample that runs until it is let go. */
function slow(pool: VerifierPool) {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const { outcome } = pool.submit({ response: "", verifier: "gated", sample: { groundTruth: "", params: { gate } } });
  return {
    outcome,
    letGo() {
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
    },
  };
}
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it("ends spares once no worker was stuck for a while, and a slow sample keeps its verdict", async () => {
  const pool = open({ spareIdleMs: 150 });
  await pool.ready();
  expect(pool.stats).toMatchObject({ workers: 1, spares: 0 });
  const { outcome, letGo } = slow(pool);
  while (pool.stats.spares === 0 || pool.stats.ready < 2) await wait(5);
  expect(await quick(pool)).toMatchObject({ status: "scored" });
  expect(pool.stats.running).toBe(1);
  letGo();
  expect(await outcome).toMatchObject({ status: "scored" });
  while (pool.stats.spares > 0) await wait(5);
  expect(pool.stats).toMatchObject({ workers: 1, ready: 1, timeouts: 0, crashes: 0, restarts: 0 });
  expect(await quick(pool)).toMatchObject({ status: "scored" });
  await pool.close();
});

it("does without spares when told so", async () => {
  const pool = open({ maxSpareWorkers: 0 });
  await pool.ready();
  const order: string[] = [];
  const { outcome, letGo } = slow(pool);
  const both = [outcome.then(() => order.push("slow")), quick(pool).then(() => order.push("quick"))];
  // Long enough for a spare to be started, were there any.
  await wait(300);
  letGo();
  await Promise.all(both);
  expect(order).toEqual(["slow", "quick"]);
  expect(pool.stats).toMatchObject({ workers: 1, spares: 0 });
  await pool.close();
});

/**
 * Very many requests against one server, for leaks: nine in ten `/judge`, the others every route, refusals among them.
 * Prints resident memory and the main thread's heap as it goes. A heap goes up and down with each collection, so memory
 * is read four times a second: after a warm-up the mean of the last quarter may be at most 10 % over that of the first.
 */
import { readFileSync } from "node:fs";
import { runLoad, type LoadRequest } from "./http-load";
import { judged, judgeLoads, pickJudge, scoreLoad } from "./recorded-requests";
import { expectThat, print, withServer, type ScenarioOptions } from "./scenario";
import type { ServerProcess } from "./server-process";

const [first] = judged;
const label = JSON.stringify({
  verifier: "mathverify",
  ground_truth: "\\boxed{4}",
  accuracy_ratio: 1,
  format_ratio: 0,
});
const text = (path: string, body: unknown, check: LoadRequest["check"]): LoadRequest => ({
  path,
  kind: path,
  body: Buffer.from(JSON.stringify(body)),
  check,
});
const OTHERS: readonly LoadRequest[] = [
  text(
    "/openrlhf",
    { query: ["2+2? \\boxed{4}</s>"], prompts: ["2+2? "], labels: [label] },
    (status, body) => status === 200 && body.startsWith('{"rewards":[1]'),
  ),
  text("/slime", { prompt: "2+2?", response: "\\boxed{5}", label }, (status, body) => status === 200 && body === "0"),
  text(
    "/judge/batch",
    judgeLoads.slice(0, 4).map(({ body }) => JSON.parse(body.toString()) as unknown),
    (status, body) => status === 200 && (JSON.parse(body) as unknown[]).length === 4,
  ),
  scoreLoad(8),
  { ...text("/v1/score", { requests: [{ response: 1 }] }, (status) => status === 400), kind: "refused, 400" },
  {
    ...text(
      "/slime",
      { response: "x", label: JSON.stringify({ verifier: "nobody", ground_truth: "1" }) },
      (status) => status === 404,
    ),
    kind: "refused, 404",
  },
  {
    ...text("/judge", {}, (status) => status === 415),
    headers: { "content-type": "text/plain" },
    kind: "refused, 415",
  },
];

/** Resident memory of the process and, from its metrics, the main thread's heap and buffers; MB. */
async function memoryOf({ url, memoryMb }: ServerProcess): Promise<{ rss: number; heap: number; external: number }> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const read = (name: string) =>
    Number(new RegExp(`^v_triune_reward_nodejs_${name} (\\S+)`, "m").exec(metrics)?.[1]) / 2 ** 20;
  return { rss: memoryMb(), heap: read("heap_size_used_bytes"), external: read("external_memory_bytes") };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** See the file's header. */
export const soak = ({ requests }: ScenarioOptions) =>
  withServer(async (server) => {
    if (first === undefined) throw new Error("there are no recorded requests");
    const parts = 40;
    const size = Math.ceil(requests / parts);
    const warm = Math.min(100_000, Math.ceil(requests / 4));
    const mix = (index: number) =>
      index % 10 === 9 ? (OTHERS[Math.floor(index / 10) % OTHERS.length] as LoadRequest) : pickJudge(index);
    print("warm-up", await runLoad(server.url, mix, { count: warm, concurrency: 64 }));
    const resident: number[] = [];
    const reader = setInterval(() => void resident.push(server.memoryMb()), 250);
    let [answered, wrong, seconds] = [0, 0, 0];
    console.log("    requests     s   RSS MB  main heap MB  external MB");
    for (let part = 0; part < parts; part++) {
      const report = await runLoad(server.url, mix, { count: Math.min(size, requests - part * size), concurrency: 64 });
      answered += report.answered;
      wrong += report.wrong;
      seconds += report.seconds;
      for (const example of report.examples) console.log(`    wrong: ${example}`);
      const { rss, heap, external } = await memoryOf(server);
      console.log(
        `    ${String(answered).padStart(8)} ${seconds.toFixed(0).padStart(5)} ${rss.toFixed(0).padStart(8)} ` +
          `${heap.toFixed(1).padStart(13)} ${external.toFixed(1).padStart(12)}`,
      );
    }
    console.log(
      `soak: ${answered.toLocaleString("en-US")} requests after ${warm.toLocaleString("en-US")} of warm-up, ` +
        `${Math.round(answered / seconds).toLocaleString("en-US")}/s`,
    );
    clearInterval(reader);
    const quarter = Math.max(1, Math.floor(resident.length / 4));
    const [early, late] = [mean(resident.slice(0, quarter)), mean(resident.slice(-quarter))];
    expectThat(wrong === 0, `${wrong} wrong replies`);
    expectThat(
      late <= early * 1.1,
      `memory is flat: ${early.toFixed(0)} MB in the first quarter, ${late.toFixed(0)} MB in the last one, ` +
        `${Math.max(...resident).toFixed(0)} MB at most`,
    );
    console.log(
      "    the generator itself: " +
        `${(Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1024).toFixed(0)} MB`,
    );
  });

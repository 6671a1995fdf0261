import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createHttpRewardSource, judge, judgeReply, judgeRequestToSample, readJudgeRequest, scoreWireRequest } from "@v-triune/rewards";
import { createVerifierRegistry } from "@v-triune/verifiers";
import builtinVerifiers from "@v-triune/rewards/builtin-verifiers";
import { runLoad, type LoadReport, type LoadRequest } from "./http-load";
import { startServerProcess, type ServerProcess } from "./server-process";

/**
 * Load and faults for the reward server, on this machine only:
 *
 *     npm run build && node tools/run.mjs tools/load/reward-server.ts [throughput] [halfload] [hanging] [kills] [restart] [fuzz] [soak] [--seconds 10]
 *
 * Requests are the 240 recorded ones (tools/goldens/judge: three in five boxes, the others math), each reply compared with what the
 * verifiers say in this process. The generator shares the cores with the server.
 */

const seconds = Number(process.argv[process.argv.indexOf("--seconds") + 1]) || 10;
const chosen = process.argv.slice(2).filter((word) => /^[a-z]+$/.test(word));
const runs = chosen.length > 0 ? chosen : ["throughput", "halfload", "hanging", "kills", "restart", "fuzz"];

const GOLDENS = resolve(import.meta.dirname, "../goldens/judge");
const recorded = ["average.json", "dynamic.json"].flatMap((name) => JSON.parse(readFileSync(resolve(GOLDENS, name), "utf8")) as { request: { reward_verifier: string } }[]);
const registry = createVerifierRegistry(builtinVerifiers());

/** `/judge` requests with the reply that the verifiers give here. */
const judgeLoads: readonly LoadRequest[] = recorded.map(({ request }) => {
  const expected = judgeReply(judge(registry, judgeRequestToSample(readJudgeRequest(request))));
  const text = JSON.stringify(expected.body);
  return {
    path: "/judge",
    kind: request.reward_verifier,
    body: Buffer.from(JSON.stringify(request)),
    check: (status, found) => status === expected.status && (status !== 200 || found === text),
  };
});
const scoreLoad = (size: number): LoadRequest => {
  const requests = Array.from({ length: size }, (_, i) => judgeRequestToSample(readJudgeRequest(recorded[i % recorded.length]?.request)));
  const rewards = requests.map((request) => judge(registry, request)).map((outcome) => (outcome.status === "scored" ? outcome.reward : outcome.status));
  return {
    path: "/v1/score",
    kind: `batch of ${size}`,
    headers: { accept: "application/x-ndjson" },
    body: Buffer.from(JSON.stringify({ requests: requests.map(scoreWireRequest) })),
    check(status, text) {
      const lines = text.trim().split("\n").map((line) => JSON.parse(line) as { index: number; status: string; reward?: number });
      return status === 200 && lines.length === size && lines.every(({ index, status: word, reward }) => (word === "scored" ? reward : word) === rewards[index]);
    },
  };
};
const pickJudge = (index: number) => judgeLoads[index % judgeLoads.length] as LoadRequest;

function print(name: string, report: LoadReport, perRequest = 1): void {
  const rate = Math.round((report.answered * perRequest) / report.seconds).toLocaleString("en-US");
  console.log(`${name}: ${rate}/s, ${report.answered.toLocaleString("en-US")} requests, ${report.wrong} wrong`);
  for (const [kind, latency] of report.latency) console.log(`    ${kind}: p50 ${latency.quantile(0.5).toFixed(1)} ms, p99 ${latency.quantile(0.99).toFixed(1)} ms, max ${latency.quantile(1).toFixed(0)} ms (${latency.count})`);
  for (const example of report.examples) console.log(`    wrong: ${example}`);
  if (report.wrong > 0) process.exitCode = 1;
}

async function withServer(run: (server: ServerProcess) => Promise<void>, ...args: string[]): Promise<void> {
  const server = await startServerProcess(...args);
  let code: number | null = null;
  try {
    console.log(`    ready in ${Math.round(server.startMs)} ms, ${Math.round(server.memoryMb())} MB`);
    await run(server);
    console.log(`    memory afterwards ${Math.round(server.memoryMb())} MB`);
  } finally {
    code = await server.stop();
  }
  if (code !== 0) throw new Error(`the server ended with ${code}`);
}

const forMs = seconds * 1000;
const all = Number.MAX_SAFE_INTEGER;

const scenarios: Readonly<Record<string, () => Promise<void>>> = {
  throughput: () =>
    withServer(async ({ url }) => {
      await runLoad(url, pickJudge, { count: all, concurrency: 32, forMs: 3000 });
      for (const concurrency of [32, 256]) print(`/judge, concurrency ${concurrency}`, await runLoad(url, pickJudge, { count: all, concurrency, forMs }));
      const batch = scoreLoad(240);
      print("/v1/score verdicts, NDJSON", await runLoad(url, () => batch, { count: all, concurrency: 4, forMs }), 240);
    }),
  halfload: () =>
    withServer(async ({ url }) => {
      const full = await runLoad(url, pickJudge, { count: all, concurrency: 32, forMs: 4000 });
      print("/judge at half of its rate", await runLoad(url, pickJudge, { count: all, concurrency: 64, forMs, rate: full.answered / full.seconds / 2 }));
    }),
  hanging: () =>
    withServer(
      async ({ url }) => {
        const hang = (index: number): LoadRequest => {
          const expression = `\\boxed{${"\\frac{1}{".repeat(30)}${index}^{99999^{99999}}${"}".repeat(30)}}`;
          const body = { ...recorded.find(({ request }) => request.reward_verifier === "mathverify")?.request, response: expression, solution: "\\boxed{9^{9^{9^{9}}}}" };
          return { path: "/judge", kind: "hanging", body: Buffer.from(JSON.stringify(body)), check: (status) => status === 200 || status === 422 || status === 500 };
        };
        const base = await runLoad(url, pickJudge, { count: all, concurrency: 32, forMs: 4000 });
        const rate = base.answered / base.seconds / 2;
        print("without", await runLoad(url, pickJudge, { count: all, concurrency: 64, forMs, rate }));
        print("1 in 100 would hang Math-Verify", await runLoad(url, (index) => (index % 100 === 99 ? hang(index) : pickJudge(index)), { count: all, concurrency: 64, forMs, rate }));
      },
    ),
  kills: () =>
    withServer(
      async (server) => {
        const timer = setInterval(() => {
          const children = server.children();
          const victim = children[Math.floor(performance.now()) % Math.max(1, children.length)];
          if (victim !== undefined) process.kill(victim, "SIGKILL");
        }, 1000);
        try {
          print("a worker killed each second", await runLoad(server.url, pickJudge, { count: all, concurrency: 32, forMs: Math.max(forMs, 10_000) }));
        } finally {
          clearInterval(timer);
        }
        const metrics = await (await fetch(`${server.url}/metrics`)).text();
        console.log(`    ${/v_triune_reward_worker_restarts_total (\d+)/.exec(metrics)?.[0] ?? "?"}`);
      },
      "--isolation",
      "process",
    ),
  restart: async () => {
    const servers = [await startServerProcess(), await startServerProcess()];
    const port = new URL(servers[0]?.url ?? "").port;
    const source = createHttpRewardSource({ urls: servers.map(({ url }) => url), retries: 20 });
    const count = 10_000;
    const requests = recorded.map(({ request }) => judgeRequestToSample(readJudgeRequest(request)));
    const expected = requests.map((request) => judge(registry, request));
    const answers = new Uint8Array(count);
    let [done, wrong, faults] = [0, 0, 0];
    try {
      for await (const { index, ...outcome } of source.score(Array.from({ length: count }, (_, i) => requests[i % requests.length] as (typeof requests)[number]))) {
        answers[index] = (answers[index] ?? 0) + 1;
        if (answers[index] !== 1 || JSON.stringify(outcome) !== JSON.stringify(expected[index % requests.length])) wrong++;
        // Killed in the middle, not asked to stop; its successor takes the same port while the batch goes on.
        if (++done === 3000) process.kill(servers[0]?.pid as number, "SIGKILL");
        if (done === 6000) servers[0] = await startServerProcess("--port", port);
      }
      faults = source.health().reduce((sum, { failures }) => sum + failures, 0);
    } finally {
      await source.close();
      await Promise.all(servers.map((server) => server.stop()));
    }
    if (wrong > 0 || done !== count) process.exitCode = 1;
    console.log(`one of two servers killed and started again within ${count} samples: ${done} verdicts, ${wrong} wrong or twice, ${faults} faulted HTTP requests`);
  },
  fuzz: () =>
    withServer(async ({ url }) => {
      const paths = ["/judge", "/judge/batch", "/v1/score", "/openrlhf", "/slime"];
      const bad = (index: number): LoadRequest => {
        const path = paths[index % paths.length] as string;
        const whole = path === "/v1/score" ? scoreWire : path === "/judge/batch" ? `[${judgeText}]` : judgeText;
        const kind = Math.floor(index / paths.length) % 5;
        const text =
          kind === 0 ? whole.slice(0, 1 + ((index * 7919) % (whole.length - 1)))
          : kind === 1 ? whole.replace(/"[^"]*":/, '"other":')
          : kind === 2 ? JSON.stringify([null, 4, "x", {}, [[]]][index % 5])
          : kind === 3 ? `${"[".repeat(50_000)}${"]".repeat(50_000)}`
          : index % 10 === 4 ? `"${"x".repeat(1_200_000)}"` : whole.replace(/"(mathverify|detection)"/, '7');
        return { path, kind: "malformed", body: Buffer.from(text), check: (status) => status >= 400 && status < 500 };
      };
      const judgeText = JSON.stringify(recorded[0]?.request);
      const scoreWire = JSON.stringify({ requests: [scoreWireRequest(judgeRequestToSample(readJudgeRequest(recorded[0]?.request)))] });
      print("malformed, truncated, oversized", await runLoad(url, bad, { count: 10_000, concurrency: 16 }));
      print("and well-formed ones afterwards", await runLoad(url, pickJudge, { count: 480, concurrency: 16 }));
    }, "--max-body-mb", "1"),
  soak: () =>
    withServer(async (server) => {
      const batch = scoreLoad(240);
      await runLoad(server.url, () => batch, { count: 100, concurrency: 4 });
      await runLoad(server.url, pickJudge, { count: 20_000, concurrency: 64 });
      const before = server.memoryMb();
      for (let part = 0; part < Math.max(1, Math.round(seconds / 10)); part++) {
        print("soak", await runLoad(server.url, pickJudge, { count: all, concurrency: 64, forMs: 10_000 }));
        console.log(`    memory ${Math.round(server.memoryMb())} MB, at first ${Math.round(before)} MB`);
      }
    }),
};

for (const name of runs) {
  const scenario = scenarios[name];
  if (scenario === undefined) throw new Error(`no scenario ${name}; there are ${Object.keys(scenarios).join(", ")}`);
  console.log(name);
  await scenario();
}

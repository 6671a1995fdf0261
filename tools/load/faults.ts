/** Workers that die under load, and servers that do. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHttpRewardSource } from "@v-triune/rewards";
import { runLoad, type LoadRequest } from "./http-load";
import { judged, pickJudge } from "./recorded-requests";
import { WITHOUT_END as count, expectThat, print, withServer, type ScenarioOptions } from "./scenario";
import { startServerProcess, type ServerProcess } from "./server-process";

const restarts = async ({ url }: ServerProcess) =>
  Number(/v_triune_reward_worker_restarts_total (\d+)/.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);

/**
 * A worker killed each second: processes by SIGKILL from outside; threads, which nobody outside can reach, by a
 * verifier that ends its thread in the middle of a sample.
 */
export const kills = async ({ seconds }: ScenarioOptions) => {
  const forMs = seconds * 1000;
  const enough = Math.floor(seconds * 0.8);
  await withServer(
    async (server) => {
      let turn = 0;
      const timer = setInterval(() => {
        const children = server.children();
        const victim = children[turn++ % Math.max(1, children.length)];
        if (victim !== undefined) process.kill(victim, "SIGKILL");
      }, 1000);
      try {
        print(
          `a worker process killed each second for ${seconds} s`,
          await runLoad(server.url, pickJudge, { count, concurrency: 32, forMs }),
        );
      } finally {
        clearInterval(timer);
      }
      const found = await restarts(server);
      expectThat(found >= enough, `${found} workers were replaced`);
    },
    "--isolation",
    "process",
  );

  const folder = mkdtempSync(join(tmpdir(), "v-triune-kills-"));
  const module = join(folder, "dies.mjs");
  writeFileSync(module, 'export default { name: "dies", verify() { process.exit(9); } };\n');
  try {
    await withServer(
      async (server) => {
        const body = Buffer.from(
          JSON.stringify({
            response: "x",
            prompt: "",
            answer: "",
            solution: "x",
            data_source: "",
            reward_verifier: "dies",
            reward_verifier_parm: "{}",
          }),
        );
        const dies: LoadRequest = {
          path: "/judge",
          kind: "ends its worker",
          body,
          check: (status, text) => status === 500 && text.includes('"crash"'),
        };
        let next = 0;
        const started = performance.now();
        // A sample whose worker died is tried once more, so that each of these takes two workers along.
        const pick = (index: number) =>
          performance.now() - started >= next ? ((next += 1000), dies) : pickJudge(index);
        print(
          `a worker thread ended each second for ${seconds} s`,
          await runLoad(server.url, pick, { count, concurrency: 32, forMs }),
        );
        const found = await restarts(server);
        expectThat(found >= enough, `${found} workers were replaced`);
      },
      "--verifier",
      module,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** One of two servers killed and started again while a client has 10,000 samples judged. */
export const restart = async () => {
  const servers = [await startServerProcess(), await startServerProcess()];
  const port = new URL(servers[0]?.url ?? "").port;
  const states: string[] = [];
  const source = createHttpRewardSource({
    urls: servers.map(({ url }) => url),
    retries: 20,
    onHealth: ({ url, state }) => void states.push(`${new URL(url).port === port ? "first" : "second"} ${state}`),
  });
  const samples = 10_000;
  const answers = new Uint8Array(samples);
  let [done, wrong] = [0, 0];
  try {
    for await (const { index, ...outcome } of source.score(
      Array.from(
        { length: samples },
        (_, i) => judged[i % judged.length]?.request as (typeof judged)[number]["request"],
      ),
    )) {
      answers[index] = (answers[index] ?? 0) + 1;
      if (answers[index] !== 1 || JSON.stringify(outcome) !== JSON.stringify(judged[index % judged.length]?.outcome))
        wrong++;
      // Killed in the middle, not asked to stop; its successor takes the same port while the batch goes on.
      if (++done === 2000) process.kill(servers[0]?.pid as number, "SIGKILL");
      if (done === 4000) servers[0] = await startServerProcess("--port", port);
    }
    const [first] = source.health();
    console.log(
      `one of two servers killed and started again within ${samples} samples: ${done} verdicts, ${wrong} wrong or ` +
        "twice",
    );
    expectThat(
      wrong === 0 && done === samples && answers.every((times) => times === 1),
      "every verdict came once, and right",
    );
    expectThat(
      (first?.failures ?? 0) > 0,
      `the death was met: ${first?.failures} HTTP requests to the first server failed, ${first?.answered} samples ` +
        `were answered by it; ${states.join(", ")}`,
    );
  } finally {
    await source.close();
    await Promise.all(servers.map((server) => server.stop()));
  }
};

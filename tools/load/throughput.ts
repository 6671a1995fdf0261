import { runLoad } from "./http-load";
import { pickJudge, scoreLoad } from "./recorded-requests";
import { WITHOUT_END as count, print, withServer, type ScenarioOptions } from "./scenario";
import { startServerProcess } from "./server-process";

/** The rate at full load, of single requests and of batches. */
export const throughput = ({ seconds }: ScenarioOptions) =>
  withServer(async ({ url }) => {
    const forMs = seconds * 1000;
    await runLoad(url, pickJudge, { count, concurrency: 32, forMs: 3000 });
    for (const concurrency of [32, 256])
      print(`/judge, concurrency ${concurrency}`, await runLoad(url, pickJudge, { count, concurrency, forMs }));
    const batch = scoreLoad(240);
    print("/v1/score verdicts, NDJSON", await runLoad(url, () => batch, { count, concurrency: 4, forMs }), 240);
  });

/** Latencies at half of the rate that this machine reaches. */
export const halfload = ({ seconds }: ScenarioOptions) =>
  withServer(async ({ url }) => {
    await runLoad(url, pickJudge, { count, concurrency: 32, forMs: 3000 });
    const full = await runLoad(url, pickJudge, { count, concurrency: 32, forMs: 3000 });
    print(
      "/judge at half of its rate",
      await runLoad(url, pickJudge, {
        count,
        concurrency: 64,
        forMs: seconds * 1000,
        rate: full.answered / full.seconds / 2,
      }),
    );
  });

/** What a server of 1, 2 and 4 workers takes up, at the start and after the same load. */
export const memory = async ({ seconds }: ScenarioOptions) => {
  const after: number[] = [];
  for (const workers of [1, 2, 4]) {
    const server = await startServerProcess("--workers", String(workers));
    const start = server.memoryMb();
    await runLoad(server.url, pickJudge, { count, concurrency: 64, forMs: seconds * 1000 });
    const batch = scoreLoad(240);
    await runLoad(server.url, () => batch, { count, concurrency: 4, forMs: seconds * 500 });
    after.push(server.memoryMb());
    console.log(
      `${workers} workers: ready in ${Math.round(server.startMs)} ms, ${Math.round(start)} MB at the start, ` +
        `${Math.round(after.at(-1) ?? 0)} MB after ${seconds * 1.5} s of load`,
    );
    await server.stop();
  }
  const [one = 0, , four = 0] = after;
  console.log(`a worker more: ${Math.round((four - one) / 3)} MB`);
};

/**
 * The configuration of docs/reward-server.md in a real nginx (V_TRIUNE_NGINX, or `nginx` on the path) before two
 * servers: requests of clients that know one address, one of the servers killed meanwhile, and a stream that must not
 * be held back.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runLoad } from "./http-load";
import { pickJudge, scoreLoad } from "./recorded-requests";
import { WITHOUT_END as count, expectThat, print, type ScenarioOptions } from "./scenario";
import { startServerProcess } from "./server-process";

const GUIDE = resolve(import.meta.dirname, "../../docs/reward-server.md");

/** The guide's block with other addresses, inside what a configuration needs around it. */
function configuration(folder: string, listen: number, servers: readonly number[]): string {
  const block = /```nginx\n([\s\S]*?)```/.exec(readFileSync(GUIDE, "utf8"))?.[1];
  if (block === undefined) throw new Error(`${GUIDE} has no nginx block`);
  let next = 0;
  const local = block
    .replace(/server 10\.0\.0\.\d+:8000/g, () => `server 127.0.0.1:${servers[next++]}`)
    .replace("listen 8000;", `listen 127.0.0.1:${listen};`);
  if (next !== servers.length || !local.includes(`127.0.0.1:${listen}`))
    throw new Error(`${GUIDE}: the nginx block has other addresses than this script replaces`);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `  ${kind}_temp_path ${join(folder, kind)};`)
    .join("\n");
  // Started by root, its workers would be nobody, who may not write here.
  const user = process.getuid?.() === 0 ? "user root;\n" : "";
  return `${user}daemon off;\nworker_processes 1;\npid ${join(folder, "pid")};\nerror_log ${join(folder, "error.log")} warn;\nevents { worker_connections 1024; }\nhttp {\n  access_log off;\n${temporary}\n${local}\n}\n`;
}

const freePort = () =>
  new Promise<number>((found) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => found(port));
    });
  });

/** Milliseconds from the first to the last line of a streamed reply. */
async function spreadOfLines(url: string): Promise<number> {
  const hold = Array.from({ length: 4 }, () => ({ response: "x", verifier: "slow", ground_truth: "x" }));
  const reply = await fetch(`${url}/v1/score`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/x-ndjson" },
    body: JSON.stringify({ requests: hold }),
  });
  const times: number[] = [];
  for await (const _ of reply.body as unknown as AsyncIterable<Uint8Array>) times.push(performance.now());
  return (times.at(-1) ?? 0) - (times[0] ?? 0);
}

/** See the file's header. */
export const nginx = async ({ seconds }: ScenarioOptions) => {
  const binary = process.env["V_TRIUNE_NGINX"] ?? "nginx";
  if (spawnSync(binary, ["-v"]).status !== 0)
    return console.log(
      `skipped: nginx is not installed (apt-get install nginx-light, or V_TRIUNE_NGINX=/path/to/nginx)`,
    );
  const folder = mkdtempSync(join(tmpdir(), "v-triune-nginx-"));
  const module = join(folder, "slow.mjs");
  writeFileSync(
    module,
    'export default { name: "slow", verify() { const until = performance.now() + 150; while (performance.now() < until); return { status: "scored", accuracy: 1, format: 1, metrics: {} }; } };\n',
  );
  const servers = await Promise.all([
    startServerProcess("--verifier", module, "--workers", "1"),
    startServerProcess("--verifier", module, "--workers", "1"),
  ]);
  const listen = await freePort();
  const ports = servers.map(({ url }) => Number(new URL(url).port));
  const file = join(folder, "nginx.conf");
  mkdirSync(join(folder, "logs"), { recursive: true });
  writeFileSync(file, configuration(folder, listen, ports));
  const check = spawnSync(binary, ["-t", "-p", folder, "-c", file], { encoding: "utf8" });
  expectThat(
    check.status === 0,
    `nginx takes the guide's configuration${check.status === 0 ? "" : `: ${check.stderr}`}`,
  );
  const proxy = spawn(binary, ["-p", folder, "-c", file], { stdio: "inherit" });
  const url = `http://127.0.0.1:${listen}`;
  try {
    for (
      let tries = 0;
      tries < 100 &&
      !(await fetch(`${url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      ));
      tries++
    )
      await new Promise((later) => setTimeout(later, 50));
    const batch = scoreLoad(60);
    const mix = (index: number) => (index % 50 === 49 ? batch : pickJudge(index));
    print("through nginx, two servers", await runLoad(url, mix, { count, concurrency: 32, forMs: seconds * 500 }));
    const spread = await spreadOfLines(url);
    expectThat(
      spread > 250,
      `verdicts stream through: ${Math.round(spread)} ms between the first and the last of four that take 150 ms each`,
    );
    setTimeout(() => process.kill(servers[0]?.pid as number, "SIGKILL"), seconds * 200);
    print("one of them killed meanwhile", await runLoad(url, mix, { count, concurrency: 32, forMs: seconds * 500 }));
    servers[0] = await startServerProcess("--port", String(ports[0]), "--workers", "1");
    const before = Number(
      /route="\/judge",status="200"\} (\d+)/.exec(await (await fetch(`${servers[0].url}/metrics`)).text())?.[1] ?? 0,
    );
    await new Promise((later) => setTimeout(later, 5500));
    print("started again", await runLoad(url, mix, { count: 2000, concurrency: 32 }));
    const after = Number(
      /route="\/judge",status="200"\} (\d+)/.exec(await (await fetch(`${servers[0].url}/metrics`)).text())?.[1] ?? 0,
    );
    expectThat(after > before, `nginx sends requests to it again: ${after - before}`);
  } finally {
    proxy.kill("SIGTERM");
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
};

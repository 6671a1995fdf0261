/**
 * One request in a hundred that would keep Math-Verify 0.9 busy without end, or a verifier that really hangs: what the
 * others wait. Runs with and without them are made in turn, at the same rate, and the medians of their p99 are
 * compared.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runLoad, type LoadReport, type LoadRequest } from "./http-load";
import { mathLoad, pickJudge } from "./recorded-requests";
import { WITHOUT_END as count, expectThat, print, withServer, type ScenarioOptions } from "./scenario";

/** [gold answer, response]; each kept Math-Verify 0.9 with its time limits off busy for more than 30 s. */
const HANGS_MATH_VERIFY: readonly (readonly [string, string])[] = [
  ["\\boxed{9^{9^{9^{9}}}}", "\\boxed{7^{8^{9^{9}}}}"],
  ["\\boxed{2}", "\\boxed{9^{9^{9^{9}}}}"],
  ["\\boxed{2}", "\\boxed{(10^{9})!}"],
  ["\\boxed{(x+1)^{2000}}", "\\boxed{(1+x+y)^{400}}"],
  ["\\boxed{(a+b+c+d)^{60}}", "\\boxed{(d+c+b+a+1)^{60}}"],
  ["\\boxed{2}", "\\boxed{\\binom{10^{8}}{5\\cdot10^{7}}}"],
  ["\\boxed{2}", "\\boxed{\\int_0^1 \\frac{\\sin(x^{7}+e^{x})}{\\ln(x+\\cos x)} dx}"],
  ["\\boxed{\\prod_{k=1}^{2000}(x+k)}", "\\boxed{\\prod_{k=1}^{2000}(x+2k)}"],
  ["\\boxed{1}", "\\boxed{\\sin(10^{1000000})}"],
  ["\\boxed{\\sin(1)^{500}+\\cos(1)^{500}}", "\\boxed{(\\sin(1)+\\cos(1))^{500}}"],
];

const DEADLINE_MS = 1000;
const PAIRS = 3;

const others = (report: LoadReport) => {
  const all = [...report.latency].filter(([kind]) => !kind.startsWith("hang"));
  return Math.max(...all.map(([, latency]) => latency.quantile(0.99)));
};
const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function compare(
  name: string,
  url: string,
  hang: (index: number) => LoadRequest,
  rate: number,
  seconds: number,
): Promise<void> {
  const p99: { without: number[]; with: number[] } = { without: [], with: [] };
  for (let pair = 0; pair < PAIRS; pair++) {
    for (const kind of ["without", "with"] as const) {
      const pick =
        kind === "without"
          ? pickJudge
          : (index: number) => (index % 100 === 99 ? hang(Math.floor(index / 100)) : pickJudge(index));
      const report = await runLoad(url, pick, { count, concurrency: 256, forMs: (seconds * 1000) / PAIRS, rate });
      if (report.wrong > 0 || pair === PAIRS - 1) print(`${name}, ${kind} them`, report);
      p99[kind].push(others(report));
    }
  }
  const list = (values: readonly number[]) => values.map((value) => value.toFixed(1)).join(", ");
  console.log(`    p99 of the others: ${list(p99.without)} ms without, ${list(p99.with)} ms with them`);
  expectThat(
    median(p99.with) <= 1.5 * median(p99.without),
    `within 1.5 times: ${(median(p99.with) / median(p99.without)).toFixed(2)}`,
  );
}

/** See the file's header. */
export const hanging = async ({ seconds }: ScenarioOptions) => {
  const folder = mkdtempSync(join(tmpdir(), "v-triune-hanging-"));
  const module = join(folder, "hangs.mjs");
  writeFileSync(module, 'export default { name: "hangs", verify() { for (;;); } };\n');
  try {
    await withServer(
      async ({ url }) => {
        await runLoad(url, pickJudge, { count, concurrency: 32, forMs: 3000 });
        const full = await runLoad(url, pickJudge, { count, concurrency: 32, forMs: 3000 });
        const rate = full.answered / full.seconds / 2;
        const loads = HANGS_MATH_VERIFY.map(([gold, response]) =>
          mathLoad("hangs Math-Verify", gold, response, (status) => status === 200 || status === 422 || status === 500),
        );
        await compare(
          `1 in 100 hangs Math-Verify, ${Math.round(rate)}/s`,
          url,
          (index) => loads[index % loads.length] as LoadRequest,
          rate,
          seconds,
        );
        // Each of these takes a worker for its whole deadline, so that one is always taken, and a core with it.
        const body = Buffer.from(
          JSON.stringify({
            response: "x",
            prompt: "",
            answer: "",
            solution: "x",
            data_source: "",
            reward_verifier: "hangs",
            reward_verifier_parm: "{}",
          }),
        );
        const hangs: LoadRequest = {
          path: "/judge",
          kind: "hangs until its deadline",
          body,
          check: (status, text) => status === 500 && text.includes('"timeout"'),
        };
        await compare("1 in 100 really hangs, 100/s", url, () => hangs, 100, seconds);
      },
      "--verifier",
      module,
      "--deadline-ms",
      String(DEADLINE_MS),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

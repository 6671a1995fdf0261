/**
 * `npm run bench -- backend`, or `node tools/run.mjs packages/backend/src/backend.bench.ts [--json] [--threads N]`:
 * matrix products, the cost of an operation and a plain training step on every backend present, and as ratios to
 * PyTorch where `python3 -c "import torch"` works (`V_TRIUNE_PYTHON` names another Python). Each backend in a process
 * of its own.
 */
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { BENCH_PRODUCTS, inspectBackends, type BackendMeasurement, type ProductSpeed } from "./index";
import { STEP_SHAPE } from "./measure-training-step";

interface BenchRow {
  readonly name: string;
  readonly description: string;
  readonly measurement: BackendMeasurement;
}

const TORCH = `
import json, sys, time
import torch
request = json.loads(sys.argv[1])
if request['threads']: torch.set_num_threads(request['threads'])
torch.manual_seed(1)
def best(run):
    run(); shortest, end, n = 1e9, time.perf_counter() + 0.4, 0
    while n < 3 or time.perf_counter() < end:
        start = time.perf_counter(); run(); shortest = min(shortest, time.perf_counter() - start); n += 1
    return shortest
products = []
for p in request['products']:
    m, k, n = p['shape']
    a = torch.randn(k, m).t() if p['form'] == 'transposeA' else torch.randn(m, k)
    b = torch.randn(n, k).t() if p['form'] == 'transposeB' else torch.randn(k, n)
    products.append({**p, 'gflops': 2 * m * k * n / best(lambda: a @ b) / 1e9})
x, one = torch.zeros(16), torch.ones(16)
def chain():
    y = x
    for _ in range(200): y = y + one
s = request['step']
E = (torch.randn(s['vocabulary'], s['width']) * 0.05).requires_grad_()
def weights(*shape): return (torch.randn(*shape) * 0.05).requires_grad_()
blocks = [(torch.ones(s['width']).requires_grad_(), weights(s['width'], s['hidden']), weights(s['width'], s['hidden']), weights(s['hidden'], s['width'])) for _ in range(s['layers'])]
parameters = [E] + [p for b in blocks for p in b]
ids = torch.arange(s['tokens']) * 7919 % s['vocabulary']
targets = (torch.arange(s['tokens']) * 7919 * 7 + 3) % s['vocabulary']
def normalize(x): return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)
def step():
    x = E[ids]
    for gain, gate, up, down in blocks:
        h = normalize(x) * gain
        x = x + (torch.nn.functional.silu(h @ gate) * (h @ up)) @ down
    loss = torch.nn.functional.cross_entropy(normalize(x) @ E.t(), targets)
    loss.backward()
    with torch.no_grad():
        for p in parameters:
            p -= 0.1 * p.grad
            p.grad = None
print(json.dumps({'version': torch.__version__, 'threads': torch.get_num_threads(), 'measurement': {'products': products, 'microsecondsPerOp': best(chain) / 200 * 1e6, 'trainedTokensPerSecond': s['tokens'] / best(step)}}))
`;

function benchTorch(threads: number | undefined): BenchRow | undefined {
  const python = process.env["V_TRIUNE_PYTHON"] || "python3";
  const request = JSON.stringify({ products: BENCH_PRODUCTS, threads: threads ?? 0, step: STEP_SHAPE });
  const answer = spawnSync(python, ["-c", TORCH, request], { encoding: "utf8", timeout: 120_000 });
  if (answer.status !== 0) return undefined;
  const found = JSON.parse(answer.stdout) as { version: string; threads: number; measurement: BackendMeasurement };
  const { version, measurement } = found;
  return { name: "pytorch", description: `PyTorch ${version}, ${found.threads} threads`, measurement };
}

function productLabel({ shape, form }: Pick<ProductSpeed, "shape" | "form">): string {
  return `${shape.join("x")}${form === "plain" ? "" : ` ${form}`}`;
}

function printTable(rows: readonly BenchRow[], torch: BenchRow | undefined): void {
  const header = ["", ...rows.map(({ name }) => name)];
  const ratio = (value: number, reference: number | undefined): string =>
    reference === undefined ? "" : ` (${value.toFixed(2)}x)`;
  const body = BENCH_PRODUCTS.map((product, i) => [
    `${productLabel(product)}, GFLOPS`,
    ...rows.map((row) => {
      const gflops = row.measurement.products[i]?.gflops ?? Number.NaN;
      const reference = torch?.measurement.products[i]?.gflops;
      return `${gflops.toFixed(0)}${row === torch ? "" : ratio(gflops / (reference ?? 1), reference)}`;
    }),
  ]);
  const cost = [
    "one small add, microseconds",
    ...rows.map((row) => {
      const value = row.measurement.microsecondsPerOp;
      const reference = torch?.measurement.microsecondsPerOp;
      return `${value.toFixed(1)}${row === torch ? "" : ratio((reference ?? 1) / value, reference)}`;
    }),
  ];
  const training = [
    "plain training step, tokens/s",
    ...rows.map((row) => {
      const value = row.measurement.trainedTokensPerSecond ?? Number.NaN;
      const reference = torch?.measurement.trainedTokensPerSecond;
      return `${value.toFixed(0)}${row === torch ? "" : ratio(value / (reference ?? 1), reference)}`;
    }),
  ];
  const table = [header, ...body, cost, training];
  const widths = header.map((_, column) => Math.max(...table.map((row) => (row[column] ?? "").length)));
  for (const row of table)
    console.log(
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart((widths[column] ?? 0) + 2)))
        .join(""),
    );
}

const flag = process.argv.indexOf("--threads");
const threads = flag < 0 ? undefined : Number(process.argv[flag + 1]);
if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
  console.error("--threads wants a whole number of at least 1");
  process.exit(2);
}
const reports = await inspectBackends({
  measure: { products: BENCH_PRODUCTS, trainingStep: true },
  ...(threads === undefined ? {} : { threads }),
});
const rows: BenchRow[] = reports.flatMap(({ name, description, measurement }) =>
  measurement === undefined ? [] : [{ name, description, measurement }],
);
const torch = benchTorch(threads);
if (torch !== undefined) rows.push(torch);

if (process.argv.includes("--json"))
  console.log(JSON.stringify({ processor: cpus()[0]?.model, threads, rows }, null, 2));
else {
  console.log(
    `${cpus()[0]?.model?.trim() ?? "unknown processor"}, Node ` +
      `${process.version}${threads === undefined ? "" : `, ${threads} threads`}`,
  );
  for (const { name, description } of rows) console.log(`  ${name}: ${description}`);
  for (const { name, works, reason } of reports) if (!works) console.log(`  ${name}: not measured (${reason})`);
  if (torch === undefined)
    console.log(
      "  pytorch: not measured (python3 cannot import torch); in brackets otherwise: speed as a multiple of PyTorch's",
    );
  console.log("");
  printTable(rows, torch);
}

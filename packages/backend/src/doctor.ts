/** `v-triune doctor`: what this machine offers, what is missing and how to get it. */
import { arch, availableParallelism, cpus, freemem, platform, release, totalmem } from "node:os";
import { wrapText } from "@v-triune/errors";
import type { BackendName } from "./backend-name";
import { inspectBackends, type BackendReport } from "./inspect-backends";
import { readManifest } from "./native/manifest";
import { nativeLayout, nativeRoot, type Environment, type NativeVariant } from "./native/native-folder";
import { findNvidia, type NvidiaState } from "./native/nvidia";
import { nativeInstallAvailable, type NativeAvailability } from "./install/preflight";
import { STEP_SHAPE } from "./measure-training-step";
import { formatBytes } from "./out-of-memory";

/** What the doctor found. */
export interface DoctorReport {
  readonly machine: {
    readonly system: string;
    readonly processor: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly freeMemoryBytes: number;
    readonly node: string;
  };
  readonly nvidia: NvidiaState;
  /** The backend that `auto` takes here; undefined if none works. */
  readonly chosen: BackendName | undefined;
  readonly backends: readonly BackendReport[];
  readonly nativeFolder: string;
  readonly installs: readonly NativeInstallSummary[];
  readonly canInstallNative: NativeAvailability;
}

/** One variant's install in a sentence. */
export interface NativeInstallSummary {
  readonly variant: NativeVariant;
  readonly state: "absent" | "present" | "broken";
  /** TensorFlow's version and origin, or what is wrong. */
  readonly detail: string;
  readonly cudaWheels: readonly string[];
}

/** Settings of `runDoctor`. */
export interface DoctorOptions {
  /** Measure the backends that work. Default true. */
  readonly measure?: boolean;
  readonly env?: Environment;
}

/** Looks at everything; takes half a minute, most of it measuring. Changes nothing. */
export async function runDoctor(options: DoctorOptions = {}): Promise<DoctorReport> {
  const env = options.env ?? process.env;
  const backends = await inspectBackends({ measure: (options.measure ?? true) && { trainingStep: true } });
  return {
    machine: {
      system: `${platform()} ${release()} ${arch()}`,
      processor: (cpus()[0]?.model ?? "unknown").trim(),
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      freeMemoryBytes: freemem(),
      node: process.version,
    },
    nvidia: findNvidia(),
    chosen: backends.find(({ works }) => works)?.name,
    backends,
    nativeFolder: nativeRoot(env),
    installs: (["cpu", "cuda"] as const).map((variant) => summarizeInstall(variant, env)),
    canInstallNative: nativeInstallAvailable(env),
  };
}

function summarizeInstall(variant: NativeVariant, env: Environment): NativeInstallSummary {
  const state = readManifest(nativeLayout(variant, env));
  if (state.state === "absent") return { variant, state: "absent", detail: "not installed", cudaWheels: [] };
  if (state.state === "broken") return { variant, state: "broken", detail: state.reason, cudaWheels: [] };
  const { tensorflow, origin, cudaWheels } = state.manifest;
  const from = origin.kind === "wheel" ? origin.requirement : origin.folder;
  return { variant, state: "present", detail: `TensorFlow ${tensorflow} from ${from}`, cudaWheels };
}

const LABEL = 17;

/** A table of what was measured, fastest first; no lines when nothing was. */
function formatSpeeds(backends: readonly BackendReport[]): string[] {
  const measured = backends
    .flatMap(({ name, measurement }) => (measurement === undefined ? [] : [{ name, ...measurement }]))
    .sort((a, b) => (b.trainedTokensPerSecond ?? 0) - (a.trainedTokensPerSecond ?? 0));
  if (measured.length === 0) return [];
  const columns = ["tokens trained/s", "GFLOPS", "microseconds per op"];
  const line = (label: string, cells: readonly string[]): string =>
    `  ${label}`.padEnd(LABEL) + cells.map((cell, index) => cell.padStart(columns[index]!.length)).join("   ");
  const { tokens, width, layers } = STEP_SHAPE;
  const shape = measured[0]!.products[0]?.shape.join(" x ");
  return [
    "",
    "Measured here",
    line("", columns),
    ...measured.map(({ name, trainedTokensPerSecond: rate, products, microsecondsPerOp }) =>
      line(name, [
        rate === undefined ? "-" : Math.round(rate).toLocaleString("en-US"),
        String(Math.round(products[0]?.gflops ?? 0)),
        microsecondsPerOp.toFixed(1),
      ]),
    ),
    `  ${wrapText(
      `Tokens: training steps of ${tokens} tokens, ${layers} plain layers of width ${width}. GFLOPS: products of ` +
        `${shape ?? "no shape"}. An op adds 16 numbers.`,
      80,
      2,
    )}`,
  ];
}

/** The report as text of at most 80 columns (paths longer than that stay whole). */
export function formatDoctor(report: DoctorReport): string {
  const lines: string[] = [];
  const row = (label: string, text: string): void => {
    lines.push(`  ${label}`.padEnd(LABEL) + wrapText(text, 80, LABEL));
  };
  const { machine, nvidia } = report;
  lines.push("Machine");
  row("system", `${machine.system}, Node ${machine.node}`);
  row("processor", `${machine.processor}, ${machine.cores} core${machine.cores === 1 ? "" : "s"}`);
  row("memory", `${formatBytes(machine.memoryBytes)}, ${formatBytes(machine.freeMemoryBytes)} free`);
  if (!nvidia.present) row("GPU", `none from NVIDIA (${nvidia.reason})`);
  for (const device of nvidia.devices) {
    const memory = device.memoryMiB === undefined ? "" : `, ${formatBytes(device.memoryMiB * 2 ** 20)}`;
    row("GPU", `${device.name}${memory}, compute ${device.computeCapability ?? "?"}, driver ${nvidia.driver ?? "?"}`);
  }
  if (nvidia.present && nvidia.devices.length === 0)
    row("GPU", `from NVIDIA, driver ${nvidia.driver ?? "unknown"} (nvidia-smi does not answer)`);

  lines.push("", "Backends, fastest first");
  for (const backend of report.backends) {
    if (backend.works) {
      row(backend.name, `${backend.description}${backend.name === report.chosen ? " <- v-triune uses this one" : ""}`);
    } else {
      row(backend.name, `- ${backend.reason}`);
      if (backend.howToGet !== "") row("", `to get it: ${backend.howToGet}`);
    }
  }
  if (report.chosen === undefined) row("", "No backend works: npm ci installs wasm.");
  lines.push(...formatSpeeds(report.backends));

  lines.push("", "Native TensorFlow");
  row("folder", report.nativeFolder);
  for (const install of report.installs) {
    row(install.variant, install.detail);
    if (install.cudaWheels.length > 0)
      row("", install.cudaWheels.map((wheel) => wheel.replace(/^nvidia-|-cu12/g, "").replace("==", " ")).join(", "));
  }
  for (const what of ["decoding", "training"] as const) {
    const state = report.backends.find((backend) => backend[what] !== undefined)?.[what];
    if (state === undefined) continue;
    if (state.works) {
      const taken = what === "training" ? ", which update.computeWith: auto takes" : "";
      row(what, `by v-triune's own kernels (${state.instructions})${taken}`);
      continue;
    }
    const taken = what === "training" ? "; update.computeWith: auto takes TensorFlow's ops" : "";
    row(what, `without v-triune's native kernels: ${state.reason}${taken}`);
    if (state.howToGet !== undefined) row("", `to get them: ${state.howToGet}`);
  }
  if (report.installs.every(({ state }) => state !== "present")) {
    const { available, missing } = report.canInstallNative;
    row(
      "install",
      available
        ? "npx v-triune native install   (half a minute; the table shows its speed then)"
        : `not possible here yet: ${missing.join("; ")}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

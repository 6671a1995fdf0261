/** Finds NVIDIA GPUs without loading CUDA. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** The oldest driver branch that runs CUDA 12 libraries of any minor version (NVIDIA's compatibility guide). */
export const OLDEST_CUDA12_DRIVER = 525;

/** One GPU. */
export interface NvidiaDevice {
  readonly name: string;
  readonly memoryMiB: number | undefined;
  /** For example "9.0" for Hopper. */
  readonly computeCapability: string | undefined;
}

/** What there is of NVIDIA on this machine. */
export interface NvidiaState {
  readonly present: boolean;
  /** Why `present` is false; empty otherwise. */
  readonly reason: string;
  /** For example "550.54.15". */
  readonly driver: string | undefined;
  readonly devices: readonly NvidiaDevice[];
}

const DEVICE_NODES = ["/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg"];

/**
 * Asks the kernel's device nodes first (instant), then nvidia-smi for names and the driver's version. Linux only: CUDA
 * is not offered elsewhere.
 */
export function findNvidia(): NvidiaState {
  if (process.platform !== "linux") return absent(`CUDA builds exist for Linux; this is ${process.platform}`);
  if (!DEVICE_NODES.some((node) => existsSync(node))) return absent("no /dev/nvidia* device");
  const program = "nvidia-smi";
  const query = ["--query-gpu=name,driver_version,memory.total,compute_cap", "--format=csv,noheader,nounits"];
  const answer = spawnSync(program, query, { encoding: "utf8", timeout: 10_000 });
  if (answer.status === 0) return parseNvidiaSmi(answer.stdout);
  return { present: true, reason: "", driver: driverFromProc(), devices: [] };
}

/** Reads nvidia-smi's CSV answer to the query above. */
export function parseNvidiaSmi(text: string): NvidiaState {
  const rows = text
    .split("\n")
    .map((line) => line.split(",").map((cell) => cell.trim()))
    .filter((cells) => cells.length >= 4 && cells[0] !== "");
  if (rows.length === 0) return absent("nvidia-smi lists no GPU");
  return {
    present: true,
    reason: "",
    driver: rows[0]?.[1],
    devices: rows.map(([name = "", , memory, capability]) => ({
      name,
      memoryMiB: Number.isFinite(Number(memory)) ? Number(memory) : undefined,
      computeCapability: /^\d+\.\d+$/.test(capability ?? "") ? capability : undefined,
    })),
  };
}

function driverFromProc(): string | undefined {
  try {
    return /Kernel Module\D*([\d.]+)/.exec(readFileSync("/proc/driver/nvidia/version", "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

function absent(reason: string): NvidiaState {
  return { present: false, reason, driver: undefined, devices: [] };
}

/** How each backend does on this machine, each tried in a process of its own. */
import { BACKEND_ORDER, type BackendName } from "./backend-name";
import type { BackendMeasurement, MeasureOptions } from "./measure-backend";
import type { DecodeKernelsState } from "./native/decode-kernels";
import { probeBackend } from "./probe/probe-backend";

/** One backend's line in the doctor's report. */
export interface BackendReport {
  readonly name: BackendName;
  readonly works: boolean;
  readonly description: string;
  readonly version: string;
  /** Why it does not work; empty when it does. */
  readonly reason: string;
  /** How to get it; empty when it works or cannot be had. */
  readonly howToGet: string;
  /** Whether it computes on a GPU. */
  readonly usesGpu: boolean;
  /** What TensorFlow said while it started. */
  readonly startupLog: string;
  /** Whether v-triune's own kernels decode beside it; native TensorFlow only. */
  readonly decoding?: DecodeKernelsState;
  /** Whether they train beside it. */
  readonly training?: DecodeKernelsState;
  readonly measurement?: BackendMeasurement;
}

/** Settings of `inspectBackends`. */
export interface InspectOptions {
  /** The ones to look at. Default: all but "cpu" (plain JavaScript). */
  readonly names?: readonly BackendName[];
  /** Measure those that work: true for 1024³ and the cost of an operation (about a second each), or what to measure. */
  readonly measure?: boolean | MeasureOptions;
  readonly threads?: number;
}

/**
 * Tries each backend, fastest first, without touching this process's tfjs. One at a time, so that measurements do not
 * disturb each other. Never rejects for a backend that does not work.
 */
export async function inspectBackends(options: InspectOptions = {}): Promise<BackendReport[]> {
  const reports: BackendReport[] = [];
  for (const name of options.names ?? BACKEND_ORDER.filter((each) => each !== "cpu")) {
    const finding = await probeBackend({
      backend: name,
      ...(options.measure === undefined || options.measure === false
        ? {}
        : { measure: options.measure === true ? {} : options.measure }),
      ...(options.threads === undefined ? {} : { threads: options.threads }),
    });
    if (finding.ok) reports.push({ name, works: true, reason: "", howToGet: "", ...withoutOk(finding) });
    else {
      const { reason, howToGet } = finding;
      reports.push({
        name,
        works: false,
        description: "",
        version: "",
        usesGpu: false,
        startupLog: "",
        reason,
        howToGet,
      });
    }
  }
  return reports;
}

function withoutOk<T extends { readonly ok: true }>(finding: T): Omit<T, "ok"> {
  const { ok: _, ...rest } = finding;
  return rest;
}

/**
 * What `probeBackend` and its child process say to each other: a request as an argument, an answer as one line of JSON.
 */
import type { BackendName } from "../backend-name";
import type { DecodeKernelsState } from "../native/decode-kernels";
import type { BackendMeasurement, MeasureOptions } from "../measure-backend";

/** What the child must do. */
export interface ProbeRequest {
  readonly backend: BackendName;
  /** Load this addon instead of the installed one (an install that is being verified). */
  readonly addon?: { readonly addon: string; readonly folder: string };
  /** Measure speed as well (a few seconds at most). */
  readonly measure?: MeasureOptions;
  readonly threads?: number;
}

/** What the child found when the backend works. */
export interface ProbeFinding {
  readonly ok: true;
  readonly description: string;
  readonly version: string;
  readonly usesGpu: boolean;
  /** TensorFlow's start-up messages; empty for other backends. */
  readonly startupLog: string;
  /** Whether v-triune's own kernels decode beside it; native TensorFlow only. */
  readonly decoding?: DecodeKernelsState;
  /** Whether they train beside it. */
  readonly training?: DecodeKernelsState;
  readonly measurement?: BackendMeasurement;
}

/** Why it does not. */
export interface ProbeFault {
  readonly ok: false;
  readonly reason: string;
  readonly howToGet: string;
  /** The code of the error, if it has one. */
  readonly code?: string | undefined;
}

/** What marks the child's answer among other output. */
export const ANSWER_MARK = "v-triune-probe:";

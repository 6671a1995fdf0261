/** The child process of `probeBackend`: loads one backend, computes with it, prints one line of JSON. */
import * as tf from "@tensorflow/tfjs-core";
import { BackendError } from "./backend-error";
import { activateBackend, type ActivatedBackend } from "./candidates";
import { measureCurrentBackend } from "./measure-backend";
import { loadedNative, loadNative } from "./native/load-native";
import { ANSWER_MARK, type ProbeFault, type ProbeFinding, type ProbeRequest } from "./probe";
import { startBackend } from "./select-backend";
import { smokeTest } from "./smoke-test";

async function probe(request: ProbeRequest): Promise<ProbeFinding> {
  const threads = request.threads === undefined ? {} : { threads: request.threads };
  let activated: ActivatedBackend;
  if (request.addon === undefined) activated = await activateBackend(request.backend, { ...threads, unproven: true });
  else {
    const native = loadNative({ ...request.addon, ...threads, hideGpu: request.backend === "tensorflow" });
    activated = { tfjsName: "tensorflow", description: `TensorFlow ${native.tensorflow}`, version: native.tensorflow };
  }
  await startBackend(request.backend, activated);
  smokeTest();
  const native = activated.tfjsName === "tensorflow" ? loadedNative() : undefined;
  return {
    ok: true,
    description: activated.description,
    version: activated.version,
    usesGpu: native?.usesGpu ?? false,
    startupLog: native?.startupLog ?? "",
    ...(request.measure === undefined ? {} : { measurement: await measureCurrentBackend(tf, request.measure) }),
  };
}

function fault(error: unknown): ProbeFault {
  if (error instanceof BackendError) {
    const { what, found, todo } = error.parts;
    return { ok: false, reason: found === undefined ? what : `${what} (${found})`, howToGet: todo ?? "" };
  }
  return {
    ok: false,
    reason: error instanceof Error ? error.message : String(error),
    howToGet: "npx v-triune native verify",
  };
}

const answer = await probe(JSON.parse(process.argv[2] ?? "{}") as ProbeRequest).catch(fault);
// A backend's threads may outlive the work, so the process ends by itself once the line is written.
process.stdout.write(`\n${ANSWER_MARK}${JSON.stringify(answer)}\n`, () => process.exit(0));

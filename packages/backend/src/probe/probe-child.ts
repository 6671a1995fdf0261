/** The child process of `probeBackend`: loads one backend, computes with it, prints one line of JSON. */
import * as tf from "@tensorflow/tfjs-core";
import { activateBackend, type ActivatedBackend } from "../activate-backend";
import { BackendError, briefReason } from "../backend-error";
import { measureCurrentBackend } from "../measure-backend";
import { loadedNative, loadNative } from "../native/load-native";
import { smokeTest } from "../smoke-test";
import { startBackend } from "../start-backend";
import { ANSWER_MARK, type ProbeFault, type ProbeFinding, type ProbeRequest } from "./probe-protocol";

async function probe(request: ProbeRequest): Promise<ProbeFinding> {
  const threads = request.threads === undefined ? {} : { threads: request.threads };
  let activated: ActivatedBackend;
  if (request.addon === undefined) activated = activateBackend(request.backend, threads);
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
    ...(native === undefined ? {} : { decoding: native.decoding, training: native.training }),
    ...(request.measure === undefined ? {} : { measurement: await measureCurrentBackend(tf, request.measure) }),
  };
}

function fault(error: unknown): ProbeFault {
  if (error instanceof BackendError)
    return { ok: false, reason: briefReason(error), howToGet: error.fix ?? "", code: error.code };
  return {
    ok: false,
    reason: error instanceof Error ? error.message : String(error),
    howToGet: "npx v-triune native verify",
  };
}

const answer = await probe(JSON.parse(process.argv[2] ?? "{}") as ProbeRequest).catch(fault);
// A backend's threads may outlive the work, so the process ends by itself once the line is written.
process.stdout.write(`\n${ANSWER_MARK}${JSON.stringify(answer)}\n`, () => process.exit(0));

/** Chooses the fastest TensorFlow.js backend that works here, and says why the others were passed over. */
import { availableParallelism } from "node:os";
import { activateBackend, type ActivateOptions } from "./activate-backend";
import { BackendError, briefReason } from "./backend-error";
import { BACKEND_ORDER, type BackendName } from "./backend-name";
import { widestInstructions } from "./native/widest-instructions";
import { proveNative } from "./prove-native";
import { startBackend } from "./start-backend";

/** What a caller may ask for. */
export interface SelectBackendOptions extends ActivateOptions {
  /** A backend by name, or "auto": the first of BACKEND_ORDER that works. `V_TRIUNE_BACKEND` replaces "auto". */
  readonly prefer?: "auto" | BackendName;
}

/** A backend that was not taken. */
export interface PassedOver {
  readonly name: BackendName;
  readonly reason: string;
  /** How to get it; empty if there is no way. */
  readonly howToGet: string;
}

/** The backend that tfjs uses now. */
export interface BackendChoice {
  readonly name: BackendName;
  /** What `tf.getBackend()` says: "tensorflow" for both native ones. */
  readonly tfjsName: string;
  /** One line for a person, for example "TensorFlow 2.21.0 on the CPU". */
  readonly description: string;
  readonly version: string;
  /** The faster ones that were not taken, in order; empty when one was asked for by name. */
  readonly passedOver: readonly PassedOver[];
}

/**
 * Makes the wanted backend, or the fastest that works, the current backend of tfjs and waits until it is ready.
 *
 * ```ts
 * const backend = await selectBackend();        // the fastest here
 * console.log(backend.description);             // "TensorFlow 2.21.0 on the CPU"
 * ```
 *
 * @throws BackendError when the backend asked for by name does not work, or the name is unknown, or that of the
 *   instructions in `V_TRIUNE_INSTRUCTIONS`
 */
export async function selectBackend(options: SelectBackendOptions = {}): Promise<BackendChoice> {
  checkThreads(options.threads);
  widestInstructions(options.env);
  const wanted = wantedBackend(options);
  if (wanted !== "auto") return { ...(await take(wanted, options)), passedOver: [] };
  const passedOver: PassedOver[] = [];
  for (const name of BACKEND_ORDER) {
    try {
      return { ...(await take(name, options)), passedOver };
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      passedOver.push({ name, reason: briefReason(error), howToGet: error.fix ?? "" });
    }
  }
  throw new BackendError({
    what: "No TensorFlow.js backend works here.",
    found: passedOver.map(({ name, reason }) => `${name}: ${reason}`).join("; "),
    fix:
      "run npm ci, which installs the wasm backend; if it is installed, report this with the output of npx " +
      "v-triune doctor",
  });
}

function wantedBackend(options: SelectBackendOptions): "auto" | BackendName {
  const fromEnvironment = (options.env ?? process.env)["V_TRIUNE_BACKEND"];
  const asked = options.prefer !== undefined && options.prefer !== "auto" ? options.prefer : fromEnvironment || "auto";
  if (asked === "auto" || (BACKEND_ORDER as readonly string[]).includes(asked)) return asked as "auto" | BackendName;
  throw new BackendError({
    what: "There is no such backend.",
    where: options.prefer === asked ? "prefer" : "the environment variable V_TRIUNE_BACKEND",
    expected: ["auto", ...BACKEND_ORDER].join(", "),
    found: JSON.stringify(asked),
  });
}

function checkThreads(threads: number | undefined): void {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1)) return;
  throw new BackendError({
    what: "The number of threads is not a whole number of at least 1.",
    where: "threads",
    found: String(threads),
    fix: `leave it out to use all ${availableParallelism()} cores of this machine`,
  });
}

async function take(name: BackendName, options: ActivateOptions): Promise<Omit<BackendChoice, "passedOver">> {
  await proveNative(name, options);
  const activated = activateBackend(name, options);
  await startBackend(name, activated);
  return { name, ...activated };
}

/** Chooses the fastest TensorFlow.js backend that works here, and says why the others were passed over. */
import { availableParallelism } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import { BackendError } from "./backend-error";
import {
  activateBackend,
  BACKEND_ORDER,
  type ActivatedBackend,
  type ActivateOptions,
  type BackendName,
} from "./candidates";
import { registerGradients } from "./gradients/register-gradients";
import { guardWasmMemory } from "./wasm-memory";

/** What a caller may ask for. */
export interface SelectBackendOptions extends ActivateOptions {
  /** A backend by name, or "auto": the first of BACKEND_ORDER that works. `V_TRIUNE_BACKEND` speaks for "auto". */
  readonly prefer?: "auto" | BackendName;
}

/** A backend that was not taken. */
export interface PassedOver {
  readonly name: BackendName;
  readonly reason: string;
  /** What to do to have it; empty where nothing helps. */
  readonly howToGet: string;
}

/** The backend that tfjs uses now. */
export interface BackendChoice {
  readonly name: BackendName;
  /** What `tf.getBackend()` says: "tensorflow" for both native ones. */
  readonly tfjsName: string;
  /** One line for a person, e.g. "TensorFlow 2.21.0 on the CPU". */
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
 * @throws BackendError when the backend asked for by name does not work, or the name is unknown
 */
export async function selectBackend(options: SelectBackendOptions = {}): Promise<BackendChoice> {
  checkThreads(options.threads);
  const wanted = wantedBackend(options);
  if (wanted !== "auto") return { ...(await take(wanted, options)), passedOver: [] };
  const passedOver: PassedOver[] = [];
  for (const name of BACKEND_ORDER) {
    try {
      return { ...(await take(name, options)), passedOver };
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      passedOver.push(passedOverFor(name, error));
    }
  }
  throw new BackendError({
    what: "No TensorFlow.js backend works here",
    found: passedOver.map(({ name, reason }) => `${name}: ${reason}`).join("; "),
    todo: "npm ci installs the wasm backend; if it is installed, report this with the output of npx v-triune doctor.",
  });
}

/** The PassedOver entry for a backend that failed with this error. */
export function passedOverFor(name: BackendName, error: BackendError): PassedOver {
  const { what, found, todo } = error.parts;
  return { name, reason: found === undefined ? what : `${what} (${found})`, howToGet: todo ?? "" };
}

function wantedBackend(options: SelectBackendOptions): "auto" | BackendName {
  const fromEnvironment = (options.env ?? process.env)["V_TRIUNE_BACKEND"];
  const asked = options.prefer !== undefined && options.prefer !== "auto" ? options.prefer : fromEnvironment || "auto";
  if (asked === "auto" || (BACKEND_ORDER as readonly string[]).includes(asked)) return asked as "auto" | BackendName;
  throw new BackendError({
    what: "There is no such backend",
    where: options.prefer === asked ? "prefer" : "the environment variable V_TRIUNE_BACKEND",
    expected: ["auto", ...BACKEND_ORDER].join(", "),
    found: JSON.stringify(asked),
  });
}

function checkThreads(threads: number | undefined): void {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1)) return;
  throw new BackendError({
    what: "The number of threads is not a whole number of at least 1",
    where: "threads",
    found: String(threads),
    todo: `This machine has ${availableParallelism()} cores; leave it out to use them all.`,
  });
}

async function take(name: BackendName, options: ActivateOptions): Promise<Omit<BackendChoice, "passedOver">> {
  const activated = await activateBackend(name, options);
  await startBackend(name, activated);
  return { name, ...activated };
}

/**
 * Makes an activated backend the current one and waits until it is ready.
 *
 * @throws BackendError when it does not start
 */
export async function startBackend(name: BackendName, activated: ActivatedBackend): Promise<void> {
  // After activation: loading tfjs-node registers tfjs-core's own gradients.
  registerGradients();
  let set: boolean;
  try {
    set = await tf.setBackend(activated.tfjsName);
    await tf.ready();
  } catch (error) {
    throw startError(name, error);
  }
  if (!set || tf.getBackend() !== activated.tfjsName) throw startError(name, undefined);
  if (name === "wasm") guardWasmMemory(tf.backend());
  // The plain JavaScript backend advertises tfjs-node at its first use; whoever chose it knows.
  if (name === "cpu") (tf.backend() as { firstUse?: boolean }).firstUse = false;
}

function startError(name: BackendName, cause: unknown): BackendError {
  return new BackendError(
    {
      what: `The ${name} backend is installed but does not start`,
      ...(cause instanceof Error ? { found: cause.message.split("\n")[0] ?? "" } : {}),
      todo: name === "wasm" || name === "cpu" ? "rm -rf node_modules && npm ci" : "npx v-triune native verify",
    },
    { cause },
  );
}

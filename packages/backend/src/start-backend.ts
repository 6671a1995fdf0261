import * as tf from "@tensorflow/tfjs-core";
import type { ActivatedBackend } from "./activate-backend";
import { BackendError } from "./backend-error";
import type { BackendName } from "./backend-name";
import { registerGradients } from "./gradients/register-gradients";
import { guardWasmMemory } from "./wasm-memory";

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
  // The plain JavaScript backend prints an advertisement for tfjs-node at its first use.
  if (name === "cpu") (tf.backend() as { firstUse?: boolean }).firstUse = false;
}

function startError(name: BackendName, cause: unknown): BackendError {
  return new BackendError({
    what: `The ${name} backend is installed but does not start.`,
    found: cause instanceof Error ? cause.message.split("\n")[0] : undefined,
    fix: name === "wasm" || name === "cpu" ? "rm -rf node_modules && npm ci" : "npx v-triune native verify",
    cause,
  });
}

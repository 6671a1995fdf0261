/** The backend that tests of this package run on: the one that V_TRIUNE_BACKEND names. Default wasm. */
import { selectBackend, type BackendName } from "@v-triune/backend";

export async function useTestBackend(): Promise<string> {
  return (await selectBackend({ prefer: (process.env["V_TRIUNE_BACKEND"] ?? "wasm") as BackendName })).tfjsName;
}

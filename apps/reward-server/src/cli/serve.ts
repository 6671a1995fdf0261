import { setFlagsFromString } from "node:v8";
import type { EnvironmentOptions } from "../environment/environment";
import { startRewardServer } from "../server";
import type { RewardServerSettings } from "../settings";

const SAME_SIGNAL_MS = 500;

/**
 * By default V8 lets a process grow to several times of what it needs before it cleans up. These flags cost a twentieth
 * of the speed and save a third of the memory (docs/performance.md).
 */
const MEMORY_FLAGS = ["--max-semi-space-size=4", "--heap-growing-percent=50"];

/**
 * Runs a reward server until SIGTERM or SIGINT (or the end of standard input, if the settings say so), then drains it.
 * A second signal ends it immediately.
 *
 * @param say called with the address of the server
 * @param environment tasks to serve beside the rewards
 * @returns the exit code: 0 if all that was accepted has been answered
 * @throws what {@link startRewardServer} throws
 */
export async function serveUntilSignal(
  settings: Partial<RewardServerSettings>,
  say: (text: string) => void,
  environment?: EnvironmentOptions,
): Promise<number> {
  for (const flag of MEMORY_FLAGS) setFlagsFromString(flag);
  const server = await startRewardServer(settings, undefined, environment);
  say(`${server.url}  verifiers: ${server.verifiers.join(", ")}\n`);
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  const signals = ["SIGTERM", "SIGINT"] as const;
  for (const signal of signals) process.once(signal, stop);
  if (settings.untilStdinEnds) {
    for (const event of ["end", "close", "error"]) process.stdin.once(event, stop);
    process.stdin.resume();
  }
  await stopped;
  for (const signal of signals) process.off(signal, stop);
  const since = performance.now();
  // A terminal and a launcher may both pass on one Ctrl-C: two signals within a moment are one.
  const now = () => void (performance.now() - since > SAME_SIGNAL_MS && process.exit(1));
  for (const signal of signals) process.on(signal, now);
  const inTime = await server.drain();
  for (const signal of signals) process.off(signal, now);
  return inTime ? 0 : 1;
}

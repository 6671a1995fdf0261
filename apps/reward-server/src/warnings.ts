import type { Logger } from "pino";

/** The largest number of different warnings that are remembered; a client could send new keys without end. */
const MOST = 200;

/** Logs warnings, each text once: a trainer sends the same unknown key with every sample. */
export function warnOnce(log: Logger): (route: string, warnings: readonly string[]) => void {
  const seen = new Set<string>();
  return (route, warnings) => {
    for (const warning of warnings) {
      if (seen.has(warning) || seen.size >= MOST) continue;
      seen.add(warning);
      log.warn({ route, warning }, "a part of the request is ignored; logged once");
    }
  };
}

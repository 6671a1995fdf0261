import { SERVER_OPTIONS, type ServerOption } from "./options";
import { ServerConfigError, type RewardServerSettings } from "./settings";

const options = Object.entries(SERVER_OPTIONS) as [keyof RewardServerSettings, ServerOption<unknown>][];

/** The defaults. */
export function defaultSettings(): RewardServerSettings {
  return Object.fromEntries(
    options.map(([name, option]) => [name, option.initial()]),
  ) as unknown as RewardServerSettings;
}

/**
 * Fills in the defaults and checks each setting.
 *
 * @throws ServerConfigError naming the setting and its flag
 */
export function completeSettings(given: Partial<RewardServerSettings>): RewardServerSettings {
  const stated = Object.entries(given).filter(([, value]) => value !== undefined);
  const settings = { ...defaultSettings(), ...Object.fromEntries(stated) } as RewardServerSettings;
  for (const [name, { flag, problem }] of options) {
    const expected = problem(settings[name]);
    if (expected === undefined) continue;
    throw new ServerConfigError({
      what: `The setting ${name} cannot be used.`,
      where: flag === undefined ? undefined : `--${flag} on the command line`,
      expected,
      // The token is a secret.
      found: name === "token" ? `${settings.token?.length} characters` : String(settings[name]),
    });
  }
  if (settings.queue < settings.batch) {
    throw new ServerConfigError({
      what: "The queue is smaller than one batch.",
      expected: `queue of at least batch, ${settings.batch}`,
      found: String(settings.queue),
      fix: "raise --max-queue or lower --max-batch",
    });
  }
  return settings;
}

/** A run's settings in the address of the page, so that a link reproduces the run. */
import type { RunSettings } from "./protocol";

export const DEFAULTS: RunSettings = { seed: 1, steps: 40, heldOut: 20 };

/** What each setting may be: whole numbers from `least` to `most`. */
export const LIMITS: Readonly<Record<keyof RunSettings, { readonly least: number; readonly most: number }>> = {
  seed: { least: 0, most: 2 ** 31 - 1 },
  steps: { least: 1, most: 1000 },
  heldOut: { least: 1, most: 100 },
};

/** @param search of the address; a number that is missing, malformed or out of its limits becomes the default */
export function readSettings(search: string): RunSettings {
  const query = new URLSearchParams(search);
  const read = (name: keyof RunSettings): number => {
    const text = query.get(name) ?? "";
    const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
    return value >= LIMITS[name].least && value <= LIMITS[name].most ? value : DEFAULTS[name];
  };
  return { seed: read("seed"), steps: read("steps"), heldOut: read("heldOut") };
}

/** The part of the address that gives these settings. */
export function settingsQuery({ seed, steps, heldOut }: RunSettings): string {
  return `?seed=${seed}&steps=${steps}&heldOut=${heldOut}`;
}

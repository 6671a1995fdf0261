/** A run's settings in the address of the page, so that a link reproduces the run. */
import { type Color, colorNames } from "@v-triune/demo-tasks/questions";
import type { OwnSource, RunSettings } from "./protocol";

export const DEFAULTS: RunSettings = { seed: 1, steps: 40, heldOut: 20, own: null };
export const OWN_DEFAULT: OwnSource = { counts: [1, 3], colors: colorNames, sizes: [12, 24] };
/** `data_source` of the person's own source. */
export const OWN_SOURCE = "own_count";
/** Sides that a shape of the person's own source can have, in pixels. */
export const SIZES = [8, 12, 16, 20, 24, 28];

/** What each number may be: whole, from `least` to `most`. */
export const LIMITS = {
  seed: { least: 0, most: 2 ** 31 - 1 },
  steps: { least: 1, most: 1000 },
  heldOut: { least: 1, most: 100 },
  counts: { least: 0, most: 6 },
} as const;

/** Numbers of a run, in the address under their names. */
export const NUMBERS = ["seed", "steps", "heldOut"] as const;
const OWN = ["ownCounts", "ownColors", "ownSizes"] as const;

/** What an address says, and what is wrong with it, in sentences. */
export interface AddressSettings {
  readonly settings: RunSettings;
  readonly problems: readonly string[];
}

/** @param search of the address; what is wrong becomes the default */
export function readSettings(search: string): AddressSettings {
  const query = new URLSearchParams(search);
  const problems: string[] = [];
  /** The value of a name, or its default with a sentence. */
  const read = <T>(name: string, otherwise: T, expected: string, parse: (text: string) => T | undefined): T => {
    const text = query.get(name);
    if (text === null) return otherwise;
    const value = parse(text);
    if (value === undefined)
      problems.push(
        `The address says ${name}=${text.slice(0, 40)}, but it must be ${expected}. The page uses its default.`,
      );
    return value ?? otherwise;
  };
  const number = (name: (typeof NUMBERS)[number]): number => {
    const { least, most } = LIMITS[name];
    return read(name, DEFAULTS[name], `a whole number from ${least} to ${most}`, (text) =>
      wholeWithin(text, LIMITS[name]),
    );
  };
  const { least, most } = LIMITS.counts;
  const own: OwnSource = {
    counts: read("ownCounts", OWN_DEFAULT.counts, `two numbers from ${least} to ${most} as in 1-3`, countsIn),
    colors: read("ownColors", OWN_DEFAULT.colors, `some of ${colorNames.join(",")}`, (text) =>
      chosen(text.split(","), colorNames),
    ),
    sizes: read("ownSizes", OWN_DEFAULT.sizes, `some of ${SIZES.join(",")}`, (text) =>
      chosen(text.split(",").map(Number), SIZES),
    ),
  };
  const settings = {
    seed: number("seed"),
    steps: number("steps"),
    heldOut: number("heldOut"),
    own: OWN.some((name) => query.has(name)) ? own : null,
  };
  const known: readonly string[] = [...NUMBERS, ...OWN];
  for (const name of new Set(query.keys()))
    if (!known.includes(name))
      problems.push(
        `The address says ${name.slice(0, 40)}, which this page does not know. It knows ${known.join(", ")}.`,
      );
  return { settings, problems };
}

function wholeWithin(text: string, { least, most }: { readonly least: number; readonly most: number }) {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

function countsIn(text: string): OwnSource["counts"] | undefined {
  const [, from, to] = /^(\d)-(\d)$/.exec(text) ?? [];
  const least = wholeWithin(from ?? "", LIMITS.counts);
  const most = wholeWithin(to ?? "", LIMITS.counts);
  return least === undefined || most === undefined || least > most ? undefined : [least, most];
}

/** The known values in their order; undefined if there is another one, or none. */
function chosen<T extends Color | number>(values: readonly unknown[], known: readonly T[]): T[] | undefined {
  if (!values.every((value) => (known as readonly unknown[]).includes(value))) return undefined;
  return known.filter((one) => values.includes(one));
}

/** The part of the address that gives these settings. */
export function settingsQuery({ seed, steps, heldOut, own }: RunSettings): string {
  const query = `?seed=${seed}&steps=${steps}&heldOut=${heldOut}`;
  if (!own) return query;
  return `${query}&ownCounts=${own.counts.join("-")}&ownColors=${own.colors.join(",")}&ownSizes=${own.sizes.join(",")}`;
}

/**
 * Charts that a reader pinned to the top of the overview. They are the reader's and not a run's, so they are kept in
 * the browser, and in the address of an overview on which they were changed.
 */
import type { StreamKey } from "../src/dashboard/dashboard-api";

/** What a chart shows: series of some streams. */
export interface ChartSubject {
  readonly title: string;
  readonly split: StreamKey["split"];
  readonly scope: StreamKey["scope"];
  readonly names: readonly string[];
  readonly metrics: readonly string[];
}

const MOST_PINS = 12;
const MOST_TEXTS = 50;

const texts = (value: unknown): string[] | undefined =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.length <= MOST_TEXTS &&
  value.every((one) => typeof one === "string")
    ? (value as string[])
    : undefined;

function readPin(value: unknown): ChartSubject[] {
  if (!Array.isArray(value)) return [];
  const [title, split, scope, names, metrics] = value as unknown[];
  const known = { names: texts(names), metrics: texts(metrics) };
  if (typeof title !== "string" || (split !== "train" && split !== "eval")) return [];
  if (scope !== "source" && scope !== "task" && scope !== "all") return [];
  if (known.names === undefined || known.metrics === undefined) return [];
  return [{ title, split, scope, names: known.names, metrics: known.metrics }];
}

/** The pins of a text as {@link writtenPins} makes it; what cannot be read is left out. */
export function readPins(text: string | null): readonly ChartSubject[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? value.flatMap(readPin).slice(0, MOST_PINS) : [];
  } catch {
    return [];
  }
}

export function writtenPins(pins: readonly ChartSubject[]): string {
  return JSON.stringify(pins.map(({ title, split, scope, names, metrics }) => [title, split, scope, names, metrics]));
}

export const isPinned = (pins: readonly ChartSubject[], subject: ChartSubject): boolean =>
  pins.some((pin) => writtenPins([pin]) === writtenPins([subject]));

/** With the chart pinned if it was not, and the other way round; the oldest pin goes when there are too many. */
export function togglePin(pins: readonly ChartSubject[], subject: ChartSubject): readonly ChartSubject[] {
  if (isPinned(pins, subject)) return pins.filter((pin) => writtenPins([pin]) !== writtenPins([subject]));
  return [...pins, subject].slice(-MOST_PINS);
}

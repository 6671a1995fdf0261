/** Numbers as people read them. */
import type { StepWindow } from "../src/dashboard/dashboard-api";

/** Three significant digits, with k and M; a dash for nothing. */
export function shortNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toPrecision(3)}M`;
  if (size >= 1e4) return `${(value / 1e3).toPrecision(3)}k`;
  if (size !== 0 && size < 1e-3) return value.toExponential(1);
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(3)));
}

/** With its sign. */
export function signed(value: number | null): string {
  if (value === null) return "–";
  return value > 0 ? `+${shortNumber(value)}` : shortNumber(value).replace("-", "−");
}

/** 3725 → "1 h 2 min" */
export function duration(seconds: number | null): string {
  if (seconds === null) return "–";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.round(minutes / 1440)} days`;
}

/** 1234567 → "1,234,567". By hand: a browser takes 20 to 45 ms to load the formats of a language. */
export const grouped = (whole: number): string => String(whole).replace(/\B(?=(\d{3})+$)/g, ",");

export function count(value: number, one: string, many = `${one}s`): string {
  return `${grouped(value)} ${value === 1 ? one : many}`;
}

/** "12", or "3–7". */
export const shownWindow = ({ from, to }: StepWindow): string => (from === to ? String(from) : `${from}–${to}`);

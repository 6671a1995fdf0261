/**
 * The formats of numbers and dates that uPlot makes as it starts, made when they are used: the first one takes a
 * browser 20 to 45 ms, and the dashboard's charts write their numbers themselves (format.ts).
 */

const own = globalThis.Intl;

class NumberFormat {
  readonly #locale: string;
  #format: Intl.NumberFormat | undefined;

  constructor(locale: string) {
    this.#locale = locale;
  }

  format(value: number): string {
    return (this.#format ??= new own.NumberFormat(this.#locale)).format(value);
  }
}

/** uPlot asks for the browser's time zone, which only charts over dates need. */
class DateTimeFormat {
  resolvedOptions(): { readonly timeZone: undefined } {
    return { timeZone: undefined };
  }
}

const formats = { NumberFormat, DateTimeFormat };

export { formats as Intl };

/**
 * Types "date" and "time". A date is compared part by part (year, month, day, quarter), a clock time by the minute of
 * the day. `03/04/2020` is read in both orders, as nobody can tell; what is written in one form on both sides must be
 * written the same.
 */
import { readChineseNumeral, readNumberWords } from "./number-words";

export interface CalendarDate {
  readonly year?: number;
  readonly month?: number;
  readonly day?: number;
  readonly quarter?: number;
  /** From Monday, 1, to Sunday, 7: of a day of the week alone. */
  readonly weekday?: number;
  /** Month and day may be the other way round. */
  readonly isAmbiguous?: boolean;
}

const MONTHS = "january february march april may june july august september october november december".split(" ");
const MONTH =
  "(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\.?";
const DAY = "(\\d{1,2})(?:\\^?\\{?(?:st|nd|rd|th)\\}?)?";
const YEAR = "('?\\d{2}|\\d{4})";
const WEEKDAY =
  /^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? +|^(?:星期|周)[一二三四五六日天] ?/i;

const MONTH_DAY_YEAR = new RegExp(`^(?:the )?${MONTH} +(?:the )?${DAY},? +${YEAR}$`, "i");
const DAY_MONTH_YEAR = new RegExp(`^(?:the )?${DAY}(?: +of)?[ -]+${MONTH},?[ -]+${YEAR}$`, "i");
const MONTH_DAY = new RegExp(`^${MONTH} +(?:the )?${DAY}$`, "i");
const DAY_MONTH = new RegExp(`^(?:the )?${DAY}(?: +of)? +${MONTH}$`, "i");
const ONLY_MONTH = new RegExp(`^${MONTH}$`, "i");
const MONTH_YEAR = new RegExp(`^${MONTH},?(?: +of)?[ -]+('\\d{2}|\\d{4})$`, "i");
const YEAR_MONTH = new RegExp(`^(\\d{4}),?[ -]+${MONTH}$`, "i");
const NUMERIC = /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})$/;
const NUMERIC_BACK = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})$/;
const CHINESE = /^(?:(\d{2,4}) ?年 ?)?(?:(\d{1,2}) ?月(?:份)?)?(?: ?(\d{1,2}) ?[日号])?$/;
const QUARTER =
  /^(?:q([1-4]),?[ -]*(?:of +)?(\d{4})|(\d{4})[ -]*q([1-4])|([1-4])q ?(\d{4})|(first|second|third|fourth|1st|2nd|3rd|4th) quarter,?(?: of)? (\d{4}))$/i;
const ONLY_QUARTER = /^(?:the )?(?:q([1-4])|(first|second|third|fourth|1st|2nd|3rd|4th) quarter)$/i;
const quarterOf = (text: string): number => QUARTERS.indexOf(text.toLowerCase()) + 1 || Number(text[0]);
const QUARTERS = ["first", "second", "third", "fourth"];

/** Reads a text that is a date as a whole: a month, or at least two of year, month, day and quarter. */
export function readDate(written: string): CalendarDate | undefined {
  const text = written.trim().replace(WEEKDAY, "");
  if (text.length > 40) return undefined;
  if (!/\d/.test(text) && !/quarter/i.test(text)) {
    const weekday = weekdayOf(written.trim());
    if (weekday !== undefined) return { weekday };
    const month = ONLY_MONTH.exec(text);
    return month === null ? undefined : { month: monthOf(month[1]!) };
  }
  const alone = ONLY_QUARTER.exec(text);
  if (alone !== null) return { quarter: quarterOf(alone[1] ?? alone[2]!) };
  const quarter = QUARTER.exec(text);
  if (quarter !== null) {
    const named = quarter[7]?.toLowerCase();
    const number =
      named === undefined
        ? Number(quarter[1] ?? quarter[4] ?? quarter[5])
        : QUARTERS.indexOf(named) + 1 || Number(named[0]);
    return { quarter: number, year: Number(quarter[2] ?? quarter[3] ?? quarter[6] ?? quarter[8]) };
  }
  let match = MONTH_DAY_YEAR.exec(text);
  if (match !== null) return checked({ month: monthOf(match[1]!), day: Number(match[2]), year: yearOf(match[3]!) });
  match = DAY_MONTH_YEAR.exec(text);
  if (match !== null) return checked({ day: Number(match[1]), month: monthOf(match[2]!), year: yearOf(match[3]!) });
  match = MONTH_DAY.exec(text);
  if (match !== null) return checked({ month: monthOf(match[1]!), day: Number(match[2]) });
  match = DAY_MONTH.exec(text);
  if (match !== null) return checked({ day: Number(match[1]), month: monthOf(match[2]!) });
  match = MONTH_YEAR.exec(text);
  if (match !== null) return { month: monthOf(match[1]!), year: yearOf(match[2]!) };
  match = YEAR_MONTH.exec(text);
  if (match !== null) return { year: Number(match[1]), month: monthOf(match[2]!) };
  match = NUMERIC.exec(text);
  if (match !== null) return checked({ year: Number(match[1]), month: Number(match[3]), day: Number(match[4]) });
  match = NUMERIC_BACK.exec(text);
  if (match !== null) {
    const [first, second, year] = [Number(match[1]), Number(match[3]), Number(match[4])];
    if (first > 12) return checked({ day: first, month: second, year });
    const isAmbiguous = second <= 12 && first !== second;
    return checked({ month: first, day: second, year, ...(isAmbiguous && { isAmbiguous }) });
  }
  match = CHINESE.exec(text);
  if (match?.[2] === undefined) return undefined;
  return checked({
    ...(match[1] !== undefined && { year: yearOf(match[1]) }),
    ...(match[2] !== undefined && { month: Number(match[2]) }),
    ...(match[3] !== undefined && { day: Number(match[3]) }),
  });
}

const DAYS = "mon tue wed thu fri sat sun".split(" ");
/**
 * Year and month: 2021-07. Alone it may be a range of years as well, so that it only answers a gold answer of year and
 * month.
 */
export function readYearMonth(text: string): CalendarDate | undefined {
  const match = /^(\d{4})[-/.](\d{1,2})$/.exec(text.trim());
  return match === null ? undefined : checked({ year: Number(match[1]), month: Number(match[2]) });
}

const ONLY_DAY =
  /^(?:(mon|tue|wed|thu|fri|sat|sun)(?:s|nes|rs|ur)?(?:day)?s?\.?|(?:星期|周|礼拜)([一二三四五六日天]))$/i;

function weekdayOf(text: string): number | undefined {
  const match = ONLY_DAY.exec(text);
  if (match === null) return undefined;
  return match[1] === undefined
    ? Math.min(7, "一二三四五六日天".indexOf(match[2]!) + 1)
    : DAYS.indexOf(match[1].toLowerCase()) + 1;
}

const monthOf = (name: string): number =>
  MONTHS.findIndex((month) => month.startsWith(name.toLowerCase().slice(0, 3))) + 1;

/** '21 is 2021, '98 is 1998. */
function yearOf(text: string): number {
  const digits = Number(text.replace("'", ""));
  return text.replace("'", "").length === 2 ? digits + (digits < 50 ? 2000 : 1900) : digits;
}

/** No date has a thirteenth month or a thirty-second day. */
const checked = (date: CalendarDate): CalendarDate | undefined =>
  (date.month !== undefined && (date.month < 1 || date.month > 12)) ||
  (date.day !== undefined && (date.day < 1 || date.day > 31))
    ? undefined
    : date;

/** Whether two dates are the same: the parts that the gold has, and no other. */
export function isSameDate(gold: CalendarDate, answer: CalendarDate): boolean {
  if (gold.year !== answer.year || gold.quarter !== answer.quarter || gold.weekday !== answer.weekday) return false;
  if (gold.month === answer.month && gold.day === answer.day) return true;
  // Where both leave the order open they are written in one form, in which another order is another day.
  return gold.isAmbiguous !== answer.isAmbiguous && gold.month === answer.day && gold.day === answer.month;
}

export interface ClockTime {
  /** Seconds since midnight, or since noon or midnight when `half` is open. */
  readonly seconds: number;
  /** Whether the text says which half of the day, or writes an hour that only one half has. */
  readonly isWholeDay: boolean;
}

const CLOCK = /^(\d{1,2})(?: ?[:.h] ?(\d{2})(?: ?[:.] ?(\d{2}))?)? ?(?:(a|p)\.? ?m\.?|o'? ?clock)?$/i;
const CHINESE_CLOCK =
  /^(凌晨|早上|上午|中午|下午|晚上|夜里)? ?(\d{1,2})(?:(?:[时点] ?(?:(\d{1,2}) ?分?|(半)|整)?)|: ?(\d{2}))$/;

/** Reads a text that is a clock time as a whole. */
export function readTime(written: string): ClockTime | undefined {
  const text = written
    .trim()
    .replace(/^at +/i, "")
    .replace(/ o'? ?clock(?= (?:in the|at night|[ap]\.?m))/i, "")
    .replace(/ (?:in the (morning|afternoon|evening)|at night)$/i, (_, part?: string) =>
      part?.toLowerCase() === "morning" ? " am" : " pm",
    );
  if (/^(?:12(?::00)? ?)?noon$|^midday$|^中午$|^正午$/i.test(text)) return { seconds: 12 * 3600, isWholeDay: true };
  if (/^(?:12(?::00)? ?)?midnight$|^午夜$/i.test(text)) return { seconds: 0, isWholeDay: true };
  const spoken = spokenTime(text);
  if (spoken !== undefined) return spoken;
  const match = CLOCK.exec(text);
  if (match !== null) {
    const [, hours = "", minutes, seconds, half] = match;
    const isBare = minutes === undefined && half === undefined && !/clock/i.test(text);
    if (isBare || (/[.]/.test(text) && half === undefined)) return undefined;
    return timeOf(Number(hours), Number(minutes ?? 0), Number(seconds ?? 0), half?.toLowerCase());
  }
  const chinese = CHINESE_CLOCK.exec(
    text.replace(/[零一二三四五六七八九十两]{1,3}(?=[点时分]|$)/g, (digits) => {
      const value = readChineseNumeral(digits);
      return value === undefined ? digits : value.n.toString();
    }),
  );
  if (chinese === null || (chinese[1] === undefined && chinese[5] !== undefined)) return undefined;
  const half = chinese[1] === undefined ? undefined : /凌晨|早上|上午/.test(chinese[1]) ? "a" : "p";
  return timeOf(Number(chinese[2]), chinese[4] === undefined ? Number(chinese[3] ?? chinese[5] ?? 0) : 30, 0, half);
}

const SPOKEN =
  /^(?:(half|(?:a )?quarter|[a-z]+(?:-[a-z]+)?|\d{1,2})(?: minutes?)?) (past|after|to|before) ([a-z]+|\d{1,2})(?: o'?clock)?(?: (a|p)\.?m\.?)?$/i;

/** "half past four", "a quarter to nine", "ten past 5 pm". */
function spokenTime(text: string): ClockTime | undefined {
  const match = SPOKEN.exec(text);
  if (match === null) return undefined;
  const [, part = "", side = "", hour = "", half] = match;
  const minutes = /half/i.test(part) ? 30 : /quarter/i.test(part) ? 15 : wordsOrDigits(part);
  const hours = wordsOrDigits(hour);
  if (minutes === undefined || hours === undefined || hours < 1 || hours > 12 || minutes > 59) return undefined;
  const isBefore = /to|before/i.test(side);
  // "3 to 1" is a ratio.
  if (/to/i.test(side) && !/quarter|minutes|^[a-z]/i.test(text)) return undefined;
  if (isBefore && minutes === 30 && /half/i.test(part)) return undefined;
  return isBefore
    ? timeOf(hours === 1 ? 12 : hours - 1, 60 - minutes, 0, half?.toLowerCase())
    : timeOf(hours, minutes, 0, half?.toLowerCase());
}

function wordsOrDigits(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const words = readNumberWords(text.toLowerCase());
  return words !== undefined && !words.ordinal && words.length === text.length ? Number(words.value.n) : undefined;
}

function timeOf(hours: number, minutes: number, seconds: number, half: string | undefined): ClockTime | undefined {
  if (hours > 24 || minutes > 59 || seconds > 59) return undefined;
  const inHalf = half !== undefined && hours <= 12 ? (hours % 12) + (half === "p" ? 12 : 0) : hours % 24;
  return {
    seconds: inHalf * 3600 + minutes * 60 + seconds,
    isWholeDay: half !== undefined || hours > 12 || hours === 0,
  };
}

/** Whether two times are the same. What leaves the half of the day open fits both, unless the gold says it. */
export function isSameTime(gold: ClockTime, answer: ClockTime): boolean {
  if (gold.seconds === answer.seconds) return true;
  const halfDay = 12 * 3600;
  return !gold.isWholeDay && answer.isWholeDay && gold.seconds % halfDay === answer.seconds % halfDay;
}

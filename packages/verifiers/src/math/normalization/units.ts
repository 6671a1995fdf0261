/**
 * Strips a unit from the end of an answer, without comparing it (the word list of latex2sympy2_extended 1.11, itself from the MATH
 * evaluation scripts, mistakes included: `integerpoint`, and dots that stand for any character).
 */
import { max } from "../floats";
import { isDigit, isSpace, strip } from "../text";

const UNITS = (
  "integerpoint,feet,sue,digit,pound,meal,edge,student,children ticket,multiple,east,degree,mph,kmph,ft,m square, m east,sq m,deg,mile," +
  "monkey,prime,ratio,profit of rs,rd,o,gm,lb,tile,per,dm,lt,gain,ab,way,west,t,h,no change,men,soldier,pie,bc,excess,st,inches,noon," +
  "cent,by,gal,kmh,c,acre,rise,th,π r 2,sq,mark,l,toy,coin,gallon,° f,profit,minw,yr,women,am,pm,hr,cu cm,square,v â € ™,are,rupee," +
  "rounds,cubic,cc,mtr,s,ohm,number,day,hour,minute,min,second,man,woman,sec,cube,mt,sq inch,mp,∏ cm ³,hectare,more,unit,cm 2,rs,kg,g," +
  "month,km,m,cm,mm,apple,liter,loss,yard,pure,year,increase,decrease,d,less,Surface,litre,pi sq m,metre,meter,inch"
).split(",");
/** Units with a dot in them, the dot matching anything. */
const DOTTED = /(?:[qa-hs] .|rs .|[ap] . m|(?:sq|cu) . m)(?:s|es)?$/;

const WORDS = new Set<string>();
for (const unit of UNITS) for (const ending of ["", "s", "es"]) WORDS.add(unit + ending);
const LONGEST = max(...[...WORDS].map((word) => word.length));
const ENDINGS = new Set([...WORDS].map((word) => word[word.length - 1]!));

/** `text` without its trailing unit; unchanged where there is none, or nothing would be left. */
export const stripUnits = (text: string): string => {
  let result = text;
  const worded = strip(cutTextSuffix(result));
  if (worded !== "") result = worded;
  for (let pass = 0; pass < 2; pass++) result = cutUnit(result);
  return result;
};

/** Everything from the first `\text{` or `\mbox{` on, when the answer ends with a closed brace and perhaps a power. */
const cutTextSuffix = (text: string): string => {
  const end = /\}(?:\^\d|\{\^\d\})?\n?$/.exec(text);
  if (end === null) return text;
  let first = -1;
  for (const command of ["\\text{", "\\mbox{"]) {
    const at = text.indexOf(command);
    if (at >= 0 && at < end.index && (first < 0 || at < first)) first = at;
  }
  return first < 0 ? text : text.slice(0, first);
};

const cutUnit = (text: string): string => {
  let end = text.length;
  while (end > 0 && isSpace(text.charCodeAt(end - 1))) end--;
  if (end === 0) return text;
  const dotted = end >= 3 && text.slice(max(0, end - 12), end).includes(" ");
  if (!dotted && !ENDINGS.has(text[end - 1]!)) return text;
  let start = -1;
  for (let length = 1; length <= LONGEST && length <= end; length++) {
    if (!WORDS.has(text.slice(end - length, end))) continue;
    const at = startBefore(text, end - length);
    if (at >= 0 && (start < 0 || at < start)) start = at;
  }
  if (dotted) {
    const from = max(0, end - 12);
    const tail = text.slice(from, end);
    for (let i = 0; i < tail.length; i++) {
      const match = DOTTED.exec(tail.slice(i));
      if (match === null) break;
      const at = startBefore(text, from + i + match.index);
      if (at >= 0 && (start < 0 || at < start)) start = at;
      i += match.index;
    }
  }
  if (start < 0) return text;
  return text.slice(0, start + 1);
};

/** Where the match begins if a unit starts at `unit`: the digit or brace before it, or the first of the blanks; -1 for neither. */
const startBefore = (text: string, unit: number): number => {
  let blank = unit;
  while (blank > 0 && isSpace(text.charCodeAt(blank - 1))) blank--;
  if (blank > 0 && (isDigit(text.charCodeAt(blank - 1)) || text[blank - 1] === "}")) return blank - 1;
  return blank < unit ? blank : -1;
};

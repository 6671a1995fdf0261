/**
 * Strips a unit from the end of an answer, without comparing it (the word list of latex2sympy2_extended 1.11, itself
 * from the MATH evaluation scripts, mistakes included: `integerpoint`, and dots that stand for any character).
 */
import { BLANK, strip } from "../text";

const UNITS =
  "integerpoint|feet|sue|digit|pound|meal|edge|student|children ticket|multiple|east|deg(?:ree)?|k?mph|ft|" +
  "m square| m east|mile|monkey|prime|ratio|profit(?: of rs)?|rd|[acdgkmp]?m|lb|tile|per|lt|gain|ab|way|west|" +
  "no change|(?:wo)?m[ae]n|soldier|pie|bc|excess|st|noon|cent|by|gal(?:lon)?|kmh|acre|rise|th|π r 2|" +
  "sq(?:uare| m| inch)?|mark|toy|coin|° f|min(?:ute|w)?|yr|hr|cu cm|v â € ™|are|rupee|rounds|cub(?:e|ic)|cc|" +
  "mtr|ohm|number|day|hour|sec(?:ond)?|mt|mp|∏ cm ³|hectare|more|unit|cm 2|rs|kg|[cdghlost]|month|apple|" +
  "lit(?:er|re)|loss|yard|pure|year|(?:in|de)crease|less|Surface|pi sq m|met(?:er|re)|inch(?:es)?|[qa-hs] .|" +
  "rs .|[ap] . m|(?:sq|cu) . m";
/** A unit at the end and the digit or brace before it, or the first blank. */
const LAST_UNIT = new RegExp(`([\\d}]|(?<!${BLANK})${BLANK})${BLANK}*(?:${UNITS})(?:s|es)?${BLANK}*$`);

/** `text` without its trailing unit; unchanged where there is none, or nothing would be left. */
export function stripUnits(text: string): string {
  // Everything from the first \text{ or \mbox{ on, when the answer ends with a closed brace and perhaps a power.
  return (strip(/\}(?:\^\d|\{\^\d\})?\n?$/.test(text) ? text.replace(/\\(?:text|mbox)\{[^]*/, "") : text) || text)
    .replace(LAST_UNIT, "$1")
    .replace(LAST_UNIT, "$1");
}

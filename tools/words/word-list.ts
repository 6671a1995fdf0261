/** The spellings and phrases that `npm run lint` reports, with what to write instead (docs/words.md). */

/** Verbs in -ize, without the ending, that are found with -ise. */
const IZE =
  "apolog|author|capital|categor|character|custom|emphas|factor|final|formal|general|initial|local|material|maxim|" +
  "memor|minim|normal|optim|organ|parallel|penal|priorit|quant|random|real|recogn|sanit|serial|special|stabil|" +
  "standard|summar|symbol|synchron|token|util|vector|visual";

/** British words and their American form. A word is a part of a name or of a text, in lower case. */
export const SPELLINGS: readonly (readonly [british: RegExp, american: string])[] = [
  [new RegExp(`^(\\w*(?:${IZE})i)s(e|ed|er|ers|es|ing|able|ations?)$`), "$1z$2"],
  [/^(analy)s(e|ed|er|ers|ing)$/, "$1z$2"],
  [/^((?:dis|multi)?colo)u(r\w*)$/, "$1$2"],
  [/^((?:mis)?behavio)u(r\w*)$/, "$1$2"],
  [/^((?:un)?favo|hono|neighbo|flavo|humo|vapo)u(r\w*)$/, "$1$2"],
  [/^grey(\w*)$/, "gray$1"],
  [/^((?:sub)?licen)c(e[ds]?|ing)$/, "$1s$2"],
  [/^(defen|offen|preten)c(es?)$/, "$1s$2"],
  [/^(cent|met|theat|fib|calib)re(s?)$/, "$1er$2"],
  [/^centr(ed|ing)$/, "center$1"],
  [/^(\w*(?:label|model|travel|cancel|signal|channel|level|fuel|tunnel))l(ed|er|ers|ing|ings)$/, "$1$2"],
  [/^(judg|acknowledg)e(ments?)$/, "$1$2"],
  [/^arte(facts?)$/, "arti$1"],
  [/^fulfil(s|ments?)?$/, "fulfill$1"],
  [/^(practi)s(e[ds]|ing)$/, "$1c$2"],
  [/^whilst$/, "while"],
  [/^programme(s?)$/, "program$1"],
];

/** Names of other programs, of metrics in the records of earlier runs, and of golden pictures. */
export const FIXED_NAMES =
  /toColourspace|pipelineColourspace|aria-labelledby|rollout\/retokenised\w*|"grey16"|(?:grey|colour)\w*\.(?:png|jpg|tif|gif)/g;

/** Phrases that a reader has to read twice. A space stands for any space, also across the lines of a comment. */
export const PHRASES: readonly (readonly [phrase: string, instead: string])[] = [
  ["unless told", "Default .."],
  ["anew", "again"],
  ["can't be had", "is missing, cannot be read, cannot start"],
  ["put right", "fix"],
  ["mend", "fix"],
  ["of one's own", "custom, your own"],
  ["so many", "the number itself, at most n"],
  ["says of itself", "reports"],
  ["is not there", "is missing, is not set"],
  ["is none", "no .., is not a .."],
];

/** Plain sentences that hold such a phrase, and Python's `is None`. */
export const PLAIN = /[Tt]here is none|is None/g;

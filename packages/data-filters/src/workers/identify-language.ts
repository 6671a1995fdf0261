/**
 * Tells the language of a question with ELD (npm `eld` 2.1, byte n-grams, 60 languages, offline). Its extra-small database decides
 * the tables of `identify-language.test.ts` like the large one (and keeps "What does 中国银行 say?" English, where the large one
 * does not), in a fifth of the memory.
 *
 * Questions are shorter than what n-grams need, so two things are decided around it:
 * - Formulas, markup and quoted words say nothing about the language of the question that holds them, and are left out.
 * - Plain ASCII without a clear winner (labels such as "TOTAL" or "bus number") is English: English has to be beaten by a fifth, by a
 *   result that ELD itself calls reliable. A single foreign word without accents passes for English, too.
 */

/** Gives the ISO 639-1 code of a text's language, `und` when nothing tells. */
export type LanguageIdentifier = (text: string) => string;

/** By how much another language's score has to exceed that of English before plain ASCII counts as that language. */
const LEAD = 1.2;

const NO_PROSE = /\$[^$]*\$|\\[a-zA-Z]+|<[^<>]*>|https?:\/\/\S+/g;
const QUOTED = /"[^"]*"|“[^”]*”|«[^»]*»|(?<!\p{L})['‘][^'’]*['’](?!\p{L})/gu;

/**
 * Loads the n-gram database (about 0.1 s and 40 MB, once a process).
 *
 * ```ts
 * const identify = await loadLanguageIdentifier();
 * identify("How many cubes are there?") // "en"
 * identify("这家店的名字是什么?") // "zh"
 * ```
 */
export async function loadLanguageIdentifier(): Promise<LanguageIdentifier> {
  const { eld } = await import("eld/extrasmall");
  return (text) => {
    const prose = withoutQuotes(text.replace(NO_PROSE, " "));
    if (!/\p{L}/u.test(prose)) return "und";
    const result = eld.detect(prose);
    if (result.language === "en" || /[^\0-\x7f]/.test(prose)) return result.language === "" ? "und" : result.language;
    const { [result.language]: best = 0, en = 0 } = result.getScores();
    return result.isReliable() && best > LEAD * en ? result.language : "en";
  };
}

/** The text without what it quotes, unless little else is left. */
function withoutQuotes(text: string): string {
  const rest = text.replace(QUOTED, " ");
  return (rest.match(/\p{L}+/gu)?.length ?? 0) >= 2 ? rest : text;
}

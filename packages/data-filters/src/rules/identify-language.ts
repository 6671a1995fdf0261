/**
 * Tells the language of a question: by script where the script decides (Han, kana, Hangul, Cyrillic, Arabic, ..), and by
 * function words among languages in Latin script. Questions are short; function words ("the", "how", "wie", "est") are what
 * even four words of a question nearly always hold, and letter statistics need more text than that.
 *
 * Formulas, numbers and quoted names decide nothing. Latin text without any known function word is called `en` when it is
 * plain ASCII (labels, identifiers), else `und`.
 */

const SCRIPTS: readonly (readonly [string, RegExp])[] = [
  ["ja", /[\u3040-\u30ff]/g],
  ["ko", /[\uac00-\ud7af\u1100-\u11ff]/g],
  ["zh", /[\u3400-\u9fff\uf900-\ufaff]/g],
  ["ru", /[\u0400-\u04ff]/g],
  ["ar", /[\u0600-\u06ff]/g],
  ["he", /[\u0590-\u05ff]/g],
  ["hi", /[\u0900-\u097f]/g],
  ["th", /[\u0e00-\u0e7f]/g],
];

/** Function words and question words; none is shared with English unless it is common in both. */
const WORDS: Readonly<Record<string, string>> = {
  en: "the of and to in is are was what which how many much who where when why does do did there this that with for on it by from has have can be than not at as an a or if find number",
  fr: "le la les des du est et une un dans quel quelle quels quelles combien pour sur qui que où sont cette avec il elle ce au aux par pas",
  de: "der die das ist und wie viele ein eine wer wo welche welcher welches was sind mit auf von den dem im zu für nicht es wird",
  es: "el la los las es cuál qué cuántos cuántas cuánto en de una un por para cómo dónde son del con que y está hay se este",
  pt: "o os as é qual quantos quantas quanto em uma um por para como onde são do da dos das com que não está há este no na",
  it: "il lo gli è quale quali quanti quante quanto una un per come dove sono del della dei con che non di questo nel nella",
  nl: "de het een is en hoeveel wat wie waar welke zijn van met op voor niet dit dat er in deze wordt",
  vi: "là của bao nhiêu gì có và trong các được này cho với không một nào",
  tr: "bu bir ve ne kaç nedir hangi için ile olan var mı mi kim nerede",
  id: "yang di dan apa berapa ini itu dengan untuk dari adalah siapa mana pada",
};
const SETS = Object.entries(WORDS).map(([language, words]) => [language, new Set(words.split(" "))] as const);

/**
 * ISO 639-1 code of a text's language, `und` when nothing tells.
 *
 * ```ts
 * identifyLanguage("How many cubes are there?") // "en"
 * identifyLanguage("这家店的名字是什么?") // "zh"
 * ```
 */
export function identifyLanguage(text: string): string {
  const prose = text.replace(/\$[^$]*\$|\\[a-zA-Z]+|<[^<>]*>/g, " ");
  const latin = prose.match(/[A-Za-zÀ-ɏḀ-ỿ]/g)?.length ?? 0;
  let script = "und";
  let most = 0;
  for (const [language, pattern] of SCRIPTS) {
    const letters = prose.match(pattern)?.length ?? 0;
    // A little kana makes Han Japanese; the list names the deciding scripts first.
    if (letters > 0 && (letters > most || language === "zh") && !(language === "zh" && script === "ja")) {
      script = language;
      most = letters;
    }
  }
  // An ideograph says about as much as three letters.
  if (most > 0 && most * 3 >= latin) return script;
  if (latin === 0) return "und";
  const words = prose.toLowerCase().match(/[a-zà-ɏḁ-ỿ]+/g) ?? [];
  let best = "und";
  let bestHits = 0;
  for (const [language, known] of SETS) {
    let hits = 0;
    for (const word of words) if (known.has(word)) hits++;
    if (hits > bestHits) {
      best = language;
      bestHits = hits;
    }
  }
  if (bestHits > 0) return best;
  return /[^ -~\s]/.test(prose) ? "und" : "en";
}

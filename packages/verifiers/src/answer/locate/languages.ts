/**
 * The phrases that announce, take back or deny an answer, by language. Adding a language means adding a line to each
 * table that it needs. The phrases are parts of regular expressions, without quantifiers that nest.
 */

/** Phrases right before the answer. `final` ones outweigh the others. */
const ANNOUNCED: readonly (readonly [language: string, final: string, plain: string])[] = [
  [
    "en",
    "(?:final|correct|right|ultimate) (?:answer|option|choice|result)s?",
    "answers?|ans|results?|solutions?(?= (?:is|are|to)\\b|:)|(?:option|choice)(?= is\\b)",
  ],
  [
    "zh",
    "最终答案|最后答案|正确答案|正确选项|最终结果",
    "答案|故选|应选|所以选|因此选|選擇|选择|答(?=[:：])|结果(?=[是为:：])|故答案",
  ],
  ["es", "respuesta (?:final|correcta)", "respuesta|resultado|solución"],
  ["fr", "réponse (?:finale|correcte)", "réponse|résultat|solution"],
  ["de", "(?:endgültige|richtige|finale) antwort", "antwort|ergebnis|lösung"],
  ["pt", "resposta (?:final|correta)", "resposta|resultado"],
  ["it", "risposta (?:finale|corretta)", "risposta|risultato"],
  ["nl", "(?:definitieve|juiste) antwoord", "antwoord"],
  ["ru", "(?:окончательный|правильный|итоговый) ответ", "ответ"],
  ["ja", "最終的な答え|最終回答|正解", "答え|解答|回答"],
  ["ko", "최종 답|최종 정답|최종 답변", "정답|답변|답(?=[은:은는이 ])"],
  ["vi", "đáp án (?:cuối cùng|đúng)", "đáp án|câu trả lời"],
  ["tr", "nihai cevap|doğru cevap", "cevap"],
  ["pl", "ostateczna odpowiedź", "odpowiedź"],
  ["ar", "الإجابة النهائية", "الإجابة|الجواب"],
  ["hi", "अंतिम उत्तर", "उत्तर"],
];

/** What may stand between the announcing word and the answer. */
const LINKS =
  "(?: (?:to|for|of) (?:the|this|your|part|question|problem)[^.:\\n]{0,60}?)?[*_]{0,3}[ \\t]{0,3}(?:(?:(?:is|are|was|would be|should be|must be|will be|comes? out to be|turns out to be|equals|es|est|ist|é|è|sind|là|jest|lautet|sono|são|son|=)(?![a-z])|は|が|은|는|是|为|為|應為|应为|应该是|就是|选)[*_]{0,3}[ \\t]{0,3}(?:therefore|thus|simply|just|option|choice|likely|probably|given by|clearly)?[ \\t]{0,3}(?:[:：][*_]{0,3})?|[:：—–】-][*_]{0,3})";

const finals = ANNOUNCED.map(([, final]) => final).join("|");
const plains = ANNOUNCED.map(([, , plain]) => plain).join("|");

/** An announcement; group 1 holds when it is a final one. The answer follows. */
export const ANNOUNCEMENT = new RegExp(
  `(?<![\\p{L}\\d_])[*_#]{0,3}(?:(${finals})|(?:${plains}))(?:${LINKS}|(?=[ \\t]{0,3}[*_]{0,3}[ \\t]{0,3}\\n))|(?:故|应|所以|因此|本题)选[择]?[:：是为]?|答[:：]|選|(?<![挑筛可])选(?=[ ]?[（(]?[A-H])|\\|[ ]{0,3}(?:\\*\\*)?(?:final )?answer(?:\\*\\*)?[ ]{0,3}\\|`,
  "giu",
);

/** A change of mind. What comes after it counts, if it gives an answer. */
export const REVISION =
  /\b(?:wait|actually|correction|hold on|on second thought|let me (?:correct|re-?check|re-?do|re-?calculate|re-?count|reconsider)|i made (?:a|an) (?:\w+ )?(?:mistake|error)|(?:that|this|it)(?:'s| is| was) (?:wrong|incorrect|not right|not correct)|scratch that|more precisely|or rather)\b|不对|更正|等等|重新(?:计算|考虑|检查)|算错|应该改为|纠正/giu;

/** Right before a box or an answer: it is not the one that the text stands by. */
export const DENIED_BEFORE =
  /(?:\bnot|\bisn't|\bcannot be|\bcan't be|\binstead of|\brather than|\bnot just|\bignore|\bdiscard|\breject|\bearlier(?: i (?:wrote|said|got))?|\bpreviously(?: i (?:wrote|said|got))?|\bmy (?:earlier|previous|first) (?:answer|guess|result)(?: of| was)?|不是|而不是|并非|而非|不能是)[ \t]{0,3}[$(\\[*]{0,3}$/iu;

/** Right after a box or an answer: it is taken back. */
export const DENIED_AFTER =
  /^[$)\]*. \t\n,;。，]{0,6}(?:(?:is|was|would be|seems|looks) (?:wrong|incorrect|not (?:right|correct|the answer)|false|a mistake)|but (?:that|this|it)(?:'s| is| was)? (?:wrong|incorrect|not right|not correct)|(?:no|wait|hmm|hmm, no|oops|actually)\b[^.\n]{0,40}\b(?:wrong|incorrect|mistake|error)|(?:that|this|it)(?:'s| is| was) (?:wrong|incorrect|not right|not correct)|是错的|不对|错了|是错误的)/iu;

/** Right after a box: it is one of several that are left open. */
export const HEDGED_AFTER = /^[$)\]* ]{0,4}(?:or|或) (?!more\b|less\b|so\b|rather\b)[-$\\\d(A-Z]/u;

/** A sentence that leaves several answers open. */
export const HEDGED =
  /\b(?:could|may|might|can)(?: also)? be\b|\b(?:possibly|perhaps|maybe|not sure|alternatively)\b|\beither\b[^]{0,80}\bor\b|可能是?|也许|或许/iu;

/** Verbs and signs after which a sentence says its result. */
export const LINKING =
  /(?:(?<![\p{L}\d_])(?:is|are|was|were|equals?|be|becomes?|gives|yields|reads|says|shows|states|displays|called|named|labell?ed|marked|get|gets|obtain|have|has|totals?|reached in|occurred in|recorded in|happened in|therefore|thus|hence|so|contains?|costs?|sums? to|comes to|amounts to|simplifies to|evaluates to|falls? on|fell on|lies? in|leaves?|leaving|makes?|making|giving|yielding|totall?ing|reach(?:es|ed|ing)?|represents?|belongs? to|located in|lasts?|lasted|takes?|took|weighs?|weighed|measures?|measured|choose|chose|pick|picked|select|go with|going with|opt for|settle on|ist|sind|beträgt|ergibt|heißt|est|sont|vaut|donne|es|son|hay|vale|è|sono|é|são|равно|равен|равна|составляет|это)(?![\p{L}])|(?<=\b(?:it|that|this|he|she|here))['’]s|共有|一共有|有|等于|为|是|得|需要|需|写着|叫|了|共)[,:]? ?(?:(?:us|you|me|him|her|them|it) )?(?:equal to |about |approximately |exactly |a total of |the |a |an |une? |una |eine? |der |die |das |le |la |el )?/giu;

/** A line after the answer that only closes the talk. */
export const CLOSING =
  /^[*_> ]{0,3}(?:let me know|if you(?:'d| would| have| need| want)|i hope|hope (?:this|that)|feel free|would you like|please let me|is there anything|thank|good luck|happy to|do you want|希望|如果你|如有|祝你)/iu;

/** The model says that it has no answer. */
export const REFUSAL =
  /\b(?:i(?:'m| am) (?:sorry|not able|unable)|sorry,|i (?:can(?:'|no)t|do not|don't) (?:know|answer|see|view|determine|provide|help|find|tell)|i cannot|as an ai|unable to|can(?:'|no)t help|not possible to (?:answer|determine))|抱歉|对不起|我无法|我不能|无法回答/iu;

/** Words that keep a lone number in a sentence from being its answer. */
export const NOT_A_STATEMENT =
  /\b(?:not|no|never|cannot|can't|isn't|aren't|without|unless|less|more|fewer|greater|than|over|under|least|most|between|except|or|either|maybe|perhaps|please|if|describe|question|options?|step|figure|example)\b|n't\b|[?？不非没或]|可能|也许/iu;

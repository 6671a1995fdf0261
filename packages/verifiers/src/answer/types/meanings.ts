/**
 * Words with one meaning in many forms: yes and no, true and false, no solution, does not exist, cannot be determined.
 * In the languages that models answer in, by table.
 */
export type Meaning =
  | "yes"
  | "no"
  | "none"
  | "undefined"
  | "undetermined"
  | "unlimited"
  | "everything"
  | "below"
  | "above"
  | "equal";

/** Whole answers, in lower case. */
const WORDS: Readonly<Record<Exclude<Meaning, "everything">, string>> = {
  yes: "yes|yeah|yep|true|correct|t|是|是的|对|对的|正确|真|能|可以|会|有|✓|✔|\\sqrt|oui|vrai|sí|si|verdadero|cierto|ja|wahr|richtig|sim|verdadeiro|да|верно|はい|正しい|네|예|맞다|맞습니다|sì|vero|نعم|हाँ|evet",
  no: "no|nope|false|incorrect|f|否|不|不是|不对|错|错误|假|不正确|不能|不可以|不会|没有|\\times|×|✗|✘|non|faux|falso|nein|falsch|não|нет|неверно|いいえ|正しくない|아니요|아니오|아니다|لا|नहीं|hayır",
  none: "x \\in \\emptyset|x\\in\\emptyset|no solution|no solutions|no real solution|no real solutions|no real roots|no roots|no solution exists|no solutions exist|there is no solution|there are no solutions|there are no real solutions|there is no real solution|has no solution|has no solutions|has no real solutions|has no real solution|empty set|the empty set|\\emptyset|\\{\\}|\\{ \\}|{}|无解|方程无解|无实数解|无实数根|没有实数根|没有实数解|空集|不等式组无解|ninguna solución|keine lösung|aucune solution|нет решений|解なし|해가 없다",
  undefined:
    "dne|d.n.e|does not exist|doesn't exist|do not exist|undefined|is undefined|not defined|limit does not exist|the limit does not exist|不存在|未定义|无意义|极限不存在",
  undetermined:
    "cannot be determined|can not be determined|can't be determined|cannot determine|unanswerable|not answerable|not possible to determine|not determinable|indeterminate|not enough information|insufficient information|not enough info|there is not enough information|cannot be determined from the information given|cannot be determined from the given information|it cannot be determined|无法确定|不能确定|不确定|信息不足|条件不足",
  below: "<|小于|less than|is less than",
  above: ">|大于|greater than|is greater than|more than",
  equal: "=|等于|equal to|is equal to",
  unlimited:
    "infinitely many|infinitely many solutions|infinite solutions|infinite number of solutions|infinite|an infinite number of solutions|无数|无数个|无穷多|无穷多个|无数解|无穷多解|无数多个",
};

const MEANINGS = new Map<string, Meaning>();
for (const [meaning, words] of Object.entries(WORDS))
  for (const word of words.split("|")) MEANINGS.set(word, meaning as Meaning);

const SENTENCES: readonly (readonly [RegExp, Meaning])[] = [
  [
    /\b(?:has|have|there (?:is|are)|admits?) no (?:real )?(?:solutions?|roots?)\b|\bno (?:real )?solutions?(?: exists?)?$|无解$|没有(?:实数)?[解根]$/,
    "none",
  ],
  [/\bdo(?:es)? not exist$|\bdoesn't exist$|\b(?:is|are) (?:undefined|not defined)$|不存在$|无意义$/, "undefined"],
  [
    /\bcan(?:not| not|'t) be (?:determined|answered)\b|\bnot possible to (?:answer|determine)\b|\bnot enough information\b|\binsufficient information\b|无法确定$|不能确定$/,
    "undetermined",
  ],
  [/(?:说法|结论|命题|判断|叙述)(?:都)?是?正确(?:的)?$|^(?:这|该).{0,6}(?<!不)正确(?:的)?$/, "yes"],
  [/(?:说法|结论|命题|判断|叙述)(?:都)?是?(?:不正确|错误)(?:的)?$/, "no"],
  [/\binfinitely many (?:real )?solutions\b|\b(?:an )?infinite number of solutions\b|无数[个多]?解$/, "unlimited"],
];

const LEADING =
  /^(yes|no|yeah|nope|是的?|否|不是|不|对|oui|non|sí|ja|nein|да|нет|はい|いいえ|네|예|아니요)(?:[,.;:!?。，、 ]|$)|^(true|false|correct|incorrect|正确|错误)[.,;:!。，] /i;
const NOT_LEADING =
  /^no (?:one|more|less|other|\d|solutions?|real|roots?|way|idea|[a-z]+ (?:can|could|is|are))|^(?:yes|no) (?:and|or) |^(?:yes|no)[,/]? ?(?:no|yes)\b/i;
const NEGATED = /^(?:not|isn't|is not|not quite|不)\s*/i;

/** What a text means that is one of these words, or a sentence that ends in one. */
export function readMeaning(written: string): Meaning | undefined {
  const text = written.trim().toLowerCase().replace(/[.!]$/, "");
  if (text.length > 200) return undefined;
  const whole = MEANINGS.get(text);
  if (whole !== undefined) return whole;
  if (/\bor\b|或|^not\b/.test(text) && !/^not (?:enough|possible|true|correct|yes)\b/.test(text)) return undefined;
  for (const [pattern, meaning] of SENTENCES) if (pattern.test(text)) return meaning;
  const negated = NEGATED.exec(text);
  if (negated !== null) {
    const rest = MEANINGS.get(text.slice(negated[0].length));
    // "not true" is false; "not yes" says nothing.
    return rest === "yes" && !/^yes$|^yeah$|^ja$/.test(text.slice(negated[0].length)) ? "no" : undefined;
  }
  const leading = LEADING.exec(text);
  if (leading === null || NOT_LEADING.test(text)) return undefined;
  return MEANINGS.get((leading[1] ?? leading[2])!);
}

/** A gold answer with a meaning: the word and nothing else. */
export function readGoldMeaning(text: string): Meaning | undefined {
  if (/^[tf]$/i.test(text)) return undefined;
  return MEANINGS.get(text.trim().toLowerCase());
}

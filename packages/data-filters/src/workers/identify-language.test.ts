import { expect, it } from "vitest";
import { loadLanguageIdentifier } from "./identify-language";

const identify = await loadLanguageIdentifier();

it.each([
  "How many red cubes are left of the sphere?",
  "How many?",
  "What color are the large sphere and the small cube?",
  "What is written on the bus to München Hauptbahnhof?",
  "What's the driver's name on O'Neill's bus?",
  "Who is Zlatan Ibrahimović?",
  "What number is Müller wearing?",
  "Café name?",
  "no smoking sign?",
])("English: %s", (text) => expect(identify(text)).toBe("en"));

it.each([
  "TOTAL",
  "brand?",
  "bus number",
  "Hotel name",
  "license plate",
  "Revenue 2015",
  "Total revenue 2015",
  "Qty",
  "ISBN",
  "x",
])("English, because plain ASCII without a clear winner: %s", (text) => expect(identify(text)).toBe("en"));

it.each([
  'What is written on the sign "Straße des 17. Juni"?',
  "Who wrote 'Die unendliche Geschichte'?",
  "What does 停 mean here?",
  "What does 中国银行 say?",
  "Find $x$ if $\\angle ABC = 30^\\circ$",
  "Evaluate \\frac{a}{b}",
  "See https://www.beispiel.de/haus for the price",
])("English around formulas, quoted words and names: %s", (text) => expect(identify(text)).toBe("en"));

it.each([
  ["这家店的名字是什么?", "zh"],
  ["图中 ABC 公司的电话是多少", "zh"],
  ["多少", "zh"],
  ["この店の名前は何ですか", "ja"],
  ["이 가게의 이름은 무엇입니까?", "ko"],
  ["Что написано на вывеске?", "ru"],
  ["Combien de voitures sont dans la rue ?", "fr"],
  ["Quel est le titre", "fr"],
  ["Wie viele Personen sind auf dem Bild?", "de"],
  ["Wo ist der Hund", "de"],
  ["¿Cuántas personas hay en la foto?", "es"],
  ["Que dice el letrero?", "es"],
  ["Quantos carros existem na foto?", "pt"],
  ["Quanti cubi ci sono?", "it"],
  ["Hoeveel kubussen zijn er?", "nl"],
  ["Bảng hiệu viết gì?", "vi"],
  ["Apa nama toko ini?", "ms"],
  ["Ile jest kostek?", "pl"],
  ["Hur många kuber finns det?", "sv"],
])("%s is %s", (text, language) => expect(identify(text)).toBe(language));

it.each(["123 + 456", "$\\frac{1}{2}$", "", "?!"])("nothing tells: %s", (text) => expect(identify(text)).toBe("und"));
